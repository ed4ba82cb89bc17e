// Events and failures in words that people understand.

const KINDS = {
  __proto__: null, // so that nothing is known but what stands here
  "person.imported": "Taken over from an older list",
  "person.registered": "You became known",
  "consent.requested": "A yes was given that waits for your confirmation",
  "consent.confirmed": "You confirmed a yes",
  "consent.granted": "You said yes",
  "consent.refused": "You said no",
  "consent.withdrawn": "You took a yes back",
  "objection.made": "You objected",
  "objection.lifted": "You took an objection back",
  "preferences.set": "You said how you want it",
  "profile.set": "Something about you was told, or shared",
  "contact_point.set": "An address of yours was set",
  "contact_point.bounced": "An address of yours takes no mail",
  "contact_point.suppressed": "An address of yours is never to be written to",
  "age.stated": "You stated an age",
  "erasure.requested": "You asked to be erased",
  "erasure.undone": "You no longer ask to be erased",
  "delivery.attempted": "A message was handed over",
  "delivery.delivered": "was taken",
  "delivery.failed": "was not taken",
  "delivery.cancelled": "was stopped at the door",
  "delivery.unknown": "may have been taken, or not: nobody can say",
  "delivery.bounced": "came back",
  "delivery.complained": "was unwanted, you said",
  "delivery.held": "A message was held back",
  "feedback.given": "You said of a message if it was useful",
};
const STATES = { __proto__: null, given: "yes", refused: "no", withdrawn: "taken back", pending: "to be confirmed" };
const LAST_INSTANT = 8.64e15; // later than this, no date can be written

/** An instant, in milliseconds since 1970, as people write it here. */
export const when = (ms) =>
  Math.abs(ms) > LAST_INSTANT
    ? "at no time there is"
    : new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** An instant as a machine reads it; undefined where there is none. */
export const stamp = (ms) => (Math.abs(ms) > LAST_INSTANT ? undefined : new Date(ms).toISOString());

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const rows = (value) => (Array.isArray(value) ? value.filter(isObject) : []);
const named = (value) => (isObject(value) ? Object.entries(value) : []);
const isNumber = (value) => typeof value === "number";
const word = (value) => (typeof value === "string" ? value : "…");
const place = (channel) => (channel === "*" ? "everywhere" : `by ${word(channel)}`);
const clock = (minute) =>
  [Math.floor(minute / 60), minute % 60].map((one) => String(one).padStart(2, "0")).join(":");

function consented({ purpose, channel, state, until }) {
  const end = isNumber(until) && until > 0 ? `, until ${when(until)}` : "";
  return `${word(purpose)} ${place(channel)} (${STATES[word(state)] ?? word(state)}${end})`;
}

const objected = ({ purpose, channel = "*" }) =>
  `${purpose === "*" ? "everything" : word(purpose)} ${place(channel)}`;

function capped([channel, pair]) {
  const [week, month] = Array.isArray(pair) ? pair : [];
  const parts = [[week, 7], [month, 30]].filter(([most]) => isNumber(most));
  return `${place(channel)} ${parts.map(([most, days]) => `at most ${most} in ${days} days`).join(", ") || "any number"}`;
}

const paused = ([channel, until]) =>
  isNumber(until) && until > 0 ? `nothing ${place(channel)} until ${when(until)}` : `no pause ${place(channel)}`;

/** What an event says, in a sentence or a few. */
export function sentence({ kind, body }) {
  const known = KINDS[kind] ?? kind;
  const first = isNumber(body.attempt) ? `The message of record ${body.attempt} ${known}` : known;
  const told = [
    ...rows(body.consent).map(consented),
    ...rows(body.objections).map(objected),
    ...named(body.caps).map(capped),
    ...named(body.pauses).map(paused),
  ];
  if (isObject(body.quiet) && isNumber(body.quiet.start) && isNumber(body.quiet.end)) {
    told.push(`quiet from ${clock(body.quiet.start)} to ${clock(body.quiet.end)}`);
  }
  if (isNumber(body.age_at_least)) told.push(`at least ${body.age_at_least} years old`);
  if (isNumber(body.erase_at)) told.push(`by ${when(body.erase_at)}`);
  const parts = [told.length ? `${first}: ${told.join("; ")}` : first];
  if (typeof body.message === "string") parts.push(`“${body.message}”`);
  if (typeof body.reason === "string") parts.push(`Because: ${body.reason}`);
  return parts.join(". ");
}

const FAILURES = [
  [/^no verifier key/, "It was not checked", "Put in the log's key first: it says whose log this has to be."],
  [/^(verifier|witness) key|^key name/, "It was not checked", "A key above cannot be read. Put it in as one line, whole, as it was given out."],
  [
    /by a known key|of the log asked for|by the key it names/, "It does not hold",
    "The file is not signed with the key above. Either that is not the key of this log, or the file is not what the log signed.",
  ],
  [
    /made by a newer release/, "It was not checked",
    "The file holds something that this page does not know yet. It may be right: get a newer page, and check it there.",
  ],
  [
    /known witnesses cosigned/, "It does not hold",
    "Too few of the witnesses that you go by have signed. The file may still be right: ask for one that they signed.",
  ],
];

/** What went wrong, in words: a title, and what to say below. */
export function plainly(error, isProofError) {
  if (!globalThis.crypto?.subtle) {
    return ["It was not checked", ["A browser checks signatures only on pages from your disk or by https. Open this page so."]];
  }
  if (error.name === "NotSupportedError") {
    return ["It was not checked", ["This browser cannot check Ed25519 signatures. Take a newer one."]];
  }
  if (!isProofError) return ["It was not checked", [`This page has a fault: ${error.message}`]];
  const [, title, why] = FAILURES.find(([pattern]) => pattern.test(error.message)) ?? [null, "It does not hold", ""];
  return [title, why ? [why, `Exactly: ${error.message}`] : [error.message]];
}
