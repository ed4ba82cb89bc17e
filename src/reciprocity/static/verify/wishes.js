// The person's own words held against what a delivery recorded: neither forgotten nor bent.
//
// Only acts of the person, or of an operator for them, never of an import, and only where a fact
// that is less careful than the history would let more be sent.

import { hold, isObject, textOr } from "./strict.js";

const DAY_MS = 86400000;
const SETS = new Set([
  "person.registered", "consent.confirmed", "consent.granted", "preferences.set", "profile.set",
  "contact_point.set", "age.stated", "erasure.undone", "objection.lifted",
]);

const whole = (value) => (typeof value === "number" ? value : 0);
const maybe = (value) => (typeof value === "number" ? value : null);
const named = (value) => (isObject(value) ? Object.entries(value) : []);
const rows = (value) => (Array.isArray(value) ? value.filter(isObject) : []);
const word = (value) => (typeof value === "string" ? value : "");

/** What the person said, and what was sent to them, event by event. */
export class OwnWords {
  constructor() {
    Object.assign(this, { caps: new Map(), pauses: new Map(), quiet: null, objections: new Map() });
    Object.assign(this, { leaving: false, oldest: 0, attempts: new Map(), settled: new Set() });
  }

  /** Take the next event in. */
  see(version, { kind, body, at }) {
    if (kind === "delivery.attempted") this.attempts.set(version, { body, at: whole(at) });
    else if (kind.startsWith("delivery.")) this.outcome(kind, body);
    else this.act(kind, body);
  }

  outcome(kind, body) {
    const attempt = whole(body.attempt);
    const undone = kind === "delivery.cancelled" || (kind === "delivery.failed" && body.again === true);
    if (!this.settled.has(attempt) && undone) this.attempts.delete(attempt);
    this.settled.add(attempt);
  }

  act(kind, body) {
    this.oldest = Math.max(this.oldest, whole(body.age_at_least));
    if (kind === "erasure.requested") this.leaving = true;
    if (kind === "erasure.undone") this.leaving = false;
    const actor = word(body.actor);
    if (kind === "person.imported" || actor === "import" || actor.startsWith("import:")) return;
    for (const row of rows(body.objections)) {
      const [purpose, channel] = [word(row.purpose), "channel" in row ? word(row.channel) : "*"];
      const key = JSON.stringify([purpose, channel]);
      if (row.lifted === true) this.objections.delete(key);
      else this.objections.set(key, { purpose, channel });
    }
    if (SETS.has(kind)) this.sets(body);
  }

  sets(body) {
    for (const [channel, pair] of named(body.caps)) {
      if (Array.isArray(pair) && pair.length === 2) this.caps.set(channel, pair.map(maybe));
    }
    for (const [channel, until] of named(body.pauses)) this.pauses.set(channel, whole(until));
    if (isObject(body.quiet)) this.quiet = [whole(body.quiet.start), whole(body.quiet.end)];
    else if (body.quiet_unset === true) this.quiet = null;
  }

  /** How many attempts that count *holds* is true of. */
  sent(holds) {
    return [...this.attempts.values()].filter(({ body, at }) => holds(body, at)).length;
  }
}

/** Hold that what *attempt* recorded as *facts* is at least as careful as the person's *words*. */
export function checkFacts(words, facts, attempt, at, brand, what) {
  checkBasis(attempt, brand, what);
  const decided = whole(attempt.decided_at);
  const { channel } = attempt;
  const pause = (on) => words.pauses.get(on) ?? 0;
  const paused = Math.max(pause(word(channel)), pause("*"));
  const purposes = above(brand, word(attempt.purpose)).add("*");
  const objected = [...words.objections.values()].some(
    (one) => purposes.has(one.purpose) && (one.channel === channel || one.channel === "*"),
  );
  const within = (days) => (body, sentAt) =>
    body.channel === channel &&
    ("basis" in body ? body.basis : "consent") === "consent" &&
    sentAt > decided - days * DAY_MS;
  const again = (body) =>
    body.message === attempt.message && body.occasion === attempt.occasion && whole(body.counts_until) > at;
  const least = {
    person_erased: Number(words.leaving),
    objected: Number(objected),
    pause_active: Number(paused > decided),
    message_attempts: words.sent(again),
    cap_7_used: words.sent(within(7)),
    cap_30_used: words.sent(within(30)),
  };
  for (const [name, value] of Object.entries(least)) {
    const right = !facts.has(name) || facts.get(name) >= value;
    hold(right, `${what}: records ${name} ${facts.get(name)}, the history says ${value}`);
  }
  const [week, month] = words.caps.get(word(channel)) ?? [null, null];
  const age = Math.max(words.oldest, whole(brand.everyone_at_least));
  for (const [name, bound] of Object.entries({ cap_7_most: week, cap_30_most: month, stated_age: age })) {
    const right = bound === null || !facts.has(name) || facts.get(name) <= bound;
    hold(right, `${what}: records ${name} ${facts.get(name)}, the person said ${bound}`);
  }
  const quiet = [facts.get("quiet_from"), facts.get("quiet_until")];
  const told = words.quiet !== null && !quiet.includes(undefined);
  const own = !told || (quiet[0] === words.quiet[0] && quiet[1] === words.quiet[1]);
  hold(own, `${what}: records another quiet time than the person's own`);
}

function checkBasis(attempt, brand, what) {
  const told = isObject(brand.purposes) ? brand.purposes[word(attempt.purpose)] : undefined;
  hold(isObject(told), `${what}: is for a purpose that the brand file does not have`);
  const [basis, mine] = [told, attempt].map((one) => textOr(one, "basis", "consent", what));
  hold(basis === mine, `${what}: records the basis '${mine}', the brand file says '${basis}'`);
}

function above(brand, purpose) {
  const found = new Set();
  for (let name = purpose; name && !found.has(name); ) {
    found.add(name);
    const told = isObject(brand.purposes) ? brand.purposes[name] : undefined;
    name = isObject(told) ? word(told.parent) : "";
  }
  return found;
}
