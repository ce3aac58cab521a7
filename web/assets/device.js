// A device's code is typed (RFC 8628 §3.3), and then it is as with any app. A code in the link fills the field in; it is the
// person who sends it, having seen that it is the device's.

import { call, Problem } from "./api.js";
import { consent } from "./consent.js";
import { busy, Message, el, named, show } from "./dom.js";
import { field } from "./sign-in.js";
import { start } from "./start.js";
import { explain, plain, text } from "./texts.js";

/** Letters alone, in two halves, however it was typed. @param {string} typed */
function written(typed) {
  const code = typed.toUpperCase().replace(/[^\p{L}\p{N}]/gu, "");
  return code.length === 8 ? `${code.slice(0, 4)}-${code.slice(4)}` : code;
}

/**
 * Until a device waits with the code.
 * @param {Message} complaint
 * @returns {Promise<{ code: string, authorization: import("./consent.js").Authorization }>}
 */
function typedCode(complaint) {
  const linked = written(new URLSearchParams(location.search).get("user_code") ?? "").slice(0, 16);
  return new Promise((resolve, reject) => show(() => {
    const code = field("code", plain("code"), plain("codeExample"), {
      className: "code", value: linked, autocomplete: "off", autocapitalize: "characters", spellcheck: false,
      maxLength: 16, "data-focus": "",
    });
    const submit = el("button", { className: "primary" }, plain("next"));
    const form = el("form", { noValidate: true }, complaint.element, code.element, submit);
    const refuse = (/** @type {() => string} */ why) => {
      complaint.say(why);
      code.input.ariaInvalid = "true";
      code.input.select();
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const user_code = written(code.input.value);
      if (!user_code) return refuse(() => plain("codeNeeded"));
      busy(submit, async () => {
        try {
          const authorization = await call("POST", "v1/authorizations", { body: { user_code } });
          resolve({ code: user_code, authorization });
        } catch (problem) {
          if (!(problem instanceof Problem)) return reject(problem);
          refuse(() => problem.isPassing ? explain(problem) : plain("codeUnknown"));
        }
      });
    });
    return { title: plain("device"), content: [el("p", { className: "lead" }, plain("deviceHint")), form] };
  }));
}

await start(async () => {
  const complaint = new Message();
  const begin = async () => (await typedCode(complaint)).authorization;
  const { allowed, client } = await consent(begin);
  const key = allowed ? "deviceConnected" : "deviceDenied";
  show(() => ({
    title: plain(key, { name: client.name }),
    heading: text(key, { name: named(client.name) }),
    content: [el("p", { className: "lead" }, plain(`${key}Hint`))],
  }));
});
