// What a person said, and what was sent to them: their history folded, event by event.
//
// Parts of another type are refused, and so are kinds and versions that are not known here: a newer
// release may have made them, and nobody can tell what they hold back.

import { flag, hold, isObject, number, numberOr, text, textOr } from "./strict.js";
import { answered, erasureDue, hear, objected, pointed } from "./laws.js";
import { newer } from "./entry.js";

const BASES = ["consent", "contract", "legal_duty"];
const ATTEMPTED = "delivery.attempted";
const ACTS = new Set([
  "person.imported", "person.registered", "consent.requested", "consent.confirmed",
  "consent.granted", "consent.refused", "consent.withdrawn", "objection.made",
  "objection.lifted", "preferences.set", "profile.set", "contact_point.set",
  "contact_point.bounced", "contact_point.suppressed", "age.stated", "erasure.requested",
  "erasure.undone",
]);
const WEIGHTS = new Map([ // what may become of an attempt, and how much each news weighs
  ["delivery.cancelled", 0], ["delivery.unknown", 1], ["delivery.failed", 2],
  ["delivery.delivered", 3], ["delivery.bounced", 4], ["delivery.complained", 5],
]);
const ARRIVED = new Set(["delivery.delivered", "delivery.bounced", "delivery.complained"]);
const STOPPED = new Set(["delivery.cancelled", "delivery.failed"]);
const KNOWN = new Set([...ACTS, ...WEIGHTS.keys(), ATTEMPTED, "delivery.held", "feedback.given"]);
const LAST_MINUTE = 1439;

/** What an attempt says of itself, each part of its type. */
export function readAttempt({ body, at }, what) {
  const basis = textOr(body, "basis", "consent", what);
  hold(BASES.includes(basis), `${what}: its basis '${basis}' is none that is known here`);
  const [message, occasion, purpose, channel] =
    ["message", "occasion", "purpose", "channel"].map((name) => text(body, name, what));
  const [consent, point, decidedAt, handoverBy, countsUntil] =
    ["consent", "point", "decided_at", "handover_by", "counts_until"].map((name) => number(body, name, what));
  return { message, occasion, purpose, channel, basis, consent, point, decidedAt, handoverBy, countsUntil, at };
}

/** What the person said, and what was sent to them, up to some event. */
export class OwnWords {
  constructor() {
    Object.assign(this, { answers: new Map(), requests: new Map(), objections: new Map() });
    Object.assign(this, { points: new Map(), caps: new Map(), pauses: new Map(), quiet: null, age: 0, eraseAt: 0 });
    Object.assign(this, { made: new Map(), counted: new Map(), outcomes: new Map() });
  }

  /** Take the next event in; refuses one that cannot be understood whole. */
  see(version, event) {
    const { kind } = event;
    const what = `event ${version}`;
    if (!KNOWN.has(kind) || event.v !== 1) throw newer(what, event);
    if (kind === ATTEMPTED) {
      const attempt = readAttempt(event, what);
      this.made.set(version, attempt);
      this.counted.set(version, attempt);
    } else if (WEIGHTS.has(kind)) {
      this.outcome(event, what);
    } else if (ACTS.has(kind)) {
      this.act(version, event, what);
    }
  }

  /** How many attempts *holds* is true of; one that was stopped, or may be tried anew, does not count. */
  sent(holds) {
    return [...this.counted.values()].filter(holds).length;
  }

  outcome(event, what) {
    const { kind, body } = event;
    const [named, again] = [number(body, "attempt", what), flag(body, "again", what)];
    const attempt = this.made.get(named);
    if (attempt === undefined) {
      hold(!ARRIVED.has(kind), `${what}: a message came that was never on record`);
      return;
    }
    const before = this.outcomes.get(named);
    if (before === undefined) {
      if (kind === "delivery.cancelled" || (kind === "delivery.failed" && again)) this.counted.delete(named);
      const happened = event.happened_at >= attempt.at && event.happened_at <= event.at;
      const at = happened ? event.happened_at : event.at;
      const late = kind === "delivery.delivered" && at > attempt.handoverBy;
      hold(!late, `${what}: it was handed over too late, on a decision of before`);
    } else {
      const came = ARRIVED.has(kind) && STOPPED.has(before);
      hold(!came, `${what}: a message came that is on record as stopped`);
    }
    if (before === undefined || WEIGHTS.get(kind) > WEIGHTS.get(before)) this.outcomes.set(named, kind);
  }

  act(version, event, what) {
    const { body } = event;
    const said = hear(version, event);
    objected(this.objections, this.answers, body, said);
    pointed(this.points, this.answers, body, said);
    answered(this.answers, this.requests, body, said);
    if (said.kind.startsWith("erasure.")) this.eraseAt = erasureDue(this.eraseAt, body, said);
    const [age, quiet] = [numberOr(body, "age_at_least", 0, what), quietOf(body, what)];
    const [caps, pauses] = [capsOf(body, what), pausesOf(body, what)];
    const unset = flag(body, "quiet_unset", what);
    if (said.takes) return;
    this.age = said.sets ? age || this.age : this.age || age;
    this.quiet = said.sets ? (quiet ?? (unset ? null : this.quiet)) : (this.quiet ?? quiet);
    const joined = (stands, told) => new Map(said.sets ? [...stands, ...told] : [...told, ...stands]);
    this.caps = new Map([...joined(this.caps, caps)].filter(([, pair]) => pair[0] !== null || pair[1] !== null));
    this.pauses = new Map([...joined(this.pauses, pauses)].filter(([, until]) => until > 0));
  }
}

function capsOf(body, what) {
  const told = Object.entries(named(body, "caps", what));
  for (const [, pair] of told) {
    const right = Array.isArray(pair) && pair.length === 2 && pair.every((one) => one === null || typeof one === "number");
    hold(right, `${what}: its caps are not two numbers for each channel`);
  }
  return told;
}

function pausesOf(body, what) {
  const told = named(body, "pauses", what);
  return Object.keys(told).map((channel) => [channel, number(told, channel, `${what} pause`)]);
}

function quietOf(body, what) {
  if (!("quiet" in body)) return null;
  const told = named(body, "quiet", what);
  const [start, end] = [number(told, "start", what), number(told, "end", what)];
  hold(Math.max(start, end) <= LAST_MINUTE, `${what}: its quiet time is no time of a day`);
  return [start, end];
}

function named(body, name, what) {
  if (!(name in body)) return {};
  hold(isObject(body[name]), `${what}: ${name} is no object`);
  return body[name];
}
