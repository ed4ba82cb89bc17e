// An event, its leaf, and its place in the log (docs/reference/proof-formats.md).

import {
  ProofError, bytesOf, canonical, fromBase64, hold, holdFields, isObject, isUtf8, joined, list, number, readJson, sha256, text,
} from "./strict.js";
import { HASH_BYTES, checkInclusion, hashLeaf } from "./merkle.js";

const CLEAR_BYTES = 16384;
const [PERSONAL, BRAND, CLEAR, HASHED] = [1, 2, 3, 4].map((one) => Uint8Array.of(one));

/** What *event* says, and the leaf that it makes with *salt* (empty for a public event). */
export async function leafOf(event, salt, what) {
  const said = readJson(event, what);
  const spelled = canonical(said);
  // half a character may stand there as itself, or as an escape, which JSON.stringify writes too
  hold(isUtf8(event) && !/(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(spelled), `${what}: cannot be written as UTF-8`);
  hold(spelled === event, `${what}: is not in its one canonical spelling`);
  text(said, "kind", what);
  for (const name of ["at", "v", "happened_at"]) number(said, name, what);
  hold(isObject(said.body), `${what}: has no body`);
  const personal = "version" in said;
  hold(personal === "slot" in said, `${what}: has a slot without a version, or the other way about`);
  const bytes = bytesOf(event);
  if (personal || salt.length) {
    hold(salt.length === HASH_BYTES, `${what}: its salt is ${salt.length} bytes, expected ${HASH_BYTES}`);
    return [said, joined(personal ? PERSONAL : BRAND, await sha256(joined(salt, bytes)))];
  }
  if (bytes.length < CLEAR_BYTES) return [said, joined(CLEAR, bytes)];
  return [said, joined(HASHED, await sha256(bytes))];
}

/** What the event in *said* (`event`, `salt`) says, and its leaf hash. */
export async function checkLeaf(said, what) {
  const spelled = text(said, "salt", what);
  const salt = spelled ? fromBase64(spelled, `${what} salt`, HASH_BYTES) : new Uint8Array();
  const [event, leaf] = await leafOf(text(said, "event", what), salt, what);
  return [event, await hashLeaf(leaf)];
}

/** Hold that the entry *said* stands in the log for everyone to read; *clear*, as text. */
export function checkPublic(said, what, clear = false) {
  hold(text(said, "salt", what) === "", `${what}: stands under a salt, where everyone must be able to read it`);
  const short = bytesOf(text(said, "event", what)).length < CLEAR_BYTES;
  hold(short || !clear, `${what}: the log has its hash alone, where its text must stand`);
}

/** What to throw for an *event* of a kind or version that is not known here. */
export const newer = (what, { kind, v }) =>
  new ProofError(
    `${what}: '${kind}' version ${v} is not known here: it was made by a newer release, get a newer verifier`,
  );

/** The list of hashes under *name*. */
export function hashesOf(said, name, what) {
  const listed = list(said, name, what);
  hold(listed.length <= 54, `${what}: ${name} is no list of hashes`);
  return listed.map((one) => fromBase64(typeof one === "string" ? one : "", `${what} ${name}`, HASH_BYTES));
}

/** The event in *said* (`event`, `index`, `proof`, `salt`), held to be in the log. */
export async function checkEntry(said, checkpoint, what) {
  holdFields(said, ["event", "index", "proof", "salt"], what);
  const [event, leafHash] = await checkLeaf(said, what);
  const index = number(said, "index", what);
  const proof = hashesOf(said, "proof", what);
  try {
    await checkInclusion(proof, index, leafHash, checkpoint.size, checkpoint.root);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw new ProofError(`${what}: is not in the log at index ${index} (${error.message})`);
  }
  return { event, index, leafHash };
}
