// <reciprocity-slot name="PLACE">: what the brand may show here, to whoever said yes on this site.
// Nothing is asked before a yes is stored, and nothing shown before it is on record as delivered.

import { kept, on } from "./reciprocity.js";
import { fill } from "./reciprocity-prompt.js";

customElements.define("reciprocity-slot", class extends HTMLElement {
  connectedCallback() {
    this.sight = new IntersectionObserver(([{ isIntersecting }]) => isIntersecting && this.show());
    this.onclick = ({ target }) => {
      if (target.name === "useful") this.rate(target);
    };
    this.off = on(() => this.look());
    this.look();
  }

  disconnectedCallback() {
    this.off();
    this.sight.disconnect();
  }

  /** The answer of the brand to what is at this place; nothing if there was none. */
  async ask(what, body) {
    const { src, body: { person } } = kept;
    const url = `${src}/v1/slots/${this.getAttribute("name")}${what}`;
    const sent = { method: "POST", body: JSON.stringify({ person, ...body }), credentials: "omit" };
    const got = await fetch(url, sent).catch(() => {});
    return got?.ok ? got.json() : {};
  }

  /** Asks once if there is anything; once the yes is taken back, nothing stays. */
  async look() {
    if (kept?.is !== "granted") {
      this.sight.disconnect();
      this.asked = false;
      fill(this, []);
    } else if (!this.asked) {
      this.asked = true;
      const { decision, campaign, message } = await this.ask("", {});
      if (decision?.verdict !== "deliver") return;
      this.advised = { act: crypto.randomUUID(), campaign, message };
      this.sight.observe(this);
    }
  }

  /** It is in sight: an impression, which is decided anew and brings the words. */
  async show() {
    this.sight.disconnect();
    const told = await this.ask("/impressions", this.advised);
    if (!told.shows || kept?.is !== "granted") return;
    this.told = told;
    fill(this, told.shows);
  }

  async rate({ value }) {
    const { attempt, noted } = this.told;
    const { stored } = await this.ask("/feedback", { attempt, useful: value === "yes" });
    if (stored) this.querySelector("[role=status]").textContent = noted;
  }
});
