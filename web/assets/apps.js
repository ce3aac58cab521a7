// The apps that can use the person's account, each of which can be made to stop.

import { call, Problem } from "./api.js";
import { actor, Message, el, named, show } from "./dom.js";
import { currentSession, forgetSession } from "./session.js";
import { signedIn, signIn } from "./sign-in.js";
import { start } from "./start.js";
import { date, explain, plain, text } from "./texts.js";

/**
 * @typedef {{
 *   id: string, client: { name: string }, scopes: { name: string, title: string }[], created_at: string,
 *   last_used_at?: string | null,
 * }} Grant
 */

/**
 * @param {import("./session.js").Session} session
 * @returns {Promise<void>} When somebody else is to be signed in.
 */
async function list(session) {
  /** @type {{ grants: Grant[], next?: string | null }} */
  let { grants, next } = await call("GET", "v1/grants", { token: session.token });
  const status = new Message("status"), complaint = new Message();
  /** The one that is about to be removed. @type {string | null} */
  let asked = null;
  return new Promise((resolve, reject) => {
    const attempt = async (/** @type {() => Promise<void>} */ act) => {
      complaint.say(() => "");
      try {
        await act();
      } catch (problem) {
        if (!(problem instanceof Problem) || problem.status === 401) return reject(problem);
        complaint.say(() => explain(problem));
      }
    };
    const remove = (/** @type {Grant} */ grant) => attempt(async () => {
      await call("DELETE", `v1/grants/${grant.id}`, { token: session.token });
      grants = grants.filter(({ id }) => id !== grant.id);
      status.say(() => plain("removed", { name: grant.client.name }));
      asked = null;
      draw();
    });
    const more = () => attempt(async () => {
      const page = await call("GET", `v1/grants?after=${next}`, { token: session.token });
      [grants, next] = [[...grants, ...page.grants], page.next];
      draw();
    });
    const row = (/** @type {Grant} */ grant) => el("li", { className: "app" },
      el("h2", { id: `app-${grant.id}` }, named(grant.client.name)),
      el("p", { className: "hint" }, dates(grant)),
      el("ul", { className: "may" }, grant.scopes.length
        ? grant.scopes.map(({ name, title }) => el("li", {}, title || name))
        : el("li", {}, plain("noPermission"))),
      asked === grant.id
        ? el("div", { className: "sure" },
          el("p", {}, text("removeSure", { name: named(grant.client.name) })),
          el("div", { className: "buttons" },
            actor({ className: "danger", "data-focus": "" }, plain("removeYes"), () => remove(grant)),
            el("button", { type: "button", onclick: () => turnTo(null) }, plain("removeNo"))))
        : el("button", {
          type: "button", id: `remove-${grant.id}`, className: "quiet", "aria-describedby": `app-${grant.id}`,
          onclick: () => turnTo(grant.id),
        }, plain("remove")));
    const turnTo = (/** @type {string | null} */ id) => {
      const before = asked;
      asked = id;
      draw();
      if (!id) document.getElementById(`remove-${before}`)?.focus();
    };
    const draw = () => show(() => ({
      title: plain("apps"),
      content: [
        el("p", { className: "lead" }, plain(grants.length ? "appsHint" : "noApps")),
        signedIn(session, resolve),
        status.element,
        complaint.element,
        grants.length > 0 && el("ul", { className: "apps" }, grants.map(row)),
        next && el("div", { className: "buttons" }, actor({}, plain("more"), more)),
      ],
    }));
    draw();
  });
}

/** @param {Grant} grant */
function dates({ created_at, last_used_at }) {
  const since = plain("since", { date: date(created_at) });
  return last_used_at ? `${since} · ${plain("lastUsed", { date: date(last_used_at) })}` : since;
}

await start(async () => {
  for (;;) {
    const session = currentSession() ?? await signIn(() => text("signInForApps"));
    try {
      await list(session);
    } catch (problem) {
      if (!(problem instanceof Problem) || problem.status !== 401) throw problem;
      forgetSession();
    }
  }
});
