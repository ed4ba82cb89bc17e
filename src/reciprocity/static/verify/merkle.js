// The Merkle tree of RFC 6962, for whoever checks: nothing is proven here, proofs are held to be right.

import { ProofError, hold, joined, same, sha256 } from "./strict.js";

export const HASH_BYTES = 32;
const LEAF = Uint8Array.of(0);
const NODE = Uint8Array.of(1);

/** The hash of the leaf that holds *data*. */
export const hashLeaf = (data) => sha256(joined(LEAF, data));

const bitLength = (value) => (value === 0n ? 0 : value.toString(2).length);
const bitCount = (value) => value.toString(2).replaceAll("0", "").length;
const trailingZeros = (value) => (value === 0n ? 0 : bitLength(value & -value) - 1);

/** Hold that *leafHash* is leaf *index* of the tree of *size* leaves under *root* (RFC 9162, 2.1.3.2). */
export async function checkInclusion(proof, index, leafHash, size, root) {
  hold(
    index >= 0 && index < size && Number.isSafeInteger(size),
    `inclusion proof: leaf ${index} is outside a tree of ${size} leaves`,
  );
  const [at, last] = [BigInt(index), BigInt(size - 1)];
  const fork = bitLength(at ^ last);
  holdShape("inclusion proof", proof, fork + bitCount(at >> BigInt(fork)), leafHash, root);
  const found = await climbed(leafHash, proof, at, fork);
  hold(same(found, root), `inclusion proof: leaf ${index} does not lead to the root of ${size} leaves`);
}

/** Hold that the tree under *newRoot* begins with all of the tree under *oldRoot* (RFC 9162, 2.1.4.2). */
export async function checkConsistency(proof, oldSize, oldRoot, newSize, newRoot) {
  hold(
    oldSize >= 0 && oldSize <= newSize && Number.isSafeInteger(newSize),
    `consistency proof: no tree grows from ${oldSize} to ${newSize} leaves`,
  );
  const empty = await sha256(new Uint8Array());
  if (oldSize === 0 || oldSize === newSize) {
    holdShape("consistency proof", proof, 0, oldRoot, newRoot);
    const right = same(oldRoot, oldSize === newSize ? newRoot : empty);
    hold(right && (newSize > 0 || same(newRoot, empty)), wrong("old", oldSize));
    return;
  }
  const lowest = trailingZeros(BigInt(oldSize));
  let last = BigInt(oldSize - 1);
  let fork = bitLength(last ^ BigInt(newSize - 1));
  const whole = BigInt(oldSize) === 1n << BigInt(lowest);
  const expected = (whole ? 0 : 1) + fork - lowest + bitCount(last >> BigInt(fork));
  holdShape("consistency proof", proof, expected, oldRoot, newRoot);
  const seed = whole ? oldRoot : proof[0];
  const path = whole ? proof : proof.slice(1);
  last >>= BigInt(lowest);
  fork -= lowest;
  const left = path.filter((_, height) => height >= fork || (last >> BigInt(height)) & 1n);
  hold(same(await climbed(seed, left, 0n, 0), oldRoot), wrong("old", oldSize));
  hold(same(await climbed(seed, path, last, fork), newRoot), wrong("new", newSize));
}

const wrong = (which, size) => `consistency proof: it does not lead to the ${which} root of ${size} leaves`;

/** Where *path* leads from *node*: by the bits of *index* below *fork*, leftward above. */
async function climbed(node, path, index, fork) {
  let found = node;
  for (const [height, sibling] of path.entries()) {
    const isLeft = height < fork && !((index >> BigInt(height)) & 1n);
    found = await sha256(isLeft ? joined(NODE, found, sibling) : joined(NODE, sibling, found));
  }
  return found;
}

function holdShape(what, proof, expected, ...hashes) {
  hold(proof.length === expected, `${what}: ${proof.length} hashes, expected ${expected} for these sizes`);
  for (const one of [...proof, ...hashes]) {
    if (one.length !== HASH_BYTES) throw new ProofError(`${what}: a hash is not ${HASH_BYTES} bytes`);
  }
}
