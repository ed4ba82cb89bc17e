// What every reader here starts from: one error, bytes, base64, and JSON that can be read one way only.

/** A proof does not hold; the message says what did not match. */
export class ProofError extends Error {
  constructor(message) {
    super(message);
    this.name = "ProofError";
  }
}

/** Raise unless *holds*. */
export function hold(holds, message) {
  if (!holds) throw new ProofError(message);
}

const MOST_BYTES = 2 ** 28;
const MOST_DEPTH = 200;
const encoder = new TextEncoder();

/** The bytes of a text. */
export const bytesOf = (text) => encoder.encode(text);

/** The text that *data* (bytes, or a text already) spells in UTF-8. */
export function textOf(data, what) {
  hold(data.length <= MOST_BYTES, `${what}: ${data.length} bytes, at most ${MOST_BYTES} are read`);
  if (typeof data === "string") return data;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(data);
  } catch {
    throw new ProofError(`${what}: not UTF-8`);
  }
}

/** White space of every script, as Python's `str.isspace` has it, to stand in a pattern's brackets. */
export const BLANKS =
  "\\u0009-\\u000d\\u001c-\\u0020\\u0085\\u00a0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000";

const EDGES = new RegExp(`^[${BLANKS}]+|[${BLANKS}]+$`, "g");

/** *text* without white space at its ends, as Python takes it off. */
export const trimmed = (text) => text.replace(EDGES, "");

/** Is *text* whole characters, so that it can be written as UTF-8? */
export const isUtf8 = (text) => (text.isWellFormed ? text.isWellFormed() : !/[\ud800-\udfff]/u.test(text));

/** Bytes one after the other. */
export function joined(...parts) {
  const whole = new Uint8Array(parts.reduce((sum, one) => sum + one.length, 0));
  let at = 0;
  for (const one of parts) {
    whole.set(one, at);
    at += one.length;
  }
  return whole;
}

/** Are these the same bytes? */
export function same(one, other) {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** *number* in eight bytes, the largest first. */
export function eightBytes(number) {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(number));
  return bytes;
}

