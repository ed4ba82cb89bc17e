// The laws of consent once more, for whoever checks: what one act makes of what stood before.
//
// What an act says is read strictly: a part of another type is refused, for nobody can tell whether
// it would have held a message back.

import { flag, hold, isObject, listIn, number, numberOr, text, textOr } from "./strict.js";

const DAY_MS = 86400000;
const [TAKES, FILLS, SETS] = [0, 1, 2]; // how far a word reaches
const REACH = new Map([ // by kind: a person's word (or an operator's for them), and an import's
  ["person.imported", [FILLS, FILLS]],
  ["person.registered", [SETS, FILLS]],
  ["consent.requested", [FILLS, TAKES]],
  ["consent.confirmed", [SETS, TAKES]],
  ["consent.granted", [SETS, FILLS]],
  ["objection.lifted", [SETS, TAKES]],
  ["preferences.set", [SETS, FILLS]],
  ["profile.set", [SETS, FILLS]],
  ["contact_point.set", [SETS, FILLS]],
  ["age.stated", [SETS, FILLS]],
  ["erasure.undone", [SETS, TAKES]],
]);
const STATES = new Set(["never_asked", "pending", "given", "refused", "withdrawn", "expired", "unverified"]);
const AGAINST = new Set(["refused", "withdrawn"]);

/** The key of a purpose and a channel. */
export const keyOf = (purpose, channel) => JSON.stringify([purpose, channel]);

/** Whose word the act in *event* is; an actor that nobody knows can only take away. */
export function hear(version, { kind, body, at, happened_at: happenedAt }) {
  const what = `event ${version}`;
  const actor = text(body, "actor", what);
  const imported = kind === "person.imported" || actor === "import" || actor.startsWith("import:");
  const byPerson = !imported && (actor === "person" || actor.startsWith("person:"));
  const own = byPerson || (!imported && actor.startsWith("operator:"));
  const [when, evidenced] = evidence(body, at, what);
  const saidAt = imported && when ? when : happenedAt;
  const reach = REACH.has(kind) && (own || imported) ? REACH.get(kind)[Number(imported)] : TAKES;
  return {
    kind, own, byPerson, imported, evidenced, at, version,
    sets: reach === SETS, fills: reach === FILLS, takes: reach === TAKES,
    saidAt: saidAt > 0 && saidAt <= at ? saidAt : at,
  };
}

/** When an import says the yes was given (0: it does not), and whether that is evidence. */
function evidence(body, at, what) {
  if (!("evidence" in body)) return [0, false];
  const told = body.evidence;
  hold(isObject(told), `${what}: its evidence is no object`);
  const when = numberOr(told, "when", 0, what);
  const [how, shown] = [textOr(told, "how", "", what), textOr(told, "text", "", what)];
  return [when, when > 0 && when <= at && how !== "" && shown !== ""];
}

/** Bring *answers*, and the *requests* that wait beside them, up to the rows in *body*. */
export function answered(answers, requests, body, said) {
  const what = `event ${said.version}`;
  for (const row of listIn(body, "consent", what)) {
    const [purpose, channel] = [text(row, "purpose", what), text(row, "channel", what)];
    const key = keyOf(purpose, channel);
    const [state, until] = [text(row, "state", what), numberOr(row, "until", 0, what)];
    hold(STATES.has(state), `${what}: '${state}' is no state of consent`);
    const word = { channel, state, version: said.version, at: said.saidAt, until, own: said.own };
    const stood = [answers.get(key) ?? null, requests.get(key) ?? null];
    const [answer, request] = after(...stood, word, said);
    put(answers, key, answer);
    put(requests, key, request);
  }
}

function put(where, key, value) {
  if (value === null) where.delete(key);
  else where.set(key, value);
}

