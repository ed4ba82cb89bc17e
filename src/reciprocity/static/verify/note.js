// The texts a log signs and hands out (C2SP signed-note, tlog-checkpoint, tlog-proof, tlog-cosignature).

import { BLANKS, ProofError, bytesOf, fromBase64, hold, isUtf8, joined, sha256, toHex } from "./strict.js";
import { HASH_BYTES } from "./merkle.js";

const MOST_BYTES = 2 ** 18;
const MOST_SIGNATURES = 100;
const DASH = "\u2014 ";
const CONTROL = /[\u0000-\u0009\u000b-\u001f]/;
const SPACE = new RegExp(`[${BLANKS}]`);
const NUMBER = /^(0|[1-9][0-9]{0,15})$/;
const HEADER = "c2sp.org/tlog-proof@v1";
const ED25519 = 1;
const COSIGNATURE = 4;

/** Refuse what cannot be a text of this family: oversized, lone surrogates, control characters. */
function holdText(said, what) {
  hold(isUtf8(said), `${what}: not UTF-8`);
  hold(bytesOf(said).length <= MOST_BYTES, `${what}: more than ${MOST_BYTES} bytes`);
  hold(!CONTROL.test(said), `${what}: a control character in it`);
  return said;
}

function holdName(name) {
  const right = name && !SPACE.test(name) && !name.includes("+") && !/[\u0000-\u001f]/.test(name);
  hold(right, "key name: empty, or with a space, a plus or a control character in it");
}

/** The first *parts* pieces of *said* between *mark*s; what is left stays in the last. */
function split(said, mark, parts, what) {
  const found = said.split(mark);
  hold(found.length >= parts, `${what}: ${found.length} parts, expected ${parts}`);
  return [...found.slice(0, parts - 1), found.slice(parts - 1).join(mark)];
}

function wholeNumber(said, what) {
  const right = NUMBER.test(said) && Number.isSafeInteger(Number(said));
  hold(right, `${what}: not a plain decimal number from 0 to 2^53 - 1`);
  return Number(said);
}

/** A verifier key, `name+id+base64(type || key)`, ready to check signatures. */
export async function readKey(spelled) {
  const [name, id, rest] = split(spelled, "+", 3, "verifier key");
  holdName(name);
  const data = fromBase64(rest, "verifier key");
  hold(
    (data[0] === ED25519 || data[0] === COSIGNATURE) && data.length === 1 + HASH_BYTES,
    "verifier key: of a type that is not known here",
  );
  const keyId = (await sha256(joined(bytesOf(`${name}\n`), data))).slice(0, 4);
  hold(toHex(keyId) === id, `verifier key: its id is not ${toHex(keyId)}, which follows`);
  const key = await crypto.subtle.importKey("raw", data.slice(1), { name: "Ed25519" }, false, ["verify"]);
  return { name, id, type: data[0], publicKey: toHex(data.slice(1)), key };
}

async function signed(key, message, signature) {
  if (signature.length !== 64) return false;
  return crypto.subtle.verify({ name: "Ed25519" }, key.key, signature, message);
}

/** A note: its text, and signature lines that nobody believed yet. */
export function readNote(said) {
  holdText(said, "note");
  const at = said.lastIndexOf("\n\n");
  const lines = said.slice(at + 2).split("\n");
  const right = at >= 0 && lines.pop() === "" && lines.length >= 1 && lines.length <= MOST_SIGNATURES;
  hold(right, `note: no blank line before 1 to ${MOST_SIGNATURES} lines of signatures`);
  return { text: said.slice(0, at + 1), signatures: lines.map(readSignature) };
}

function readSignature(line) {
  hold(line.startsWith(DASH), "note: a signature line does not begin with a dash and a space");
  const [name, spelled] = split(line.slice(DASH.length), " ", 2, "note signature");
  holdName(name);
  const data = fromBase64(spelled, "note signature");
  hold(data.length > 4, "note: a signature without a key id or without bytes");
  return { name, id: toHex(data.slice(0, 4)), signature: data.slice(4) };
}

