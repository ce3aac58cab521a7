// Who is signed in: a login token, kept for this tab, or for this browser where the person chose so.

import { call, Problem } from "./api.js";

/** @typedef {{ token: string, username: string }} Session */

const KEY = "jeton.session";

/** How long a token for one tab lives, in seconds: the tab is closed without a word. */
const TAB_SECS = 12 * 3600;

/** For browsers that keep nothing: then as long as the page. @type {Session | null} */
let here = null;

function storages() {
  try {
    return [sessionStorage, localStorage];
  } catch {
    return [];
  }
}

/** @returns {Session | null} */
export function currentSession() {
  for (const storage of storages()) {
    try {
      const { token, username } = JSON.parse(storage.getItem(KEY) ?? "");
      if (typeof token === "string" && typeof username === "string") return { token, username };
    } catch {
      // Nothing there, or nothing of ours.
    }
  }
  return here;
}

/**
 * @param {{ token: string, user: { username: string } }} issued
 * @param {boolean} stay
 * @returns {Session}
 */
function remember(issued, stay) {
  here = { token: issued.token, username: issued.user.username };
  try {
    (stay ? localStorage : sessionStorage).setItem(KEY, JSON.stringify(here));
  } catch {
    // Then until the page is left.
  }
  return here;
}

/** Where the token is not valid any more. */
export function forgetSession() {
  here = null;
  for (const storage of storages()) storage.removeItem(KEY);
}

/**
 * @param {string} username
 * @param {string} password
 * @param {boolean} stay
 */
export async function signIn(username, password, stay) {
  const asked = { username, password, name: browser() };
  const login = (/** @type {object} */ body) => call("POST", "v1/login", { body });
  try {
    return remember(await login(stay ? asked : { ...asked, expires_in: TAB_SECS }), stay);
  } catch (problem) {
    // Where the service lets no token live so long, as long as it does.
    const tooLong = problem instanceof Problem && problem.errors.some(({ pointer }) => pointer === "/expires_in");
    if (!tooLong) throw problem;
    return remember(await login(asked), stay);
  }
}

/**
 * @param {string} username
 * @param {string} password
 * @param {boolean} stay
 */
export async function signUp(username, password, stay) {
  return remember(await call("POST", "v1/users", { body: { username, password } }), stay);
}

/** Answered once no service accepts the token any more; where that cannot be had, it is forgotten here all the same. */
export async function signOut() {
  const session = currentSession();
  forgetSession();
  try {
    await call("POST", "v1/logout", { token: session?.token });
  } catch {
    // It ends by itself.
  }
}

/** What the person finds under the own tokens. */
function browser() {
  const agent = navigator.userAgent;
  const find = (/** @type {[RegExp, string][]} */ names) => names.find(([sign]) => sign.test(agent))?.[1];
  const name = find([[/Edg/, "Edge"], [/OPR/, "Opera"], [/SamsungBrowser/, "Samsung Internet"], [/Firefox|FxiOS/, "Firefox"],
    [/Chrome|CriOS/, "Chrome"], [/Safari/, "Safari"]]) ?? "Browser";
  const system = find([[/Android/, "Android"], [/iPhone|iPad/, "iOS"], [/Windows/, "Windows"], [/Mac OS X/, "macOS"],
    [/CrOS/, "ChromeOS"], [/Linux/, "Linux"]]);
  return system ? `${name}, ${system}` : name;
}
