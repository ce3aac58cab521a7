// Around every page: what is shown where it cannot go on, and how it is left.

import { Problem } from "./api.js";
import { isThisDevice } from "./consent.js";
import { el, named, show } from "./dom.js";
import { explain, plain, text } from "./texts.js";

/** @param {() => Promise<void>} page */
export async function start(page) {
  try {
    await page();
  } catch (problem) {
    // The app is told by a redirect only where the service says so: it has seen that this is the app's address.
    if (problem instanceof Problem && problem.redirectTo) return leave(problem.redirectTo);
    showProblem(problem, page);
    if (!(problem instanceof Problem)) throw problem;
  }
}

/**
 * @param {unknown} problem
 * @param {() => Promise<void>} page
 */
function showProblem(problem, page) {
  const known = problem instanceof Problem ? problem : undefined;
  show(() => {
    const key = !known || known.status >= 500 && !known.isPassing ? "errorInternal" : known.isPassing ? "errorAway" : "errorApp";
    const retry = el("div", { className: "buttons" },
      el("button", { type: "button", className: "primary", onclick: () => start(page) }, plain("tryAgain")));
    return {
      title: plain(key),
      content: [
        el("p", { className: "lead" }, plain(`${key}Hint`)),
        known?.isPassing && known.kind === "too-many-attempts" && el("p", {}, explain(known)),
        key === "errorApp" ? details(known) : retry,
      ],
    };
  });
}

/** What those who make the app need to know. @param {Problem | undefined} problem */
function details(problem) {
  if (!problem) return null;
  const rows = [
    [plain("errorType"), problem.kind],
    [plain("errorStatus"), String(problem.status)],
    [plain("errorRequest"), problem.requestId ?? ""],
  ].filter(([, value]) => value).flatMap(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]);
  const errors = problem.errors.map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}.`);
  return el("details", {}, el("summary", {}, plain("errorDetails")),
    el("p", { lang: "en" }, [problem.message, ...errors].join(" ")), el("dl", {}, rows));
}

/** What a browser would run, or show, in place of an app's page. */
const NO_APPS = ["javascript:", "data:", "blob:", "vbscript:", "file:", "filesystem:", "about:", "view-source:"];

/**
 * To the app, with the answer. In place of this page: whoever goes back from there shall not be sent there once more.
 * @param {string} redirectTo
 */
export function leave(redirectTo) {
  const to = new URL(redirectTo);
  if (NO_APPS.includes(to.protocol)) throw new TypeError(`nothing leads to ${to.protocol}`);
  const isPage = /^https?:$/.test(to.protocol) && !isThisDevice(to.host);
  show(() => ({
    title: isPage ? plain("leaving", { host: to.host }) : plain("leavingToApp"),
    heading: isPage ? text("leaving", { host: named(to.host) }) : text("leavingToApp"),
    content: [
      el("p", { className: "lead" }, plain(isPage ? "leavingHint" : "leavingToAppHint")),
      el("div", { className: "buttons" }, el("a", { className: "button", href: to.href }, plain("continue"))),
    ],
  }));
  location.replace(to);
}
