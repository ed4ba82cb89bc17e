// A person's proof: these are their events, they are all, and each send was permitted.

import {
  ProofError, eightBytes, fromBase64, fromHex, hold, holdFields, isObject, joined, list, number, sha256, text,
  textOr,
} from "./strict.js";
import { HASH_BYTES, checkInclusion } from "./merkle.js";
import { checkEntry, hashesOf } from "./entry.js";
import { Rulebook } from "./rules.js";
import { OwnWords, checkFacts } from "./wishes.js";

export const PERSON_FORMAT = "reciprocity-person@v1";
export const PERSON_FIELDS = ["chain", "checkpoint", "consistency", "epoch", "events", "format", "statements"];
const EPOCH_FIELDS = ["blind", "event", "index", "path", "proof", "version"];
const TAKES_BACK = ["consent.refused", "consent.withdrawn"];

/** What the proof *said* shows under *checkpoint*, which is believed already. */
export async function checkPerson(said, checkpoint) {
  const events = await checkEvents(list(said, "events", "proof"), checkpoint);
  const { slot } = events[0].event;
  const listed = await entries(list(said, "statements", "proof"), "statement", checkpoint);
  const statements = new Map(listed.map((one) => [one.index, one.event]));
  const chain = fromBase64(text(said, "chain", "proof"), "proof chain", HASH_BYTES);
  const [epoch, epochAt, covered] = await checkEpoch(said.epoch, slot, events, chain, checkpoint);
  const decided = decideAgain(events, statements);
  return { events: events.map((one) => one.event), slot, covered, epoch, epoch_at: epochAt, decided };
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

async function checkEpoch(said, slot, events, chain, checkpoint) {
  holdFields(said, EPOCH_FIELDS, "epoch");
  const { event } = await checkEntry(
    { event: said.event, index: said.index, proof: said.proof, salt: "" }, checkpoint, "epoch",
  );
  hold(
    event.kind === "epoch.published" && event.v === 1,
    `epoch: the event is '${event.kind}', expected epoch.published`,
  );
  const epochNumber = number(event.body, "number", "epoch", 1);
  const [size, slots] = [number(event.body, "size", "epoch"), number(event.body, "slots", "epoch")];
  const root = fromHex(text(event.body, "root", "epoch"), "epoch root");
  const covered = number(said, "version", "epoch");
  hold(
    covered <= events.length,
    `version ${events.length + 1} is missing: the epoch has ${covered} events`,
  );
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
  return [epochNumber, event.at, covered];
}

function decideAgain(events, statements) {
  const rulebooks = new Map();
  const words = new OwnWords();
  let decided = 0;
  for (const [place, { event, index }] of events.entries()) {
    if (event.kind === "delivery.attempted" && event.v === 1) {
      decided += 1;
      const [attempt, version] = [event.body, place + 1];
      const what = `delivery at version ${version}`;
      for (const name of ["channel", "message", "occasion", "purpose"]) text(attempt, name, what);
      const [brandAt, rulebookAt] = stated(attempt, index, what);
      if (!rulebooks.has(rulebookAt)) {
        const body = statement(statements, rulebookAt, "rulebook.applied", what);
        rulebooks.set(rulebookAt, new Rulebook(body));
      }
      const book = rulebooks.get(rulebookAt);
      const reason = book.reasonAgainst(attempt, what);
      hold(reason === null, `${what}: the rule '${reason}' was against it`);
      const brand = statement(statements, brandAt, "brand.applied", what);
      checkFacts(words, book.namedFacts(attempt), attempt, event.at, brand, what);
      if (textOr(attempt, "basis", "consent", what) === "consent") checkConsent(events, version, attempt, what);
    }
    words.see(place + 1, event);
  }
  return decided;
}

function stated(attempt, index, what) {
  const [brand, rulebook] = Array.isArray(attempt.stated) ? attempt.stated : [];
  hold(typeof brand === "number" && typeof rulebook === "number", `${what}: names no rulebook`);
  const below = rulebook >= 0 && rulebook < index && brand >= 0 && brand < index;
  hold(below, `${what}: names a rulebook or a brand file that came after it`);
  return [brand, rulebook];
}

function statement(statements, at, kind, what) {
  const found = statements.get(at);
  hold(found !== undefined && found.kind === kind, `${what}: the ${kind} it names is not among the statements`);
  hold(isObject(found.body.body), `${what}: the ${kind} it names has no body`);
  return found.body.body;
}

function checkConsent(events, version, attempt, what) {
  const named = number(attempt, "consent", what, 1);
  hold(named < version, `${what}: rests on a consent that came after it`);
  const said = statesIn(events[named - 1].event, attempt);
  hold(said.has("given"), `${what}: version ${named} says no yes to its purpose and channel`);
  for (const { event } of events.slice(named, version - 1)) {
    const states = statesIn(event, attempt);
    const against = TAKES_BACK.includes(event.kind) && (states.has("refused") || states.has("withdrawn"));
    hold(!against, `${what}: the yes was taken back at version ${event.version}`);
  }
}

function statesIn(event, attempt) {
  const rows = Array.isArray(event.body.consent) ? event.body.consent : [];
  const mine = (row) => isObject(row) && row.purpose === attempt.purpose && row.channel === attempt.channel;
  return new Set(rows.filter(mine).map((row) => row.state));
}
