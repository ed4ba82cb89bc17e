// What this device saw of each log, so that a log that tells two pasts is noticed.
//
// Every state that was seen is kept, also after a newer one: a newer state that does not say how it
// grew could be of another past, and must not make this device forget the one it knows.

import { ProofError, isObject } from "./verify/strict.js";
import { verifyConsistency } from "./verify.js";

const PREFIX = "reciprocity-seen:";
const MOST_STATES = 100;

const isState = (one) => isObject(one) && Number.isSafeInteger(one.size) && /^[0-9a-f]{64}$/.test(one.root);

/** The states of the log *origin* that were seen, as `{size, root}`, the smallest first. */
function remembered(origin) {
  try {
    const kept = JSON.parse(localStorage.getItem(PREFIX + origin));
    return (Array.isArray(kept) ? kept : [kept]).filter(isState);
  } catch {
    return []; // no storage here, or not ours: nothing is remembered
  }
}

function remember(origin, states) {
  try {
    localStorage.setItem(PREFIX + origin, JSON.stringify(states.slice(-MOST_STATES)));
  } catch {
    // not allowed here
  }
}

/**
 * How the state *found* (`{origin, size, root}`) stands to those seen before: a sentence, or null.
 *
 * *grown* lists `{proof, size}`, why the log begins with the one of that size; empty for a receipt.
 * Throws a `ProofError` where the log cannot have had both pasts.
 */
export async function compared({ origin, size, root }, grown) {
  const seen = remembered(origin);
  const proofs = new Map(grown.map((one) => [one.size, one.proof]));
  const before = seen.filter((one) => one.size < size);
  if (seen.some((one) => one.size === size && one.root !== root)) {
    throw new ProofError(
      `This device saw the log ${origin} with ${size} records under another root. ` +
        "One log cannot have two pasts: keep both files and ask.",
    );
  }
  for (const one of before) {
    if (proofs.has(one.size)) await verifyConsistency(proofs.get(one.size), one, { size, root });
  }
  const known = seen.some((one) => one.size === size);
  if (!known) remember(origin, [...seen, { size, root }].sort((one, other) => one.size - other.size));
  return said(before.at(-1)?.size, seen.at(-1)?.size, size, proofs);
}

function said(before, latest, size, proofs) {
  if (before !== undefined && proofs.has(before)) {
    return `The log goes on from the ${before} records that this device saw before.`;
  }
  if (latest === undefined || latest === size) return null;
  if (latest > size) return `This file is older than what this device saw: the log had ${latest} records then.`;
  return (
    `This device saw the log with ${latest} records before; this file does not say how it grew from there. ` +
    `Ask for a proof since ${latest}.`
  );
}
