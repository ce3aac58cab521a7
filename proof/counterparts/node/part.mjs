// What both programs have in common: how they are told who they are, and what they say of themselves (../README.md).

import { createServer } from 'node:http'
import { once } from 'node:events'

export const { ISSUER, CLIENT_ID, CLIENT_SECRET, CLIENT_AUTH, SCOPE, SERVICE } = process.env

export const did = (what) => console.log(`did ${what}`)

export function assert(holds, what) {
  if (!holds) throw new Error(what)
}

/** Listens on the loopback interface, at a port that is free (RFC 8252 §7.3). */
export async function loopback() {
  let arrived
  const callback = new Promise((resolve) => (arrived = resolve))
  const server = createServer((request, response) => {
    response.end('You can close this window.\n')
    arrived(new URL(request.url, redirectUri))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const redirectUri = `http://127.0.0.1:${server.address().port}/callback`
  return {
    redirectUri,
    /** The URL that the user's browser was sent back to. */
    async opened(url) {
      console.log(`open ${url}`)
      const current = await callback
      server.close()
      return current
    },
  }
}

/** What the service answers to a request with the token. */
export async function status(accessToken) {
  const response = await fetch(SERVICE, { headers: { authorization: `Bearer ${accessToken}` } })
  return response.status
}

/** Runs the flow that the command line names; an error by its code, as RFC 6749 or the library has it. */
export async function main(flows) {
  // Whoever asks for the version asks whether all that it takes is there.
  if (process.argv[2] === '--version') return
  try {
    await flows[process.argv[2]]()
  } catch (error) {
    console.log(`refused ${error.error ?? error.code ?? error.name}`)
    console.error(error)
    process.exitCode = 1
  }
}
