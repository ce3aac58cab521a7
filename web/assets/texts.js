// Which language, and what is said in it.

import en from "./en.js";
import ko from "./ko.js";

/** @typedef {Exclude<keyof typeof en, "problem" | "field">} Key */

export const LANGUAGES = { en, ko };
/** @typedef {keyof typeof LANGUAGES} Language */

const STORED = "jeton.language";

/** @type {Language} */
let language = choose();

/** What the person has chosen here before, what the app asks for (OpenID Connect's `ui_locales`), what the browser says. */
function choose() {
  const asked = new URLSearchParams(location.search).get("ui_locales") ?? "";
  for (const tag of [stored(), ...asked.split(" "), ...navigator.languages]) {
    const primary = tag.toLowerCase().split("-")[0] ?? "";
    if (Object.hasOwn(LANGUAGES, primary)) return /** @type {Language} */ (primary);
  }
  return "en";
}

function stored() {
  try {
    return localStorage.getItem(STORED) ?? "";
  } catch {
    return ""; // The browser keeps nothing here.
  }
}

export function currentLanguage() {
  return language;
}

/** @param {Language} chosen */
export function chooseLanguage(chosen) {
  language = chosen;
  try {
    localStorage.setItem(STORED, chosen);
  } catch {
    // Then it holds for this page.
  }
}

const texts = () => LANGUAGES[language];

/**
 * A text with what is put in: nodes as they are, so that a name can stand apart from the sentence around it.
 * @param {Key} key
 * @param {Record<string, string | Node>} [values]
 * @returns {(string | Node)[]}
 */
export function text(key, values = {}) {
  return fill(texts()[key], values);
}

/**
 * @param {Key} key
 * @param {Record<string, string>} [values]
 */
export function plain(key, values = {}) {
  return fill(texts()[key], values).join("");
}

/**
 * @param {string} template
 * @param {Record<string, string | Node>} values
 */
function fill(template, values) {
  return template.split(/\{(\w+)\}/).map((part, index) => (index % 2 ? (values[part] ?? "") : part));
}

/**
 * What to tell of a problem: what is wrong with which field, or what is said of its kind.
 * @param {import("./api.js").Problem} problem
 */
export function explain(problem) {
  const { problem: kinds, field: fields } = texts();
  const named = problem.errors.flatMap(({ pointer, detail }) =>
    pointer in fields ? fill(fields[/** @type {keyof typeof fields} */ (pointer)], { detail }).join("") : []);
  if (named.length) return named.join(" ");
  return problem.kind in kinds ? kinds[/** @type {keyof typeof kinds} */ (problem.kind)] : kinds.other;
}

/** @param {string} instant */
export function date(instant) {
  return new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(new Date(instant));
}