function after(answer, request, word, said) {
  const { state } = word;
  if (AGAINST.has(state)) return taken(answer, request, word, said);
  if (said.takes) return [answer, request];
  if (said.imported) {
    const fills = said.kind === "person.imported" || said.kind === "consent.granted";
    if (fills && (state === "given" || state === "unverified")) return [filled(answer, word, said), request];
  } else if (state === "given" && said.kind === "consent.granted") {
    return [word, null];
  } else if (state === "given" && said.kind === "consent.confirmed") {
    return request !== null && said.at < request.until ? [word, null] : [answer, request];
  } else if (state === "pending" && said.kind === "consent.requested") {
    return [answer, word];
  }
  return [answer, request];
}

/** A no counts, whoever says it; an import's not over the person's yes of a day later. */
function taken(answer, request, word, said) {
  if (!said.imported) return [word, null];
  const left = request !== null && outweighs(request, said) ? request : null;
  if (answer !== null && answer.state === "given" && outweighs(answer, said)) return [answer, left];
  if (answer !== null && AGAINST.has(answer.state)) return [answer, left];
  return [word, left];
}

const outweighs = (answer, said) => answer.own && answer.at > said.saidAt + DAY_MS;

/** An imported yes fills a gap; with evidence it renews what only an import ever said. */
function filled(answer, word, said) {
  if (!said.evidenced || word.state === "unverified") {
    return answer ?? { ...word, state: "unverified", own: false };
  }
  if (answer === null || answer.state === "unverified") return word;
  const renews = answer.state === "given" && !answer.own && word.at > answer.at;
  return renews ? word : answer;
}

/** Bring *objections* up to those in *body*: the person may lift any, staff the others', an import none. */
export function objected(objections, answers, body, said) {
  const what = `event ${said.version}`;
  for (const told of listIn(body, "objections", what)) {
    const [purpose, channel] = [text(told, "purpose", what), textOr(told, "channel", "*", what)];
    const key = keyOf(purpose, channel);
    const stands = objections.get(key);
    if (flag(told, "lifted", what)) {
      const lifts = said.kind === "objection.lifted" && said.sets;
      if (lifts && (said.byPerson || !stands?.byPerson)) objections.delete(key);
    } else if (stands === undefined) {
      const answer = answers.get(key);
      const given = answer !== undefined && answer.state === "given" && outweighs(answer, said);
      if (!(said.imported && given)) objections.set(key, { purpose, channel, byPerson: said.byPerson });
    } else if (said.byPerson) {
      stands.byPerson = true;
    }
  }
}

/** Bring the active *points* up to those in *body*: a new one takes the place of the old. */
export function pointed(points, answers, body, said) {
  const what = `event ${said.version}`;
  for (const told of listIn(body, "points", what)) {
    const [channel, named] = [text(told, "channel", what), numberOr(told, "point", 0, what)];
    const [mayConfirm, bounced, suppressed, retired] =
      ["confirmed", "bounced", "suppressed", "retired"].map((name) => flag(told, name, what));
    const confirmed = mayConfirm && (said.sets || (said.imported && said.fills));
    const active = points.get(channel);
    if (named === 0) {
      if (retired || said.takes) points.delete(channel);
      else points.set(channel, { version: said.version, confirmed, bounced, suppressed });
    } else if (active?.version === named) {
      const since = said.imported && grantedSince(channel, answers, said);
      if (retired) points.delete(channel);
      else {
        points.set(channel, {
          version: named,
          confirmed: active.confirmed || confirmed,
          bounced: active.bounced || (bounced && !since),
          suppressed: active.suppressed || suppressed,
        });
      }
    }
  }
}

const grantedSince = (channel, answers, said) =>
  [...answers.values()].some((one) => one.channel === channel && one.state === "given" && outweighs(one, said));

/** When the person is to be erased (0: they did not ask); it is undone only in time. */
export function erasureDue(eraseAt, body, said) {
  const told = numberOr(body, "erase_at", 0, `event ${said.version}`);
  if (said.kind === "erasure.requested") {
    const due = told || said.at || 1;
    return eraseAt ? Math.min(due, eraseAt) : due;
  }
  return said.kind === "erasure.undone" && said.sets && said.at < eraseAt ? 0 : eraseAt;
}
