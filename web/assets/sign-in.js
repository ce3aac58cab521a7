// Signing in, or up.

import { Problem } from "./api.js";
import config from "./config.js";
import { actor, busy, Message, el, show } from "./dom.js";
import * as session from "./session.js";
import { explain, plain, text } from "./texts.js";

/**
 * Until somebody is signed in.
 * @param {() => import("./dom.js").Child[]} what What it is for, under the heading.
 * @returns {Promise<session.Session>}
 */
export function signIn(what) {
  return new Promise((resolve) => showForm(false, what, resolve));
}

/**
 * @param {boolean} isNew
 * @param {() => import("./dom.js").Child[]} what
 * @param {(session: session.Session) => void} done
 */
function showForm(isNew, what, done) {
  const complaint = new Message();
  show(() => {
    const username = field("username", plain("username"), isNew ? plain("usernameHint") : "", {
      autocomplete: "username", autocapitalize: "none", spellcheck: false, "data-focus": "", maxLength: 64,
    });
    const password = field("password", plain("password"), isNew ? plain("newPasswordHint") : "", {
      type: "password", autocomplete: isNew ? "new-password" : "current-password",
    });
    password.row.append(reveal(password.input));
    const stay = el("input", { id: "stay", type: "checkbox", "aria-describedby": "stay-hint" });
    const submit = el("button", { className: "primary" }, plain(isNew ? "signUp" : "signIn"));
    const form = el("form", { noValidate: true },
      complaint.element, username.element, password.element,
      el("div", { className: "tick" }, stay, el("label", { htmlFor: "stay" }, plain("staySignedIn")),
        el("p", { id: "stay-hint", className: "hint" }, plain("staySignedInHint"))),
      submit);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const missing = [username, password].find(({ input }) => !input.value);
      if (missing) return missing.input.focus();
      const act = isNew ? session.signUp : session.signIn;
      busy(submit, async () => {
        try {
          done(await act(username.input.value.trim(), password.input.value, stay.checked));
        } catch (problem) {
          refused(problem, complaint, username.input, password.input);
        }
      });
    });
    return {
      title: plain(isNew ? "signUp" : "signIn"),
      content: [el("p", { className: "lead" }, what()), form, config.signUp && other(isNew, what, done)],
    };
  });
}

/**
 * @param {unknown} problem
 * @param {Message} complaint
 * @param {HTMLInputElement} username
 * @param {HTMLInputElement} password
 */
function refused(problem, complaint, username, password) {
  if (!(problem instanceof Problem)) throw problem;
  complaint.say(() => explain(problem));
  const named = problem.errors.map(({ pointer }) => pointer);
  const isUsername = problem.kind === "username-taken" || named.includes("/username");
  const isPassword = problem.kind === "invalid-credentials" || named.includes("/password");
  username.ariaInvalid = String(isUsername);
  password.ariaInvalid = String(isPassword);
  if (isUsername) username.select();
  else if (isPassword) password.select();
}

/**
 * @param {boolean} isNew
 * @param {() => import("./dom.js").Child[]} what
 * @param {(session: session.Session) => void} done
 */
function other(isNew, what, done) {
  return el("p", { className: "other" }, plain(isNew ? "haveAccount" : "noAccount"), " ",
    el("button", { type: "button", className: "link", onclick: () => showForm(!isNew, what, done) }, plain(isNew ? "signIn" : "signUp")));
}

/**
 * @param {string} id
 * @param {string} label
 * @param {string} hint
 * @param {Record<string, unknown>} properties
 */
export function field(id, label, hint, properties) {
  const described = hint ? { "aria-describedby": `${id}-hint` } : {};
  const input = el("input", { id, name: id, required: true, ...described, ...properties });
  const row = el("div", { className: "row" }, input);
  const element = el("div", { className: "field" }, el("label", { htmlFor: id }, label), row,
    hint && el("p", { id: `${id}-hint`, className: "hint" }, hint));
  return { element, row, input };
}

/** @param {HTMLInputElement} password */
function reveal(password) {
  const button = el("button", {
    type: "button", className: "reveal", "aria-pressed": "false", "aria-label": plain("showPasswordLabel"),
    onclick: () => {
      const isShown = password.type === "text";
      password.type = isShown ? "password" : "text";
      button.ariaPressed = String(!isShown);
      button.textContent = plain(isShown ? "showPassword" : "hidePassword");
    },
  }, plain("showPassword"));
  return button;
}

/**
 * Who is signed in, and a way out of it.
 * @param {session.Session} who
 * @param {() => void} left What to do when nobody is.
 */
export function signedIn(who, left) {
  const name = el("bdi", { className: "name" }, who.username);
  return el("p", { className: "who" },
    el("span", {}, text("signedInAs", { username: name })),
    actor({ className: "link" }, plain("notYou"), async () => {
      await session.signOut();
      left();
    }));
}
