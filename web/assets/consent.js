// Who asks, for what; allowed, in part or in whole, or denied.

import { call, Problem } from "./api.js";
import { actor, Message, el, named, show } from "./dom.js";
import { currentSession, forgetSession } from "./session.js";
import { signedIn, signIn } from "./sign-in.js";
import { explain, plain, text } from "./texts.js";

/**
 * @typedef {{ name: string, title: string, description: string }} Scope
 * @typedef {{ name: string, redirect_host: string | null, first_party: boolean }} Client
 * @typedef {{ id: string, client: Client, scopes: Scope[], consented?: boolean }} Authorization
 * @typedef {{ allowed: boolean, client: Client, redirectTo: string | null }} Answer
 */

/**
 * Asks the person, once somebody is signed in, until there is an answer.
 * @param {() => Promise<Authorization>} begin Begins the request, and again where it has run out meanwhile.
 * @returns {Promise<Answer>}
 */
export async function consent(begin) {
  let authorization = await begin();
  let renewed = false;
  for (;;) {
    const { id, client } = authorization;
    const session = currentSession() ?? await signIn(() => text("signInFor", { name: named(client.name) }));
    const settle = async (/** @type {"approve" | "deny"} */ how, /** @type {object} */ body) => {
      const { redirect_to } = await call("POST", `v1/authorizations/${id}/${how}`, { token: session.token, body });
      return { allowed: how === "approve", client, redirectTo: redirect_to };
    };
    try {
      const seen = await call("GET", `v1/authorizations/${id}`, { token: session.token });
      // Whoever sent the person a device's code may have it: that is asked each time.
      if (seen.consented && client.redirect_host !== null) return await settle("approve", {});
      const answer = await ask(seen, session, settle, renewed);
      if (answer) return answer;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) {
        forgetSession();
      } else if (problem.status === 404) {
        authorization = await begin();
        renewed = true;
      } else {
        throw problem;
      }
    }
  }
}

/**
 * @param {Authorization} authorization
 * @param {import("./session.js").Session} session
 * @param {(how: "approve" | "deny", body: object) => Promise<Answer>} settle
 * @param {boolean} renewed
 * @returns {Promise<Answer | undefined>} Nothing where it is somebody else who is to be asked.
 */
function ask({ client, scopes }, session, settle, renewed) {
  const complaint = new Message();
  if (renewed) complaint.say(() => plain("askedAgain"));
  const kept = new Set(scopes.map(({ name }) => name));
  return new Promise((resolve, reject) => {
    const act = async (/** @type {"approve" | "deny"} */ how, /** @type {object} */ body) => {
      try {
        resolve(await settle(how, body));
      } catch (problem) {
        // What passes can be tried again from here; the rest is for whoever asked for this.
        if (problem instanceof Problem && problem.isPassing) complaint.say(() => explain(problem));
        else reject(problem);
      }
    };
    const allow = async () => {
      if (!kept.size) return complaint.say(() => plain("nothingTicked"));
      await act("approve", kept.size === scopes.length ? {} : { scopes: [...kept] });
    };
    show(() => ({
      title: plain("consent", { name: client.name }),
      heading: text("consent", { name: named(client.name) }),
      content: [
        el("p", { className: "lead" }, destination(client)),
        signedIn(session, () => resolve(undefined)),
        permissions(scopes, kept),
        complaint.element,
        el("div", { className: "buttons" },
          scopes.length > 0 && actor({ className: "primary" }, plain("allow"), allow),
          actor({}, plain("deny"), () => act("deny", {}))),
        scopes.length > 0 && el("p", { className: "fine" }, text("takeBack", { link: el("a", { href: apps }, plain("takeBackLink")) })),
      ],
    }));
  });
}

const apps = new URL("../account/apps", import.meta.url).href;

/** @param {Client} client */
function destination({ redirect_host: host }) {
  if (host === null) return text("deviceWarning");
  return isThisDevice(host) ? text("returnsToDevice") : text("returnsTo", { host: named(host) });
}

/** @param {string} host */
export function isThisDevice(host) {
  return /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/.test(host);
}

/**
 * @param {Scope[]} scopes
 * @param {Set<string>} kept The names of those that are ticked.
 */
function permissions(scopes, kept) {
  if (!scopes.length) return el("p", {}, plain("noScopes"));
  const rows = scopes.map(({ name, title, description }, index) => {
    const id = `scope-${index}`;
    const tick = el("input", { id, type: "checkbox", checked: kept.has(name), "aria-describedby": `${id}-about` });
    tick.addEventListener("change", () => tick.checked ? kept.add(name) : kept.delete(name));
    return el("li", { className: "tick" }, tick, el("label", { htmlFor: id }, title || name),
      el("p", { id: `${id}-about`, className: "hint" }, description));
  });
  return el("fieldset", {}, el("legend", {}, plain("itMay")), el("p", { className: "hint" }, plain("untick")), el("ul", {}, rows));
}