/** What a checkpoint's text says: origin, size, root, extensions. */
export function readCheckpoint(said) {
  const lines = holdText(said, "checkpoint").split("\n");
  hold(lines.pop() === "" && lines.length >= 3 && lines.every(Boolean), "checkpoint: not three whole lines");
  const [origin, size, root] = lines;
  return {
    origin,
    size: wholeNumber(size, "checkpoint size"),
    root: fromBase64(root, "checkpoint root", HASH_BYTES),
  };
}

/** The checkpoint in *said*, signed by one of *keys* for the log of that name. */
export async function openCheckpoint(said, keys) {
  const note = readNote(said);
  let refused = new ProofError("checkpoint is not checked: no key was given");
  for (const key of keys) {
    try {
      await holdSigned(note, key);
      const checkpoint = readCheckpoint(note.text);
      hold(checkpoint.origin === key.name, "checkpoint: its origin is not that of the log asked for");
      return checkpoint;
    } catch (error) {
      if (!(error instanceof ProofError)) throw error;
      refused = error;
    }
  }
  throw refused;
}

/** Hold that *key*, a log's, signed *note*; every signature in its name must hold. */
export async function holdSigned(note, key) {
  hold(key.type === ED25519, "verifier key: is a witness's, where the log's own belongs");
  const found = note.signatures.filter((one) => one.name === key.name && one.id === key.id);
  hold(found.length > 0, `note: none of its ${note.signatures.length} signatures is by a known key`);
  for (const one of found) {
    const right = await signed(key, bytesOf(note.text), one.signature);
    hold(right, "note: a signature is not by the key it names");
  }
}

/** Which of *witnesses* cosigned the note *said*, each with the second it did so. */
export async function cosignatures(said, witnesses) {
  const note = readNote(said);
  const found = new Map();
  const different = new Set(witnesses.map((one) => one.publicKey));
  hold(different.size === witnesses.length, "witness key: one of them is named twice, and counts once");
  for (const witness of witnesses) {
    hold(witness.type === COSIGNATURE, "witness key: is not of the type of a cosignature");
    for (const one of note.signatures) {
      if (one.name !== witness.name || one.id !== witness.id) continue;
      hold(one.signature.length === 72, "cosignature: not 8 bytes of time and 64 of signature");
      const at = new DataView(one.signature.buffer, one.signature.byteOffset).getBigUint64(0);
      hold(at < 2n ** 53n, `cosignature: time ${at}, expected 0 to 2^53 - 1`);
      const message = bytesOf(`cosignature/v1\ntime ${at}\n${note.text}`);
      hold(
        await signed(witness, message, one.signature.slice(8)),
        `cosignature: is not by the witness it names, ${witness.name}`,
      );
      const named = `${witness.name}+${witness.id}`;
      found.set(named, Math.max(Number(at), found.get(named) ?? 0));
    }
  }
  return found;
}

/** A log proof (C2SP tlog-proof): index, hashes, and the note with the checkpoint. */
export function readProof(said) {
  holdText(said, "log proof");
  const at = said.indexOf("\n\n");
  hold(at >= 0, "log proof: has no checkpoint");
  const [header, ...lines] = said.slice(0, at).split("\n");
  hold(header === HEADER && lines.length > 0, `log proof: does not begin with ${HEADER} and an index`);
  if (lines[0].startsWith("extra ")) {
    const extra = fromBase64(lines.shift().slice("extra ".length), "log proof extra");
    hold(extra.length > 0, "log proof: an extra line without data");
  }
  hold(lines.length > 0 && lines[0].startsWith("index "), "log proof: has no index line where it belongs");
  const index = wholeNumber(lines[0].slice("index ".length), "log proof index");
  const hashes = lines.slice(1).map((line) => fromBase64(line, "log proof hash", HASH_BYTES));
  hold(hashes.length <= 53, "log proof: more hashes than any tree has");
  const checkpoint = said.slice(at + 2);
  readCheckpoint(readNote(checkpoint).text);
  return { index, hashes, checkpoint };
}

