// A person's own page: filters, what is not saved yet, the live preview, and the check of the proof.
// All of it is extra: without this file the page shows, saves and hands out the same.

const field = (id) => document.getElementById(id);
document.documentElement.classList.add("scripted");

// --- records: filters that say how many ---

for (const chip of document.querySelectorAll(".chips button")) {
  chip.addEventListener("click", () => {
    for (const one of chip.parentElement.children) one.setAttribute("aria-pressed", String(one === chip));
    for (const line of document.querySelectorAll(".log > li")) {
      line.hidden = Boolean(chip.dataset.group) && line.dataset.group !== chip.dataset.group;
    }
  });
}
addEventListener("hashchange", () => {
  if (location.hash.startsWith("#r")) document.querySelector('.chips [data-group=""]')?.click();
});

// --- choices: the preview follows, after a pause ---

const form = field("choices-form");
let waiting = 0;
let turn = 0;

async function preview() {
  turn += 1;
  const mine = turn;
  const body = new URLSearchParams(new FormData(form));
  body.set("whole", "1");
  try {
    const answer = await fetch("/me/preview?part=1", { method: "POST", body, credentials: "same-origin" });
    if (!answer.ok || mine !== turn) return;
    const part = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("preview");
    if (part) field("preview").replaceWith(part);
  } catch {
    // not now: the button does the same
  }
}

form?.addEventListener("input", () => {
  field("unsaved").textContent = field("unsaved").dataset.text;
  clearTimeout(waiting);
  waiting = setTimeout(preview, 400);
});

// --- proof: checked here, nothing is sent ---

const PREFIX = "reciprocity-seen:";
const store = {
  get: (origin) => {
    try {
      return JSON.parse(localStorage.getItem(PREFIX + origin));
    } catch {
      return null;
    }
  },
};

const result = field("result");
const check = field("check");

const dated = (at) =>
  new Date(at).toLocaleString(result.dataset.language === "en" ? "en-GB" : result.dataset.language, {
    dateStyle: "long",
    timeStyle: "short",
    hourCycle: "h23",
    timeZone: result.dataset.zone,
  });

function say(kind, text, details) {
  result.className = `result ${kind}`;
  result.textContent = text;
  field("details").textContent = details;
}

/** The sizes at which this browser saw the log before, if it was allowed to remember. */
function seenSizes(origin) {
  const kept = store.get(origin);
  return (Array.isArray(kept) ? kept : kept ? [kept] : []).map((one) => one.size).filter(Number.isSafeInteger);
}

async function checked() {
  const [{ verifyPerson, ProofError }, { compared }] = await Promise.all([
    import(check.dataset.verify),
    import(check.dataset.verify.replace("verify.js", "memory.js")),
  ]);
  const keys = (await text(check.dataset.key)).trim().split("\n");
  const origin = keys[0].split("+")[0];
  const remember = field("remember").checked;
  const since = remember ? seenSizes(origin).join(",") : "";
  const proof = await text(`${check.dataset.proof}?since=${since}`);
  try {
    const found = await verifyPerson(proof, { keys });
    const past = remember ? await compared(found, JSON.parse(proof).consistency) : null;
    return told(found, past);
  } catch (error) {
    if (error instanceof ProofError) return ["bad", result.dataset.bad, error.message];
    throw error;
  }
}

function told(found, past) {
  const parts = [result.dataset.good.replace("DAY", dated(found.epoch_at))];
  const newer = found.events.length - found.covered;
  if (newer) parts.push(result.dataset.newer.replace("COUNT", newer));
  if (past) parts.push(result.dataset.seen);
  const details = { ...found, events: found.events.length, past };
  return ["good", parts.join(" "), JSON.stringify(details, null, 2)];
}

async function text(address) {
  const answer = await fetch(address, { credentials: "same-origin" });
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return answer.text();
}

check?.addEventListener("click", async () => {
  check.setAttribute("aria-busy", "true");
  try {
    say(...(await checked()));
  } catch (error) {
    const old = error?.name === "NotSupportedError";
    say("bad", old ? result.dataset.old : result.dataset.offline, String(error));
  }
  check.removeAttribute("aria-busy");
});
