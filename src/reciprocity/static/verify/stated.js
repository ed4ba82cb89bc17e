// What the brand file and the law packs that a delivery names ask for, read strictly.

import { hold, isObject, numberOr, text, textOr } from "./strict.js";

const VALIDITY_DAYS = 730;
const LONGEST_DAYS = 36500;
const [CAP_7, CAP_30] = [7, 30];

/** The purposes of a brand file, as the law packs leave them. */
export class Terms {
  constructor(brand, packs, what) {
    Object.assign(this, { what, lawAge: 0, lawDays: LONGEST_DAYS, forbids: [] });
    for (const name of ["purposes", "channels"]) {
      hold(isObject(brand[name]), `${what}: the brand file it names has no ${name}`);
      this[name] = brand[name];
    }
    this.everyoneAtLeast = numberOr(brand, "everyone_at_least", 0, `${what}, brand file`);
    for (const pack of packs) this.read(pack, `${what}, law pack`);
  }

  read(pack, what) {
    const days = numberOr(pack, "maximum_validity_days", LONGEST_DAYS, what);
    this.lawAge = Math.max(this.lawAge, numberOr(pack, "minimum_age", 0, what));
    this.lawDays = Math.min(this.lawDays, days);
    const forbids = "forbids" in pack ? pack.forbids : [];
    hold(Array.isArray(forbids), `${what}: forbids is no list`);
    for (const pair of forbids) {
      const right = Array.isArray(pair) && pair.length === 2 && pair.every((one) => typeof one === "string");
      hold(right, `${what}: forbids what is no pair of channel and basis`);
      this.forbids.push(pair);
    }
  }

  purpose(name) {
    hold(isObject(this.purposes[name]), `${this.what}: is for a purpose that the brand file does not have`);
    return this.purposes[name];
  }

  channel(name) {
    hold(isObject(this.channels[name]), `${this.what}: is for a channel that the brand file does not have`);
    return this.channels[name];
  }

  /** The ground in law of *purpose*. */
  basis(purpose) {
    return textOr(this.purpose(purpose), "basis", "consent", this.what);
  }

  /** How old a person must be for *purpose*: by the brand or by law, whichever is more. */
  minimumAge(purpose) {
    return Math.max(numberOr(this.purpose(purpose), "minimum_age", 0, this.what), this.lawAge);
  }

  /** How long a yes to *purpose* lives: by the brand or by law, whichever is less. */
  validityDays(purpose) {
    return Math.min(numberOr(this.purpose(purpose), "validity_days", VALIDITY_DAYS, this.what), this.lawDays);
  }

  /** Does no law forbid *basis* on this kind of channel? */
  allows(channel, basis) {
    const kind = text(this.channel(channel), "kind", this.what);
    return !this.forbids.some((pair) => pair[0] === kind && pair[1] === basis);
  }

  /** The brand's own caps on *channel*, in 7 and in 30 days. */
  caps(channel) {
    const told = this.channel(channel);
    return [numberOr(told, "cap_7_days", CAP_7, this.what), numberOr(told, "cap_30_days", CAP_30, this.what)];
  }

  /** The brand's own quiet time on *channel*. */
  quiet(channel) {
    const told = this.channel(channel);
    return [numberOr(told, "quiet_from", 0, this.what), numberOr(told, "quiet_until", 0, this.what)];
  }

  /** The purposes above *purpose*, nearest first. */
  above(purpose) {
    const found = new Set();
    for (let name = this.parent(purpose); name && !found.has(name); name = this.parent(name)) found.add(name);
    return [...found];
  }

  parent(name) {
    const told = this.purposes[name];
    if (told === undefined) return "";
    hold(isObject(told), `${this.what}: the brand file has a purpose that is no object`);
    return textOr(told, "parent", "", this.what);
  }
}
