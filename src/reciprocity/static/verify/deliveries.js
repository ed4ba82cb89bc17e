// Each delivery decided again: by its rulebook, by the laws of consent, and by what was said.
//
// The recorded facts are held against the person's own history, and at last the history speaks alone,
// for a rulebook may leave a rule out.

import { hold, isObject, listIn, number } from "./strict.js";
import { newer } from "./entry.js";
import { keyOf } from "./laws.js";
import { Rulebook } from "./rules.js";
import { Terms } from "./stated.js";
import { OwnWords, readAttempt } from "./wishes.js";

const DAY_MS = 86400000;
const MINUTE_MS = 60000;
const DAY_MINUTES = 1440;
const STALE_MS = 5000; // an attempt is recorded within this time of its decision, or decided anew
const HANDOVER_MS = 30000;
const COUNTED_DAYS = 30;
const FURTHEST_ZONE = 900; // no clock on earth is further from UTC, in minutes
const STATED = 4; // brand file, rulebook, law packs, and the campaign, which is the brand's own

/** Decide each delivery again: how many, and the fewest rules that any was put before. */
export function judged(events, statements) {
  const books = new Books(statements);
  const words = new OwnWords();
  const counts = [];
  for (const [place, { event, index }] of events.entries()) {
    const version = place + 1;
    if (event.kind === "delivery.attempted" && event.v === 1) {
      counts.push(judge(words, event, index, books, `delivery at version ${version}`));
    }
    words.see(version, event);
  }
  holdOrder([...events, ...[...statements].map(([index, event]) => ({ index, event }))]);
  const fewestRules = counts.length ? counts.reduce((one, other) => Math.min(one, other)) : 0;
  return { decided: counts.length, fewestRules };
}

/** Hold that time never falls from one event to the next in the log. */
export function holdOrder(placed) {
  let before = 0;
  for (const { index, event } of [...placed].sort((one, other) => one.index - other.index)) {
    const at = number(event, "at", `event at index ${index}`);
    hold(at >= before, `event at index ${index}: is older than one that stands before it`);
    before = at;
  }
}

/** The statements that deliveries name; each rulebook is read once. */
class Books {
  constructor(statements) {
    Object.assign(this, { statements, rulebooks: new Map() });
  }

  rulebook(at, what) {
    if (!this.rulebooks.has(at)) {
      const stated = this.stated(at, "rulebook.applied", what);
      hold(isObject(stated), `${what}: the rulebook it names has no body`);
      this.rulebooks.set(at, new Rulebook(stated));
    }
    return this.rulebooks.get(at);
  }

  terms(brandAt, lawsAt, what) {
    const brand = this.stated(brandAt, "brand.applied", what);
    hold(isObject(brand), `${what}: the brand file it names has no body`);
    const packs = { packs: this.stated(lawsAt, "laws.applied", what) };
    return new Terms(brand, listIn(packs, "packs", `${what}, law packs`), what);
  }

  stated(at, kind, what) {
    const found = this.statements.get(at);
    hold(found !== undefined && found.kind === kind, `${what}: the ${kind} it names is not among the statements`);
    if (found.v !== 1) throw newer(`statement at index ${at}`, found);
    return found.body.body;
  }
}

function judge(words, event, index, books, what) {
  const attempt = readAttempt(event, what);
  const [brandAt, rulebookAt, lawsAt] = statedBy(event.body, index, what);
  const [book, terms] = [books.rulebook(rulebookAt, what), books.terms(brandAt, lawsAt, what)];
  const reason = book.reasonAgainst(event.body, what);
  hold(reason === null, `${what}: the rule '${reason}' was against it`);
  const facts = book.namedFacts(event.body);
  checkFacts(words, facts, attempt, terms, what);
  checkWishes(words, facts, attempt, terms, what);
  return book.applying(attempt.basis);
}

function statedBy({ stated }, index, what) {
  const right = Array.isArray(stated) && stated.length === STATED && stated.every((one) => typeof one === "number" && one >= 0);
  hold(right, `${what}: does not name the four statements it rests on`);
  hold(Math.max(...stated) < index, `${what}: names a statement that came after it`);
  return stated;
}

