// The page around the verifier: takes a key and a file, and says in plain words what holds.

import { ProofError, verifyPerson, verifyReceipt } from "./verify.js";
import { PERSON_FORMAT } from "./verify/person.js";

const MOST_BYTES = 64 * 1024 * 1024;
const REMEMBERED = "reciprocity-seen:";
const field = (id) => document.getElementById(id);

const KINDS = {
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
  "erasure.undone": "You took that back",
  "delivery.attempted": "A message was handed over",
  "delivery.delivered": "It was taken",
  "delivery.failed": "It was not taken",
  "delivery.cancelled": "It was stopped at the door",
  "delivery.unknown": "Nobody can say whether it was taken",
  "delivery.bounced": "It came back",
  "delivery.complained": "You called it unwanted",
  "delivery.held": "A message was held back",
};

/** A node with *text*, of *children*; whatever came from a file is text, never markup. */
function node(name, { text, className, ...more } = {}, ...children) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  for (const [key, value] of Object.entries(more)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

const lines = (text) => text.split("\n").map((one) => one.trim()).filter(Boolean);

function trust() {
  return {
    keys: lines(field("key").value),
    witnesses: lines(field("witnesses").value),
    quorum: Number(field("quorum").value) || 0,
  };
}

const when = (ms) => new Date(ms).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** What an event says, in a sentence. */
function sentence({ kind, body }) {
  const parts = [KINDS[kind] ?? kind];
  const rows = Array.isArray(body.consent) ? body.consent : [];
  if (rows.length) parts.push(rows.map((row) => `${row.purpose} by ${row.channel}: ${row.state}`).join("; "));
  if (typeof body.message === "string") parts.push(`“${body.message}”`);
  if (typeof body.reason === "string") parts.push(`because: ${body.reason}`);
  return parts.join(". ");
}

function listed(events) {
  const list = node("ol", { className: "events" });
  for (const event of [...events].reverse()) {
    const raw = node("pre", { text: JSON.stringify(event, null, 2) });
    const more = node("details", {}, node("summary", { text: `Record ${event.version ?? ""}` }), raw);
    const time = node("time", { text: when(event.at), datetime: new Date(event.at).toISOString() });
    list.append(node("li", {}, time, node("div", {}, node("p", { text: sentence(event) }), more)));
  }
  return list;
}

const inStorage = (origin) => {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED + origin));
  } catch {
    return null; // no storage here, so nothing is remembered
  }
};

/** What this device saw of the log before, and how *found* stands to it: a sentence, or an alarm. */
function compared({ origin, size, root, consistent_with: consistent }) {
  const before = inStorage(origin);
  if (before && before.size === size && before.root !== root) {
    throw new ProofError(
      `This device saw the log ${origin} with ${size} records under another root. One log cannot have two pasts: keep both files and ask.`,
    );
  }
  if (!before || size > before.size) {
    try {
      localStorage.setItem(REMEMBERED + origin, JSON.stringify({ origin, size, root }));
    } catch {
      // not allowed here
    }
  }
  if (!before || before.size === size) return null;
  if (consistent === before.size) return `The log goes on from the ${before.size} records that this device saw before.`;
  const which = size < before.size ? "older" : "newer";
  return `This device saw the log with ${before.size} records before; this file is ${which} and does not say how it grew. Ask for a proof since ${before.size}.`;
}

function under(found) {
  const names = Object.keys(found.cosigned);
  const by = names.length ? `, cosigned by ${names.map((one) => one.split("+")[0]).join(", ")}` : "";
  return `In the log ${found.origin} of ${found.size} records, signed with the key above${by}.`;
}

function told(title, points, bad) {
  const verdict = node("div", { className: bad ? "verdict bad" : "verdict" }, node("h2", { text: title }));
  verdict.append(node("ul", {}, ...points.map((text) => node("li", { text }))));
  return verdict;
}

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

function personTold(found, seen) {
  const rest = found.events.length - found.covered;
  const points = [
    `${count(found.events.length, "record", "records")} about you, each signed into the log.`,
    `None is missing among the first ${found.covered}, as of ${when(found.epoch_at)} (epoch ${found.epoch}).`,
    `${count(found.decided, "message was", "messages were")} decided again by the rules in the log: all permitted.`,
    under(found),
  ];
  if (rest) points.splice(2, 0, `${count(rest, "record is", "records are")} newer: in the log, and complete with the next epoch.`);
  if (seen) points.push(seen);
  return [told("It holds: this is all of it", points), listed(found.events)];
}

function receiptTold(found, seen) {
  const points = [
    `Record ${found.position} says what is shown below, and nobody has changed it since.`,
    under(found),
    "One receipt does not show that nothing else was recorded. Ask for your whole proof.",
  ];
  if (seen) points.push(seen);
  return [told("It holds", points), listed([found.event])];
}

/** The proof, held against what this device saw before where it says how the log grew from there. */
async function personSeen(text) {
  const found = await verifyPerson(text, trust());
  const seen = inStorage(found.origin);
  const says = seen && JSON.parse(text).consistency.some((one) => one.size === seen.size);
  return says ? verifyPerson(text, { ...trust(), seen }) : found;
}

async function checked(text) {
  const isPerson = text.includes(`"${PERSON_FORMAT}"`);
  const found = isPerson ? await personSeen(text) : await verifyReceipt(text, trust());
  const seen = compared(found);
  return isPerson ? personTold(found, seen) : receiptTold(found, seen);
}

let latest = null;

async function check() {
  if (latest === null) return;
  const result = field("result");
  let shown;
  try {
    shown = await checked(latest);
  } catch (error) {
    const why = error instanceof ProofError ? error.message : `this page has a fault: ${error.message}`;
    shown = [told("It does not hold", [why], true)];
  }
  result.replaceChildren(...shown);
  result.focus({ preventScroll: true });
  result.scrollIntoView({ block: "start" });
}

async function take(file) {
  if (!file) return;
  if (file.size > MOST_BYTES) {
    field("result").replaceChildren(told("It was not read", ["The file is larger than any proof."], true));
    return;
  }
  try {
    latest = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
  } catch {
    latest = null;
    field("result").replaceChildren(told("It does not hold", ["The file is no text."], true));
    return;
  }
  await check();
}

field("file").addEventListener("click", ({ target }) => {
  target.value = ""; // the same file may be chosen again
});
field("file").addEventListener("change", ({ target }) => take(target.files[0]));
for (const id of ["key", "witnesses", "quorum"]) field(id).addEventListener("change", check);
for (const name of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(name, (event) => {
    event.preventDefault();
    field("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") take(event.dataTransfer.files[0]);
  });
}
const given = new URLSearchParams(location.hash.slice(1)).getAll("key");
if (given.length) field("key").value = given.join("\n");
