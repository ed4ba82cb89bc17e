// Verification in your own browser: no library, nothing sent anywhere, WebCrypto alone.
//
//   import { verifyPerson } from "./verify.js";
//   const found = await verifyPerson(text, { keys: ["brand.example/shop+..."] });
//
// The formats are those of docs/reference/proof-formats.md; the same is checked in Python by
// `reciprocity.prove.verify`, written apart from this. Every function gives what was shown to hold,
// or throws one error, `ProofError`, that says what did not match.

import { ProofError, fromBase64, fromHex, hold, isObject, readJson, shown, text, toHex, trimmed } from "./verify/strict.js";
import { HASH_BYTES, checkConsistency, checkInclusion } from "./verify/merkle.js";
import { cosignatures, openCheckpoint, readKey, readProof } from "./verify/note.js";
import { checkLeaf } from "./verify/entry.js";
import { PERSON_FIELDS, PERSON_FORMAT, checkPerson, grownFrom } from "./verify/person.js";

export { ProofError };

const RECEIPT_FORMAT = "reciprocity-receipt@v1";

/** What a receipt proves: its event, its position, the checkpoint above it (root in hex). */
export async function verifyReceipt(data, trust) {
  const keys = await keysOf(trust);
  const said = readJson(data, "receipt", ["event", "format", "proof", "salt"]);
  hold(said.format === RECEIPT_FORMAT, `receipt: is of format ${shown(said.format)}, expected ${RECEIPT_FORMAT}`);
  const [event, leafHash] = await checkLeaf(said, "receipt's event");
  const proof = readProof(text(said, "proof", "receipt"));
  const opened = await opensUnder(proof.checkpoint, keys, trust);
  await checkInclusion(proof.hashes, proof.index, leafHash, opened.size, fromHexRoot(opened));
  return { event, position: proof.index, ...opened };
}

/** What a person's proof shows: all their events, up to which epoch they are all, what was decided again. */
export async function verifyPerson(data, trust) {
  const keys = await keysOf(trust);
  const said = readJson(data, "proof", PERSON_FIELDS);
  hold(said.format === PERSON_FORMAT, `proof: is of format ${shown(said.format)}, expected ${PERSON_FORMAT}`);
  const opened = await opensUnder(text(said, "checkpoint", "proof"), keys, trust);
  const consistent = await goesOn(grownFrom(said), trust.seen, opened);
  const found = await checkPerson(said, { size: opened.size, root: fromHexRoot(opened) });
  return { ...found, consistent_with: consistent, ...opened };
}

/** Hold that the log goes on from what was *seen* of it, `{origin, size, root}`; its size then. */
async function goesOn(grown, seen, opened) {
  if (seen === undefined || seen === null) return 0;
  hold(isObject(seen), "consistency: what was seen before is no state of a log");
  hold(seen.origin === opened.origin, `consistency: ${seen.origin} was seen before, this is ${opened.origin}`);
  if (seen.size === opened.size && !grown.has(seen.size)) grown.set(seen.size, []);
  hold(
    grown.has(seen.size),
    `consistency: the proof does not say how the log grew from ${seen.size} events: ask for one that does`,
  );
  await checkConsistency(grown.get(seen.size), seen.size, fromHexRoot(seen), opened.size, fromHexRoot(opened));
  return seen.size;
}

/** Hold that the log of *newer* begins with all of *older*: both as `{size, root}`, root in hex. */
export async function verifyConsistency(proof, older, newer) {
  const hashes = proof.map((one) => fromBase64(one, "consistency proof", HASH_BYTES));
  await checkConsistency(hashes, older.size, fromHexRoot(older), newer.size, fromHexRoot(newer));
}

/** The checkpoint in the note *data* under *trust*: origin, size, root (hex), who cosigned when. */
export async function verifyCheckpoint(data, trust) {
  return opensUnder(data, await keysOf(trust), trust);
}

const fromHexRoot = ({ root }) => fromHex(root, "root");

async function keysOf({ keys }) {
  hold(keys?.length > 0, "no verifier key was given: have the log's key from somebody you trust");
  return Promise.all(keys.map((key) => readKey(trimmed(key))));
}

async function opensUnder(note, keys, { witnesses = [], quorum = 0 }) {
  const { origin, size, root } = await openCheckpoint(note, keys);
  const cosigned = await cosignatures(note, await Promise.all(witnesses.map((key) => readKey(trimmed(key)))));
  hold(cosigned.size >= quorum, `checkpoint: ${cosigned.size} known witnesses cosigned it, ${quorum} are asked for`);
  return { origin, size, root: toHex(root), cosigned: Object.fromEntries(cosigned) };
}