// --- what was recorded, held against history ---------------------------------------------------------

/** Hold that what *attempt* recorded as *facts* is at least as careful as what is derived. */
export function checkFacts(words, facts, attempt, terms, what) {
  checkTimes(attempt, facts, what);
  const basis = terms.basis(attempt.purpose);
  hold(basis === attempt.basis, `${what}: records the basis '${attempt.basis}', the brand file says '${basis}'`);
  const point = words.points.get(attempt.channel);
  const counts = (one) => one.countsUntil > attempt.at;
  const least = {
    person_erased: Number(words.eraseAt !== 0),
    objected: Number(isObjected(words, attempt, terms)),
    point_bounced: Number(point?.bounced ?? true),
    point_suppressed: Number(point?.suppressed ?? true),
    minimum_age: terms.minimumAge(attempt.purpose),
    pause_active: Number(pausedUntil(words, attempt) > attempt.decidedAt),
    message_attempts: words.sent((one) => isAgain(one, attempt) && counts(one)),
    occasion_attempts: words.sent((one) => one.occasion === attempt.occasion && counts(one)),
    cap_7_used: words.sent(within(attempt, 7)),
    cap_30_used: words.sent(within(attempt, 30)),
  };
  for (const [name, value] of Object.entries(least)) {
    const right = !facts.has(name) || facts.get(name) >= value;
    hold(right, `${what}: records ${name} ${facts.get(name)}, the history says ${value}`);
  }
  const [week, month] = capsOf(words, attempt, terms);
  const most = {
    point_active: Number(point !== undefined),
    point_confirmed: Number(point?.confirmed ?? false),
    law_allows: Number(terms.allows(attempt.channel, attempt.basis)),
    cap_7_most: week,
    cap_30_most: month,
    stated_age: Math.max(words.age, terms.everyoneAtLeast),
  };
  for (const [name, bound] of Object.entries(most)) {
    const right = !facts.has(name) || facts.get(name) <= bound;
    hold(right, `${what}: records ${name} ${facts.get(name)}, the history says ${bound}`);
  }
  if (!facts.has("quiet_from") || !facts.has("quiet_until")) return;
  const [start, end] = words.quiet ?? terms.quiet(attempt.channel);
  const own = facts.get("quiet_from") === start && facts.get("quiet_until") === end;
  hold(own, `${what}: records another quiet time than the one that held`);
}

/** Hold that the instants, which the brand chose, are those of a decision made just then. */
function checkTimes(attempt, facts, what) {
  const { decidedAt, at } = attempt;
  hold(decidedAt <= at && at <= decidedAt + STALE_MS, `${what}: was not decided when it was recorded, or just before`);
  hold(attempt.handoverBy <= decidedAt + HANDOVER_MS, `${what}: may be handed over long after it was decided`);
  const least = Math.max(decidedAt + COUNTED_DAYS * DAY_MS, facts.get("message_closes") ?? 0);
  hold(attempt.countsUntil >= least, `${what}: stops counting before ${COUNTED_DAYS} days, or its end`);
  if (!facts.has("zone_offset") || !facts.has("minute_of_day")) return;
  const minute = minuteOf(attempt, facts.get("zone_offset"), what);
  hold(facts.get("minute_of_day") === minute, `${what}: records another minute of the day than ${minute}`);
}

// --- what the person said, whatever was recorded -----------------------------------------------------

/** Hold that nothing in the person's history was against *attempt*, whatever its rules say. */
export function checkWishes(words, facts, attempt, terms, what) {
  const inOccasion = words.sent((one) => one.occasion === attempt.occasion);
  for (const [against, holds] of [
    ["the person had asked to be erased", words.eraseAt !== 0],
    ["a law forbids it", !terms.allows(attempt.channel, attempt.basis)],
    ["the same message was sent before", words.sent((one) => isAgain(one, attempt)) > 0],
    ["the occasion had its fill", facts.has("occasion_limit") && inOccasion >= facts.get("occasion_limit")],
  ]) {
    hold(!holds, `${what}: ${against}`);
  }
  checkPoint(words, attempt, what);
  if (attempt.basis !== "consent") return;
  checkConsent(words, attempt, terms, what);
  checkOwn(words, facts, attempt, terms, what);
}