/** SHA-256, by the browser's own cryptography. */
export async function sha256(bytes) {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The hash that *spelled* stands for, in hex of small letters. */
export function fromHex(spelled, what) {
  const right = typeof spelled === "string" && /^[0-9a-f]{64}$/.test(spelled);
  hold(right, `${what}: not the hex of 32 bytes in small letters`);
  return Uint8Array.from(spelled.match(/../g), (pair) => parseInt(pair, 16));
}

/** Bytes in base64; piece by piece, for a call takes no hundred thousand arguments. */
export function toBase64(bytes) {
  let letters = "";
  for (let at = 0; at < bytes.length; at += 4096) letters += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(letters);
}

/** The bytes that *spelled* stands for in its one canonical spelling; of *size*, if it is given. */
export function fromBase64(spelled, what, size) {
  let bytes;
  try {
    bytes = Uint8Array.from(atob(spelled), (one) => one.charCodeAt(0));
  } catch {
    throw new ProofError(`${what}: not base64`);
  }
  const right = toBase64(bytes) === spelled && (size === undefined || bytes.length === size);
  hold(right, `${what}: not the base64 of ${size ?? "some"} bytes in its canonical spelling`);
  return bytes;
}

// --- JSON: no key twice, no fraction, no number of 2^53 or more -------------------------------------

class Reader {
  constructor(text, what) {
    this.text = text;
    this.what = what;
    this.at = 0;
  }

  fail(problem) {
    throw new ProofError(`${this.what}: is not the JSON expected (${problem} at ${this.at})`);
  }

  blank() {
    while (" \t\n\r".includes(this.text[this.at] || "x")) this.at += 1;
  }

  take(mark) {
    if (!this.text.startsWith(mark, this.at)) return false;
    this.at += mark.length;
    return true;
  }

  value(depth) {
    this.blank();
    const next = this.text[this.at];
    if (depth >= MOST_DEPTH && (next === "{" || next === "[")) this.fail("nested too deep");
    if (next === "{") return this.object(depth);
    if (next === "[") return this.array(depth);
    if (next === '"') return this.string();
    for (const [word, value] of [["true", true], ["false", false], ["null", null]]) {
      if (this.take(word)) return value;
    }
    return this.number();
  }

  object(depth) {
    const found = Object.create(null);
    this.at += 1;
    this.blank();
    if (this.take("}")) return found;
    do {
      this.blank();
      if (this.text[this.at] !== '"') this.fail("a key is no text");
      const key = this.string();
      if (key in found) this.fail("a key stands there twice");
      this.blank();
      if (!this.take(":")) this.fail("no colon");
      found[key] = this.value(depth + 1);
      this.blank();
    } while (this.take(","));
    if (!this.take("}")) this.fail("an object does not end");
    return found;
  }

  array(depth) {
    const found = [];
    this.at += 1;
    this.blank();
    if (this.take("]")) return found;
    do {
      found.push(this.value(depth + 1));
      this.blank();
    } while (this.take(","));
    if (!this.take("]")) this.fail("a list does not end");
    return found;
  }

  string() {
    const pieces = /[^"\\\u0000-\u001f]{1,65536}|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y; // bounded: a long text would fill the stack
    const start = this.at;
    for (pieces.lastIndex = start + 1; pieces.test(this.text); ) this.at = pieces.lastIndex;
    if (this.at === start) this.at += 1;
    if (!this.take('"')) this.fail("a text does not end, or holds what none can");
    return JSON.parse(this.text.slice(start, this.at));
  }

  number() {
    const pattern = /-?(?:0|[1-9][0-9]*)(?![0-9.eE])/y;
    pattern.lastIndex = this.at;
    const found = pattern.exec(this.text);
    if (!found || found[0].length > 17) this.fail("no whole number below 2^53");
    this.at = pattern.lastIndex;
    const value = Number(found[0]);
    if (!Number.isSafeInteger(value)) this.fail("a number of 2^53 or more");
    return value;
  }
}

/** The JSON object in *data*; with *fields*, exactly those. */
export function readJson(data, what, fields) {
  const reader = new Reader(textOf(data, what), what);
  const said = reader.value(0);
  reader.blank();
  if (reader.at !== reader.text.length) reader.fail("it goes on after its end");
  hold(isObject(said), `${what}: is no JSON object`);
  if (fields) holdFields(said, fields, what);
  return said;
}

export const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Hold that *said* is an object of exactly *fields*. */
export function holdFields(said, fields, what) {
  const right = isObject(said) && Object.keys(said).length === fields.length && fields.every((name) => name in said);
  hold(right, `${what}: expected exactly ${fields.join(", ")}`);
}

/** *value* as an error may say it: short, whatever it is. */
export const shown = (value) => (canonical(value) ?? "nothing").slice(0, 60);

const byCodePoint = (one, other) => {
  const [left, right] = [Array.from(one), Array.from(other)];
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const differ = left[at].codePointAt(0) - right[at].codePointAt(0);
    if (differ) return differ;
  }
  return left.length - right.length;
};

/** The one JSON text of *value*: keys sorted, no spaces. */
export function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (!isObject(value)) return JSON.stringify(value);
  const parts = Object.keys(value).sort(byCodePoint);
  return `{${parts.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}

/** The text under *name*; refuses anything else. */
export function text(said, name, what) {
  hold(typeof said[name] === "string", `${what}: ${name} is no text`);
  return said[name];
}

/** The text under *name*, or *otherwise* where there is nothing; refuses anything else. */
export const textOr = (said, name, otherwise, what) => (name in said ? text(said, name, what) : otherwise);

/** The whole number under *name*, at least *least*; refuses anything else. */
export function number(said, name, what, least = 0) {
  const right = typeof said[name] === "number" && said[name] >= least;
  hold(right, `${what}: ${name} is no whole number from ${least}`);
  return said[name];
}

/** The whole number from 0 under *name*, or *otherwise* where there is nothing. */
export const numberOr = (said, name, otherwise, what) => (name in said ? number(said, name, what) : otherwise);

/** The yes or no under *name*, no where there is nothing; refuses anything else. */
export function flag(said, name, what) {
  if (!(name in said)) return false;
  hold(typeof said[name] === "boolean", `${what}: ${name} is neither true nor false`);
  return said[name];
}

/** The list of objects under *name*, empty where there is nothing; refuses anything else. */
export function listIn(said, name, what) {
  if (!(name in said)) return [];
  hold(Array.isArray(said[name]) && said[name].every(isObject), `${what}: ${name} is no list of objects`);
  return said[name];
}

/** The list under *name*; refuses anything else. */
export function list(said, name, what) {
  hold(Array.isArray(said[name]), `${what}: ${name} is no list`);
  return said[name];
}
