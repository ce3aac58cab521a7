// The authorization endpoint (RFC 6749 §3.1): an app has sent the person here.

import { call } from "./api.js";
import { consent } from "./consent.js";
import { leave, start } from "./start.js";

/**
 * The app's parameters, as they came: one that comes twice is sent twice, for the service to refuse. A device's code is none of
 * them: no link enters it.
 */
function parameters() {
  const given = [...new URLSearchParams(location.search)].filter(([name]) => name !== "user_code");
  return `{${given.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`;
}

await start(async () => {
  const answer = await consent(() => call("POST", "v1/authorizations", { json: parameters() }));
  if (answer.redirectTo) leave(answer.redirectTo);
});
