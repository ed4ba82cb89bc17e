// <reciprocity-prompt proposition="ID">: asks in the page where it stands, with two equal answers.
// It is part of that page, not of a shadow of it, so that anything that judges pages can see it.

import { grant, on, state, withdraw } from "./reciprocity.js";

const FLAG = "reciprocity-no";
const sheet = new CSSStyleSheet();
sheet.replaceSync(
  "reciprocity-prompt{display:block;line-height:1.5;overflow-wrap:anywhere;" +
    "fieldset,legend{border:0;padding:0;margin:1rem 0}" +
    "label,div{display:flex;flex-wrap:wrap;gap:.75rem;padding:.5rem 0}label{flex-wrap:nowrap}" +
    "input{width:1.5rem;height:1.5rem;margin:0;flex:none}" +
    "button{flex:1 1 12rem;padding:.75rem;font:inherit;color:CanvasText;background:Canvas;" +
    "border:2px solid;border-radius:.5rem}}",
);
/** Fills `place` with `trees`: names, marks and text, never markup. */
export function fill(place, trees) {
  const made = (tree) => {
    if (!tree.pop) return tree;
    const [name, marks, ...children] = tree;
    const node = document.createElement(name);
    for (const key in marks) node.setAttribute(key, marks[key]);
    return fill(node, children);
  };
  place.replaceChildren(...trees.map(made));
  return place;
}

let said; // a no, which nothing but this page remembers

customElements.define("reciprocity-prompt", class extends HTMLElement {
  async connectedCallback() {
    const root = this.getRootNode();
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
    this.off = on(() => this.show());
    this.onclick = ({ target }) => {
      if (target.name === "back") withdraw();
    };
    this.onsubmit = (event) => {
      event.preventDefault();
      if (event.submitter.value === "yes") this.accept(new FormData(event.target));
      else this.refuse();
    };
    this.src = this.getAttribute("src") || new URL(import.meta.url).origin;
    if (this.names() === "") return;
    const language = this.closest("[lang]")?.lang || navigator.language;
    const url = `${this.src}/v1/prompts/${this.getAttribute("proposition")}?language=${language}`;
    const got = await fetch(url, { credentials: "omit" }).catch(() => {});
    if (!got?.ok) return;
    this.words = await got.json();
    this.show();
  }

  disconnectedCallback() {
    this.off();
  }

  /** What is to be shown; nothing, and nothing fetched, after a no, here or to all pages. */
  names() {
    const { is, why } = state();
    if (is === "silent") return "";
    if (is !== "none") return is;
    if (said || (this.hasAttribute("remember") && localStorage[FLAG])) return "";
    return why ? (why === "withdrawn" ? "left" : "refused") : "ask";
  }

  show() {
    const { words } = this;
    const now = this.names();
    if (!words || now === this.now) return;
    this.now = now;
    this.lang = words.language;
    this.dir = words.direction;
    const hadFocus = this.contains(document.activeElement);
    fill(this, words.shows[now] || []);
    if (hadFocus) this.firstChild?.focus();
  }

  refuse() {
    said = true;
    if (this.hasAttribute("remember")) localStorage[FLAG] = 1;
    this.show();
  }

  accept(told) {
    const [purposes, behaviours, topics] = ["purposes", "behaviours", "topics"].map((name) => told.getAll(name));
    const { proposition, notice, language, tick } = this.words;
    if (!purposes[0] && !behaviours[0]) this.querySelector("[role=status]").textContent = tick;
    else grant({ src: this.src, proposition, notice, language, purposes, behaviours, topics: Object.fromEntries(topics.map((id) => [id, 2])) });
  }
});
