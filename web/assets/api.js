// The auth API, asked with a token in a header: nothing is sent by itself, and there is no cookie.

import config from "./config.js";

/** The error contract's problem; of a request that got no answer at all, the kind is `network`. */
export class Problem extends Error {
  /**
   * @param {string} kind
   * @param {{
   *   status?: number, detail?: string, errors?: { pointer: string, detail: string }[],
   *   redirect_to?: string, requestId?: string | null,
   * }} [about]
   */
  constructor(kind, about = {}) {
    super(about.detail ?? kind);
    this.kind = kind;
    this.status = about.status ?? 0;
    this.errors = about.errors ?? [];
    this.redirectTo = about.redirect_to;
    this.requestId = about.requestId;
  }

  /** Whether the same may be answered in a moment. */
  get isPassing() {
    return this.kind === "network" || this.status === 503 || this.status === 429 || this.status === 408;
  }
}

/**
 * @param {"GET" | "POST" | "DELETE"} method
 * @param {string} path
 * @param {{ token?: string | undefined, body?: unknown, json?: string }} [given] `json`: a body that is written already.
 * @returns {Promise<any>} What the answer's body says; undefined where it has none.
 */
export async function call(method, path, { token, body, json } = {}) {
  const sent = json ?? (body === undefined ? undefined : JSON.stringify(body));
  /** @type {Record<string, string>} */
  const headers = {};
  if (sent !== undefined) headers["Content-Type"] = "application/json";
  if (token) headers["Authorization"] = `Bearer ${token}`;
  /** @type {RequestInit} */
  const request = { method, headers, cache: "no-store", credentials: "omit", redirect: "error" };
  if (sent !== undefined) request.body = sent;
  let answer, content;
  try {
    answer = await fetch(new URL(path, config.api), request);
    content = await answer.text();
  } catch {
    throw new Problem("network");
  }
  if (answer.ok) return content ? JSON.parse(content) : undefined;
  throw problemOf(answer, content);
}

/**
 * @param {Response} answer
 * @param {string} content
 */
function problemOf(answer, content) {
  const about = { status: answer.status, requestId: answer.headers.get("X-Request-Id") };
  try {
    const { type, ...rest } = JSON.parse(content);
    return new Problem(String(type).replace(/^urn:jeton:problem:/, ""), { ...rest, ...about });
  } catch {
    // Not the service but something before it.
    return new Problem(answer.status >= 500 ? "unavailable" : "other", about);
  }
}
