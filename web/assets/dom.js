// Elements, and what is shown at a time.

import { chooseLanguage, currentLanguage, LANGUAGES, plain } from "./texts.js";

/** @typedef {string | Node | null | undefined | false} Child */

/**
 * An element; what is text becomes text, never markup. Properties with a dash, and `role` and `lang`, are attributes.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Record<string, unknown>} [properties]
 * @param {...(Child | Child[])} children
 * @returns {HTMLElementTagNameMap[Name]}
 */
export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.includes("-") || key === "role" || key === "lang") element.setAttribute(key, String(value));
    else Object.assign(element, { [key]: value });
  }
  element.append(...children.flat().filter(isShown));
  return element;
}

/**
 * @param {Child} child
 * @returns {child is string | Node}
 */
function isShown(child) {
  return child !== null && child !== undefined && child !== false && child !== "";
}

/** What somebody else has named: apart from the text around it, whichever way it is written. @param {string} name */
export function named(name) {
  return el("bdi", { className: "name" }, name);
}

/** @typedef {{ title: string, heading?: Child[], content: Child[] }} View */

const main = /** @type {HTMLElement} */ (document.querySelector("main"));
/** @type {() => View} */
let rendered = () => ({ title: "", content: [] });

/**
 * Shows a view in place of the one before. The heading gets the focus, so that who hears the page hears what is new, unless
 * a field asks for it.
 * @param {() => View} render
 */
export function show(render) {
  rendered = render;
  main.replaceChildren();
  draw();
  const first = main.querySelector("[data-focus]") ?? main.querySelector("h1");
  if (first instanceof HTMLElement) first.focus();
}

/** What is shown, or the same in another language: what was typed and ticked stays then. */
function draw() {
  const before = new Map([...main.querySelectorAll("input")].map((input) => [input.id, input]));
  const { title, heading, content } = rendered();
  document.documentElement.lang = currentLanguage();
  document.title = plain("documentTitle", { title, host: location.host });
  main.replaceChildren(el("h1", { tabIndex: -1 }, heading ?? title), ...el("div", {}, content).childNodes);
  main.removeAttribute("aria-busy");
  for (const input of main.querySelectorAll("input")) {
    const old = before.get(input.id);
    if (input.id && old) [input.value, input.checked] = [old.value, old.checked];
  }
  frame();
}

/** Whose page it is, and in which language: around every view. */
function frame() {
  document.querySelector("header")?.replaceChildren(el("span", { className: "host" }, location.host));
  const buttons = Object.entries(LANGUAGES).map(([code, texts]) => el("button", {
    type: "button", className: "link", lang: code, "aria-pressed": code === currentLanguage(),
    onclick: () => {
      chooseLanguage(/** @type {import("./texts.js").Language} */ (code));
      draw();
      /** @type {HTMLElement | null} */ (document.querySelector(`footer [lang=${code}]`))?.focus();
    },
  }, texts.language));
  document.querySelector("footer")?.replaceChildren(
    el("div", { role: "group", "aria-label": plain("languages"), className: "languages" }, buttons));
}

/**
 * A button that does something which takes time.
 * @param {Record<string, unknown>} properties
 * @param {Child | Child[]} label
 * @param {() => Promise<void>} act
 */
export function actor(properties, label, act) {
  const button = el("button", { type: "button", ...properties }, label);
  button.addEventListener("click", () => busy(button, act));
  return button;
}

let working = false;

/**
 * One thing at a time, whatever is clicked meanwhile.
 * @param {HTMLElement} element
 * @param {() => Promise<void>} act
 */
export async function busy(element, act) {
  if (working) return;
  working = true;
  element.classList.add("busy");
  element.ariaDisabled = "true";
  try {
    await act();
  } finally {
    working = false;
    element.classList.remove("busy");
    element.ariaDisabled = null;
  }
}

/** What is wrong, or done: read out when it is said, and said again in another language. */
export class Message {
  #say = () => "";
  #element = el("p");
  #role;

  /** @param {"alert" | "status"} [role] */
  constructor(role = "alert") {
    this.#role = role;
  }

  get element() {
    this.#element = el("p", { className: this.#role, role: this.#role }, this.#say());
    return this.#element;
  }

  /** @param {() => string} say */
  say(say) {
    this.#say = say;
    this.#element.textContent = say();
  }
}
