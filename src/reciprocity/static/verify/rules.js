// The closed language of rules: read, and answered from the facts an attempt recorded.
// AND, OR, NOT, comparisons, IN, names, whole numbers, quoted values, TRUE, FALSE, parentheses.

import { BLANKS, ProofError, hold, isObject, number, text, textOr } from "./strict.js";

const BLANK = `[${BLANKS}]*`;
const TOKEN = new RegExp(
  `${BLANK}(?:(?<number>-?${BLANK}[0-9]{1,16})(?![0-9])|(?<quoted>'(?:[^']|'')*')` +
    `|(?<name>[A-Za-z_][A-Za-z0-9_]*)|"(?<spaced>[^"]+)"|(?<mark><>|!=|<=|>=|[=<>(),]))`,
  "y",
);
const LAST_BLANKS = new RegExp(`${BLANK}$`);
const WORDS = new Set(["AND", "OR", "NOT", "IN", "TRUE", "FALSE"]);
const COMPARE = {
  "=": (a, b) => a === b,
  "<>": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};
const MIRRORED = { "=": "=", "<>": "<>", "<": ">", "<=": ">=", ">": "<", ">=": "<=" };
const MOST_DEPTH = 64;

const optionalList = (said, name, what) => {
  hold(isObject(said), `${what}: is no JSON object`);
  hold(said[name] === undefined || Array.isArray(said[name]), `${what}: ${name} is no list`);
  return said[name] ?? [];
};

const object = (said, what) => {
  hold(isObject(said), `${what}: is no JSON object`);
  return said;
};

/** A rulebook as it stands in the log. */
export class Rulebook {
  constructor(stated) {
    this.facts = optionalList(stated, "facts", "rulebook").map((one) => object(one, "fact"));
    this.places = new Map(this.facts.map((one, place) => [text(one, "name", "fact"), place]));
    hold(this.places.size === this.facts.length, "rulebook: a fact stands there twice");
    const attributes = optionalList(stated, "attributes", "rulebook");
    this.attributes = new Set(attributes.map((one) => text(object(one, "attribute"), "name", "attribute")));
    const atoms = optionalList(stated, "atoms", "rulebook");
    hold(atoms.every((one) => typeof one === "string"), "atom: is no text");
    this.atoms = new Map(atoms.map((one, place) => [one, place]));
    this.rules = optionalList(stated, "rules", "rulebook").map((one) => object(one, "rule"));
  }

  /** The first rule that stops *attempt*, by the facts and atoms it recorded; null if none does. */
  reasonAgainst(attempt, what) {
    const facts = attempt.facts;
    hold(
      Array.isArray(facts) && facts.length === this.facts.length,
      `${what}: does not record the ${this.facts.length} facts of its rules`,
    );
    hold(facts.every((one) => typeof one === "number"), `${what}: a fact is no whole number`);
    const atoms = "atoms" in attempt ? number(attempt, "atoms", what) : 0;
    const basis = textOr(attempt, "basis", "consent", what);
    const at = this.places.get("basis");
    hold(at === undefined || facts[at] === this.code("basis", basis), `${what}: records two bases`);
    for (const rule of this.rules) {
      hold(Array.isArray(rule.bases), "rule: names no bases");
      if (!rule.bases.includes(basis)) continue;
      if (new Condition(this, facts, BigInt(atoms), text(rule, "when", "rule")).holds()) {
        return text(rule, "reason", "rule");
      }
    }
    return null;
  }

  /** How many of its rules apply to a message of *basis*. */
  applying(basis) {
    return this.rules.filter((rule) => rule.bases.includes(basis)).length;
  }

  /** What *attempt* recorded, by the names of the facts. */
  namedFacts(attempt) {
    return new Map([...this.places.keys()].map((name, place) => [name, attempt.facts[place]]));
  }

  code(name, value) {
    const values = this.facts[this.places.get(name)]?.values;
    hold(Array.isArray(values) && values.includes(value), `rule: '${value}' is no value of ${name}`);
    return values.indexOf(value);
  }
}

/** One condition, read from left to right and answered on the way. */
class Condition {
  constructor(book, facts, atoms, said) {
    Object.assign(this, { book, facts, atoms, tokens: tokensOf(said), at: 0, depth: 0 });
  }

  holds() {
    const found = this.either();
    hold(this.at === this.tokens.length, `rule: cannot be read from '${this.peek()[1]}' on`);
    return found;
  }

  either() {
    let found = this.both();
    while (this.take("OR")) found = this.both() || found;
    return found;
  }

  both() {
    let found = this.one();
    while (this.take("AND")) found = this.one() && found;
    return found;
  }