/** Hold that it went to the active contact point, and that this may be written to. */
function checkPoint(words, attempt, what) {
  const point = words.points.get(attempt.channel);
  hold(point?.version === attempt.point, `${what}: is not for the contact point that was active`);
  hold(!point.suppressed && !point.bounced, `${what}: the contact point was suppressed, or takes no messages`);
  const right = attempt.basis !== "consent" || point.confirmed;
  hold(right, `${what}: the contact point was never confirmed`);
}

/** Hold that a yes stood, by the law, and is the one that *attempt* names. */
function checkConsent(words, attempt, terms, what) {
  const { purpose, channel, consent, decidedAt } = attempt;
  const answer = words.answers.get(keyOf(purpose, channel));
  hold(answer?.state === "given", `${what}: no yes stood for its purpose and channel`);
  const { version, at, until } = answer;
  hold(consent === version, `${what}: rests on version ${consent}, the yes was said at ${version}`);
  for (const name of terms.above(purpose)) {
    const over = words.answers.get(keyOf(name, channel));
    const against = over !== undefined && over.version > version && ["refused", "withdrawn"].includes(over.state);
    hold(!against, `${what}: the yes was taken back above, at version ${over?.version}`);
  }
  const ends = at + terms.validityDays(purpose) * DAY_MS;
  hold(decidedAt < (until ? Math.min(ends, until) : ends), `${what}: the yes of version ${version} had run out`);
}

/** Hold that nothing the person wished for was against it. */
function checkOwn(words, facts, attempt, terms, what) {
  const [week, month] = capsOf(words, attempt, terms);
  for (const [against, holds] of [
    ["the person had objected", isObjected(words, attempt, terms)],
    ["the person is too young", Math.max(words.age, terms.everyoneAtLeast) < terms.minimumAge(attempt.purpose)],
    ["the person had asked for a pause", pausedUntil(words, attempt) > attempt.decidedAt],
    ["the cap for 7 days was reached", words.sent(within(attempt, 7)) >= week],
    ["the cap for 30 days was reached", words.sent(within(attempt, 30)) >= month],
  ]) {
    hold(!holds, `${what}: ${against}`);
  }
  const [start, end] = words.quiet ?? terms.quiet(attempt.channel);
  if (start === end) return;
  hold(facts.has("zone_offset"), `${what}: records no zone, so nobody can tell if it was quiet time`);
  const minute = minuteOf(attempt, facts.get("zone_offset"), what);
  const quiet = start < end ? start <= minute && minute < end : minute >= start || minute < end;
  hold(!quiet, `${what}: it was quiet time`);
}

function isObjected(words, attempt, terms) {
  const purposes = new Set([attempt.purpose, ...terms.above(attempt.purpose), "*"]);
  return [...words.objections.values()].some(
    ({ purpose, channel }) => purposes.has(purpose) && (channel === attempt.channel || channel === "*"),
  );
}

/** The most in 7 and in 30 days: the lower of the brand's and the person's. */
function capsOf(words, { channel }, terms) {
  const own = words.caps.get(channel) ?? [null, null];
  return terms.caps(channel).map((most, place) => Math.min(most, own[place] ?? most));
}

const pausedUntil = (words, { channel }) => Math.max(words.pauses.get(channel) ?? 0, words.pauses.get("*") ?? 0);

/** The minute of the day by a clock that is *offset* minutes ahead of UTC. */
function minuteOf({ decidedAt }, offset, what) {
  hold(Math.abs(offset) <= FURTHEST_ZONE, `${what}: records a zone that no clock has, ${offset} minutes from UTC`);
  const minutes = (decidedAt - (decidedAt % MINUTE_MS)) / MINUTE_MS + offset;
  return ((minutes % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
}

const isAgain = (one, other) => one.message === other.message && one.occasion === other.occasion;

/** Is an attempt one that the cap of *attempt*'s channel counts in *days*? */
function within(attempt, days) {
  const since = attempt.decidedAt - days * DAY_MS;
  return (one) => one.channel === attempt.channel && one.basis === "consent" && one.at > since;
}
