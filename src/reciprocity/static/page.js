// The page around the verifier: takes a key and a file, and says in plain words what holds.

import { ProofError, verifyPerson, verifyReceipt } from "./verify.js";
import { PERSON_FORMAT } from "./verify/person.js";
import { compared } from "./memory.js";
import { plainly, sentence, stamp, when } from "./words.js";

const MUCH = 10; // more than one record in ten
const MOST_BYTES = 64 * 1024 * 1024;
const field = (id) => document.getElementById(id);

/** A node with *text*, of *children*; whatever came from a file is text, never markup. */
function node(name, { text, className, ...more } = {}, ...children) {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  if (className) made.className = className;
  for (const [key, value] of Object.entries(more)) if (value !== undefined) made.setAttribute(key, value);
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

function listed(events) {
  const list = node("ol", { className: "events" });
  for (const event of [...events].reverse()) {
    const raw = node("pre", { text: JSON.stringify(event, null, 2) });
    const more = node("details", {}, node("summary", { text: `Record ${event.version ?? ""}` }), raw);
    const time = node("time", { text: when(event.at), datetime: stamp(event.at) });
    list.append(node("li", {}, time, node("div", {}, node("p", { text: sentence(event) }), more)));
  }
  return list;
}

function under(found) {
  const names = Object.keys(found.cosigned);
  const by = names.length ? `, cosigned by ${names.map((one) => one.split("+")[0]).join(", ")}` : "";
  return `In the log ${found.origin} of ${found.size} records, signed with the key above${by}.`;
}

function told(title, points, bad) {
  const verdict = node("div", { className: bad ? "verdict bad" : "verdict" }, node("h2", { text: title, id: "verdict" }));
  verdict.append(node("ul", {}, ...points.map((text) => node("li", { text }))));
  return verdict;
}

const count = (number, one, many) => `${number} ${number === 1 ? one : many}`;

/** What a proof does not show, as plainly as what it does. */
function notShown(found) {
  const rest = found.events.length - found.covered;
  const later = Math.max(found.size - found.epoch_size - 1, 0); // but for the statement of the epoch itself
  const said = [];
  if (rest) {
    said.push(
      `${count(rest, "record of yours is", "records of yours are")} newer than that: in the log, but whether more is ` +
        "missing there shows with the next epoch. Ask for a newer proof.",
    );
  }
  if (later * MUCH > found.size) {
    said.push(
      `The log has ${count(later, "record", "records")} behind that, of whomever: what of them is yours may be missing ` +
        "here. Ask for a newer proof.",
    );
  }
  if (found.decided && !found.fewest_rules) {
    said.push("A message was decided by no rule at all: only what you said yourself was held against it.");
  }
  return said;
}

function personTold(found, seen) {
  const day = when(found.epoch_at);
  const part = `the first ${found.epoch_size} of ${found.size} records of the log`;
  const rules = count(found.fewest_rules, "rule", "rules");
  const points = [
    `${count(found.events.length, "record", "records")} about you, each signed into the log.`,
    `None of yours is missing among ${part}: there are ${found.covered} (epoch ${found.epoch}, by its own word of ${day}).`,
    `${count(found.decided, "message was", "messages were")} decided again: all permitted` +
      (found.decided ? `, by at least ${rules} in the log and by what you said.` : "."),
    under(found),
  ];
  if (seen) points.push(seen);
  const title = node("h2", { text: "Your records, the newest first" });
  const warnings = notShown(found).map((text) => node("p", { className: "warning", text: `Mind: ${text}` }));
  return [told(`It holds: complete for ${part}`, points), ...warnings, title, listed(found.events)];
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

async function checked(text) {
  if (text.includes(`"${PERSON_FORMAT}"`)) {
    const found = await verifyPerson(text, trust());
    return personTold(found, await compared(found, JSON.parse(text).consistency));
  }
  const found = await verifyReceipt(text, trust());
  return receiptTold(found, await compared(found, []));
}

let latest = null;
let turn = 0;

async function check() {
  if (latest === null) return;
  turn += 1;
  const mine = turn;
  let shown;
  try {
    shown = await checked(latest);
  } catch (error) {
    const [title, points] = plainly(error, error instanceof ProofError);
    shown = [told(title, points, true)];
  }
  if (mine === turn) show(shown); // else another file, or another key, was given meanwhile
}

function show(shown) {
  const result = field("result");
  result.replaceChildren(...shown);
  if (result.querySelector("#verdict")) result.setAttribute("aria-labelledby", "verdict");
  else result.removeAttribute("aria-labelledby");
  result.focus({ preventScroll: true });
  result.scrollIntoView({ block: "start" });
}

function notRead(why) {
  turn += 1;
  latest = null;
  show([told("It was not read", [why], true)]);
}

async function take(file) {
  if (!file) return;
  turn += 1;
  const mine = turn;
  if (file.size > MOST_BYTES) {
    notRead("The file is larger than any proof.");
    return;
  }
  try {
    const bytes = await file.arrayBuffer();
    if (mine !== turn) return;
    latest = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    if (mine === turn) notRead("The file is no text, or cannot be read.");
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
