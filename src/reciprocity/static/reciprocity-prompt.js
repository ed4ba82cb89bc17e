// <reciprocity-prompt proposition="ID">: asks in the page where it stands, with two equal answers.
// It is part of that page, not of a shadow of it, so that anything that judges pages can see it.

import { grant, on, state, withdraw } from "./reciprocity.js";

const FLAG = "reciprocity-no";
const HERE = new URL(import.meta.url).origin;
const sheet = new CSSStyleSheet();
sheet.replaceSync(
  "reciprocity-prompt{display:block;line-height:1.5;overflow-wrap:anywhere;" +
    "fieldset,legend{border:0;padding:0;margin:1rem 0}" +
    "label,div{display:flex;flex-wrap:wrap;gap:.75rem;padding:.5rem 0}label{flex-wrap:nowrap}" +
    "input{width:1.5rem;height:1.5rem;margin:0;flex:none}" +
    "button{flex:1 1 12rem;padding:.75rem;font:inherit;color:CanvasText;background:Canvas;" +
    "border:2px solid;border-radius:.5rem}}",
);
let said = false; // a no, which nothing but this page remembers

/** An element of `children`; what came from the brand is text, never markup. */
function node(name, marks, ...children) {
  const made = document.createElement(name);
  for (const key in marks) made.setAttribute(key, marks[key]);
  made.append(...children);
  return made;
}

const box = (name, { id, text }) => node("label", {}, node("input", { type: "checkbox", name, value: id }), node("span", {}, text));
const answer = (value, text) => node("button", { name: "answer", value }, text);

class Prompt extends HTMLElement {
  async connectedCallback() {
    this.off = on(() => this.show());
    const root = this.getRootNode();
    if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets = [...root.adoptedStyleSheets, sheet];
    this.src = this.getAttribute("src") || HERE;
    if (!this.quiet()) await this.load();
  }

  disconnectedCallback() {
    this.off();
  }

  /** Nothing is to be shown, nor fetched: the person said no, here or to all pages. */
  quiet() {
    const remembered = this.hasAttribute("remember") && localStorage.getItem(FLAG);
    const { is } = state();
    return is === "silent" || (is === "none" && (said || remembered));
  }

  async load() {
    const language = this.closest("[lang]")?.lang || navigator.language;
    const url = `${this.src}/v1/prompts/${this.getAttribute("proposition")}?language=${language}`;
    const got = await fetch(url, { credentials: "omit" }).catch(() => {});
    if (!got?.ok) return;
    this.words = await got.json();
    this.show();
  }

  show() {
    const { words } = this;
    if (!words) return;
    const { is, why } = state();
    this.lang = words.language;
    this.dir = words.direction;
    if (this.quiet()) this.replaceChildren();
    else if (is !== "none") this.tell(is);
    else if (why) this.tell(why === "withdrawn" ? "left" : "refused");
    else if (!this.querySelector("form")) this.replaceChildren(this.form(words));
  }

  /** How it stands after an answer, and the one step back. */
  tell(is) {
    const { labels } = this.words;
    const line = node("p", { role: "status", tabindex: -1 }, labels[is]);
    const back = node("button", { type: "button" }, labels.back);
    back.onclick = withdraw;
    const hadFocus = this.contains(document.activeElement);
    this.replaceChildren(line, ...(is === "granted" || is === "pending" ? [node("div", {}, back)] : []));
    if (hadFocus) line.focus();
  }

  form({ labels, ...words }) {
    const group = (title, ...boxes) => node("fieldset", {}, node("legend", {}, title), ...boxes);
    const looks = words.behaviours.flatMap((one) => [box("behaviours", one), node("p", {}, one.returns)]);
    const hint = node("p", { role: "status" });
    const form = node("form", {},
      node("h2", {}, words.title),
      node("p", {}, words.asks),
      node("p", {}, words.gives),
      node("ul", {}, ...words.benefits.map((one) => node("li", {}, one))),
      group(labels.may, ...words.purposes.map((one) => box("purposes", one)), ...looks),
      ...(words.topics.length ? [group(labels.about, ...words.topics.map((one) => box("topics", one)))] : []),
      hint,
      node("div", {}, answer("no", labels.no), answer("yes", labels.yes)),
      ...words.small.map((one) => node("p", {}, one)),
    );
    form.onsubmit = (event) => {
      event.preventDefault();
      if (event.submitter.value === "no") this.refuse();
      else if (!this.accept(new FormData(form))) hint.textContent = labels.tick;
    };
    return form;
  }

  refuse() {
    said = true;
    if (this.hasAttribute("remember")) localStorage.setItem(FLAG, "1");
    this.replaceChildren();
  }

  accept(told) {
    const [purposes, behaviours] = ["purposes", "behaviours"].map((name) => told.getAll(name));
    if (!purposes.length && !behaviours.length) return false;
    const topics = Object.fromEntries(told.getAll("topics").map((id) => [id, 2]));
    const { proposition, notice, language } = this.words;
    grant({ src: this.src, proposition, notice, language, purposes, behaviours, topics });
    return true;
  }
}

customElements.define("reciprocity-prompt", Prompt);