  one() {
    this.depth += 1;
    hold(this.depth <= MOST_DEPTH, "rule: is nested too deep");
    try {
      if (this.take("NOT")) return !this.one();
      if (this.take("(")) {
        const found = this.either();
        this.expect(")");
        return found;
      }
      const [kind, spelled] = this.peek();
      const constant = kind === "word" && (spelled === "TRUE" || spelled === "FALSE");
      const compares = Object.hasOwn(COMPARE, this.tokens[this.at + 1]?.[1] ?? "");
      if (constant && !compares) return this.next()[1] === "TRUE";
      return this.comparison();
    } finally {
      this.depth -= 1;
    }
  }

  comparison() {
    let left = this.next();
    if (this.take("IN")) return this.among(left);
    if (!Object.hasOwn(COMPARE, this.peek()[1])) return this.compare(left, "=", ["word", "TRUE"]);
    let operator = this.next()[1];
    let right = this.next();
    if (left[0] !== "name") [left, operator, right] = [right, MIRRORED[operator], left];
    return this.compare(left, operator, right);
  }

  among(left) {
    this.expect("(");
    const values = [this.next()];
    while (this.take(",")) values.push(this.next());
    this.expect(")");
    const name = nameOf(left);
    if (this.book.attributes.has(name)) {
      return this.recorded(`${quoted(name)} IN (${values.map(spelledOut).join(", ")})`);
    }
    const fact = this.fact(name);
    return values.map((one) => this.value(name, one)).includes(fact);
  }

  compare(left, operator, right) {
    const name = nameOf(left);
    if (this.book.attributes.has(name)) {
      return this.recorded(`${quoted(name)} ${operator} ${spelledOut(right)}`);
    }
    return COMPARE[operator](this.fact(name), this.value(name, right));
  }

  recorded(spelled) {
    hold(this.book.atoms.has(spelled), `rule: '${spelled}' is not among the rulebook's atoms`);
    return Boolean((this.atoms >> BigInt(this.book.atoms.get(spelled))) & 1n);
  }

  value(name, [kind, spelled]) {
    if (kind === "number") return Number(spelled);
    if (kind === "quoted") return this.book.code(name, spelled);
    if (kind === "word" && (spelled === "TRUE" || spelled === "FALSE")) return Number(spelled === "TRUE");
    return this.fact(nameOf([kind, spelled]));
  }

  fact(name) {
    hold(this.book.places.has(name), `rule: '${name}' is neither a fact nor an attribute`);
    return this.facts[this.book.places.get(name)];
  }

  peek() {
    return this.tokens[this.at] ?? ["end", ""];
  }

  next() {
    const token = this.peek();
    hold(token[0] !== "end", "rule: ends in the middle");
    this.at += 1;
    return token;
  }

  take(wanted) {
    const [kind, spelled] = this.peek();
    if (spelled !== wanted || (kind !== "word" && kind !== "mark")) return false;
    this.at += 1;
    return true;
  }

  expect(mark) {
    hold(this.take(mark), `rule: expected '${mark}', found '${this.peek()[1]}'`);
  }
}

function tokensOf(said) {
  const tokens = [];
  const end = said.replace(LAST_BLANKS, "").length;
  for (let at = 0; at < end; ) {
    TOKEN.lastIndex = at;
    const found = TOKEN.exec(said);
    if (!found) throw new ProofError(`rule: '${said.slice(at, at + 20)}' is outside the language`);
    at = TOKEN.lastIndex;
    tokens.push(tokenOf(found.groups));
  }
  return tokens;
}

function tokenOf({ number: digits, quoted: value, name, spaced, mark }) {
  if (name !== undefined && WORDS.has(name.toUpperCase())) return ["word", name.toUpperCase()];
  if (name !== undefined || spaced !== undefined) return ["name", name ?? spaced];
  if (value !== undefined) return ["quoted", value.slice(1, -1).replaceAll("''", "'")];
  // as an atom spells it: `- 07` is -7
  if (digits !== undefined) return ["number", String(BigInt(digits.match(/[0-9]+/)[0]) * (digits[0] === "-" ? -1n : 1n))];
  return ["mark", mark === "!=" ? "<>" : mark];
}

const nameOf = ([kind, spelled]) => {
  hold(kind === "name", `rule: '${spelled}' stands where a name belongs`);
  return spelled;
};

const spelledOut = ([kind, spelled]) => (kind === "quoted" ? `'${spelled.replaceAll("'", "''")}'` : spelled);
const quoted = (name) => (name.includes("-") ? `"${name}"` : name);
