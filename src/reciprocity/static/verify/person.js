// A person's proof: these are their events, they are all, and each send was permitted.

import {
  ProofError, eightBytes, fromBase64, fromHex, hold, holdFields, joined, list, number, sha256, text,
} from "./strict.js";
import { HASH_BYTES, checkInclusion } from "./merkle.js";
import { checkEntry, checkPublic, hashesOf, newer } from "./entry.js";
import { holdOrder, judged } from "./deliveries.js";

export const PERSON_FORMAT = "reciprocity-person@v1";
export const PERSON_FIELDS = ["chain", "checkpoint", "consistency", "epoch", "events", "format", "statements"];
const EPOCH_FIELDS = ["blind", "event", "index", "path", "proof", "version"];
const EPOCH_BODY = ["number", "root", "size", "slots", "sum_n"];

/** What the proof *said* shows under *checkpoint*, which is believed already. */
export async function checkPerson(said, checkpoint) {
  const events = await checkEvents(list(said, "events", "proof"), checkpoint);
  const { slot } = events[0].event;
  const statements = await checkStatements(list(said, "statements", "proof"), checkpoint);
  const chain = fromBase64(text(said, "chain", "proof"), "proof chain", HASH_BYTES);
  const [epoch, covered] = await checkEpoch(said.epoch, slot, events, chain, checkpoint);
  const { decided, fewestRules } = judged(events, statements);
  holdOrder([...events, epoch]);
  const { number: epochNumber, size } = epoch.event.body;
  return {
    events: events.map((one) => one.event), slot, covered, epoch: epochNumber, epoch_at: epoch.event.at,
    epoch_size: size, decided, fewest_rules: fewestRules,
  };
}

/** How the log grew, by the sizes that were asked for. */
export function grownFrom(said) {
  const grown = new Map();
  for (const one of list(said, "consistency", "proof")) {
    holdFields(one, ["proof", "size"], "consistency");
    grown.set(number(one, "size", "consistency"), hashesOf(one, "proof", "consistency"));
  }
  return grown;
}

const entries = (listed, what, checkpoint) =>
  settled(listed.map((one, place) => checkEntry(one, checkpoint, `${what} ${place + 1}`)));

/** All at once, but the first failure in their order is the one that is told. */
async function settled(promises) {
  const done = await Promise.allSettled(promises);
  for (const one of done) if (one.status === "rejected") throw one.reason;
  return done.map((one) => one.value);
}

/** The public statements *listed*, by their index; anybody can read them in the log. */
async function checkStatements(listed, checkpoint) {
  const found = await entries(listed, "statement", checkpoint);
  for (const [place, one] of listed.entries()) checkPublic(one, `statement ${place + 1}`);
  return new Map(found.map((one) => [one.index, one.event]));
}

async function checkEvents(listed, checkpoint) {
  const events = await entries(listed, "event", checkpoint);
  hold(events.length > 0, "proof: holds no event");
  const slot = number(events[0].event, "slot", "event 1");
  let before = -1;
  for (const [place, { event, index }] of events.entries()) {
    const version = place + 1;
    const found = number(event, "version", `event ${version}`, 1);
    hold(number(event, "slot", `event ${version}`) === slot, `event ${version}: is of another slot than those before it`);
    hold(found === version, `version ${version} is missing: the next event is version ${found}`);
    hold(index > before, `version ${version} stands in the log before the one it follows`);
    before = index;
  }
  return events;
}

/** What the epoch *event* at *index* commits to. */
function committed({ event, index }) {
  hold(event.kind === "epoch.published", `epoch: the event is '${event.kind}', expected epoch.published`);
  if (event.v !== 1) throw newer("epoch", event);
  holdFields(event.body, EPOCH_BODY, "epoch");
  const [size, sum] = ["size", "sum_n"].map((name) => number(event.body, name, "epoch"));
  hold(size <= index, `epoch: covers ${size} records, and stands at index ${index} itself`);
  hold(sum <= size, `epoch: counts ${sum} events among ${size} records`);
  number(event.body, "number", "epoch", 1);
  const root = fromHex(text(event.body, "root", "epoch"), "epoch root");
  return { size, sum, slots: number(event.body, "slots", "epoch"), root };
}

async function checkEpoch(said, slot, events, chain, checkpoint) {
  holdFields(said, EPOCH_FIELDS, "epoch");
  const entry = { event: said.event, index: said.index, proof: said.proof, salt: "" };
  const found = await checkEntry(entry, checkpoint, "epoch");
  checkPublic(entry, "epoch", true);
  const { size, sum, slots, root } = committed(found);
  const covered = number(said, "version", "epoch");
  hold(
    covered <= events.length,
    `version ${events.length + 1} is missing: the epoch has ${covered} events`,
  );
  hold(covered <= sum, `epoch: counts ${sum} events in all, ${covered} of this person`);
  const below = events.filter((one) => one.index < size).length;
  hold(below === covered, `epoch: has ${covered} events, ${below} are given from before it`);
  let head = covered ? chain : new Uint8Array(HASH_BYTES);
  for (const { leafHash } of events.slice(0, covered)) head = await sha256(joined(head, leafHash));
  const blind = fromBase64(text(said, "blind", "epoch"), "epoch blind", HASH_BYTES);
  const placed = joined(Uint8Array.of(0), eightBytes(slot), eightBytes(covered), head, blind);
  const path = hashesOf(said, "path", "epoch");
  try {
    await checkInclusion(path, slot, await sha256(placed), slots, root);
  } catch (error) {
    if (!(error instanceof ProofError)) throw error;
    throw new ProofError(
      `epoch: does not commit to these ${covered} events; one of them is missing, or another ` +
        `(${error.message})`,
    );
  }
  return [found, covered];
}
