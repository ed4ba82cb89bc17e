// The yes of the person at this browser: given, kept, taken back. Nothing is stored, sent or queued
// before they gave it; what is queued afterwards is that yes alone, until the brand stored it.

const KEY = "reciprocity";
const MOST = 65536;
const listeners = new Set();
/** What is kept of the yes, for our own elements: with the secret, so hand it to nobody. */
export let kept = read();
let refused = "";
let batch = [];
let wait = 500;
let sending, timer, lasting;

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null;
  }
}

function keep(value) {
  kept = value;
  try {
    value ? localStorage.setItem(KEY, JSON.stringify(value)) : localStorage.removeItem(KEY);
    lasting = true;
  } catch {
    // Storage is forbidden here: the yes lives as long as the page.
  }
  tell();
}

const tell = () => listeners.forEach((each) => each(state()));
const silent = () => (navigator.globalPrivacyControl ? "gpc" : navigator.doNotTrack === "1" ? "dnt" : "");
const fresh = () => crypto.randomUUID();
const post = (path, body) =>
  fetch(`${kept.src}/v1/${path}`, { method: "POST", body: JSON.stringify(body), credentials: "omit", keepalive: true });

/** What stands: `is` none, silent, pending, granted or leaving; `why` it is none or silent. */
export function state() {
  const why = silent();
  if (kept) {
    const { purposes, behaviours, topics } = kept.body;
    return { is: kept.is, why, purposes, behaviours, topics, receipt: kept.receipt };
  }
  return { is: why ? "silent" : "none", why: why || refused };
}

/** Calls `listener` with each new state; gives a function that ends it. */
export function on(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** Gives the yes in `wanted` ({src, proposition, purposes, behaviours, topics, notice, language}). */
export function grant({ src, proposition, ...wanted }) {
  if (kept || silent()) return Promise.resolve(state());
  const person = fresh() + fresh(); // 244 random bits
  keep({ is: "pending", src, proposition, body: { act: fresh(), person, answer: "yes", ...wanted } });
  return send();
}

/** Takes everything back: here at once, and at the brand as soon as it can be reached. */
export function withdraw() {
  batch = [];
  if (!kept) return Promise.resolve(state());
  const body = { act: fresh(), person: kept.body.person, answer: "withdraw" };
  if (kept.is !== "leaving") keep({ ...kept, is: "leaving", body });
  return send();
}

const send = () => (sending ??= attempt().finally(() => (sending = undefined)).then(after));

async function attempt() {
  timer = clearTimeout(timer);
  if (!kept || kept.is === "granted") return;
  const { is, proposition, body } = kept;
  let status, told;
  try {
    const got = await post(`prompts/${proposition}`, body);
    status = got.status;
    told = await got.json();
  } catch {
    status = 0;
  }
  // Another tab may have moved on meanwhile: then its word holds.
  if (lasting) kept = read();
  if (kept?.body.act !== body.act) return;
  if (told?.stored) {
    refused = is === "leaving" ? "withdrawn" : "";
    wait = 500;
    keep(is === "pending" ? { ...kept, is: "granted", receipt: told.receipt } : null);
  } else if (status >= 400 && status < 500 && status !== 429) {
    refused = told?.type?.split(":").pop() || "refused";
    keep(null);
  } else {
    wait = Math.min(wait * 2, 60000);
    timer = setTimeout(send, wait);
  }
}

// What was said while an answer was awaited goes out next.
function after() {
  return kept && kept.is !== "granted" && !timer ? send() : state();
}

/** Tells of something the person did, if a yes to being observed is stored; else nothing at all. */
export function track(event, properties = {}) {
  if (kept?.is !== "granted" || silent() || !kept.body.behaviours?.length) return;
  const timestamp = new Date().toISOString();
  const more = { messageId: fresh(), anonymousId: kept.body.person, timestamp, context: {} };
  if (batch.push({ type: "track", event, properties, ...more }) === 1) setTimeout(flush, 1000);
}

async function flush(events = batch) {
  if (events === batch) batch = [];
  if (!events.length || kept?.is !== "granted") return;
  const body = { batch: events, sentAt: new Date().toISOString(), writeKey: "" };
  const half = events.length >> 1;
  if (new Blob([JSON.stringify(body)]).size <= MOST) await post("events", body).catch(() => {});
  else if (half) {
    await flush(events.slice(0, half));
    await flush(events.slice(half));
  }
}

addEventListener("online", send);
addEventListener("pagehide", () => flush());
addEventListener("storage", ({ key }) => {
  if (key && key !== KEY) return;
  if (!read() && kept) refused = "withdrawn";
  kept = read();
  tell();
});
if (kept) {
  lasting = true;
  send();
}
