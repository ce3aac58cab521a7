// npm `@modelcontextprotocol/sdk`, which assistants reach their tools with.

import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { randomUUID } from 'node:crypto'
import { CLIENT_ID, ISSUER, SERVICE, assert, did, loopback, main } from './part.mjs'

/** What the SDK asks of whoever uses it: who the client is, where the browser is, and a place for what it gets. */
class Provider {
  constructor(redirectUrl) {
    this.redirectUrl = redirectUrl
    this.expectedState = randomUUID()
  }

  get clientMetadata() {
    return { client_name: 'Their assistant', redirect_uris: [this.redirectUrl], token_endpoint_auth_method: 'none' }
  }

  clientInformation = () => ({ client_id: CLIENT_ID })
  state = () => this.expectedState
  tokens = () => this.kept
  saveTokens = (tokens) => void (this.kept = tokens)
  codeVerifier = () => this.verifier
  saveCodeVerifier = (verifier) => void (this.verifier = verifier)
  discoveryState = () => this.discovered
  saveDiscoveryState = (discovered) => void (this.discovered = discovered)
  invalidateCredentials = (what) => void (what === 'all' || what === 'tokens' ? (this.kept = undefined) : undefined)
  redirectToAuthorization = (url) => void (this.asked = url)
}

const connect = (provider) => {
  const client = new Client({ name: 'their-assistant', version: '1' })
  const transport = new StreamableHTTPClientTransport(new URL(SERVICE), { authProvider: provider })
  return { client, transport }
}

async function isUnauthorized(asking) {
  const error = await asking.then(
    () => undefined,
    (error) => error,
  )
  return error instanceof UnauthorizedError
}

await main({
  async code() {
    const { redirectUri, opened } = await loopback()
    const provider = new Provider(redirectUri)
    const first = connect(provider)
    assert(await isUnauthorized(first.client.connect(first.transport)), 'the server asks for no token')
    const metadata = provider.discovered.authorizationServerMetadata
    assert(metadata.issuer === ISSUER, `another issuer: ${metadata.issuer}`)
    did('challenge')

    const callback = (await opened(provider.asked)).searchParams
    assert(callback.get('state') === provider.expectedState, 'another state')
    assert(callback.get('iss') === ISSUER, 'another issuer')
    if (callback.has('error')) throw Object.assign(new Error('denied'), { code: callback.get('error') })
    await first.transport.finishAuth(callback.get('code'))
    did('code')

    const { client, transport } = connect(provider)
    await client.connect(transport)
    const { tools } = await client.listTools()
    assert(tools.some((tool) => tool.name === 'latest_note'), JSON.stringify(tools))
    did('tools')
    const call = async (name) => (await client.callTool({ name })).content[0].text
    assert((await call('latest_note')) === 'ada: buy milk', 'another note')
    did('call')

    // The user has unticked it: the client tries with another token, and then says so.
    const refused = await call('forget_notes').catch((error) => error)
    assert(refused instanceof Error, `a tool beyond the scope: ${refused}`)
    did('scope')

    const old = provider.kept
    provider.kept = { ...old, access_token: `${old.access_token.slice(0, -1)}_` }
    assert((await call('latest_note')) === 'ada: buy milk', 'another note')
    assert(provider.kept.refresh_token !== old.refresh_token, 'no rotation')
    did('refresh')

    await fetch(metadata.revocation_endpoint, {
      method: 'POST',
      body: new URLSearchParams({ client_id: CLIENT_ID, token: provider.kept.refresh_token }),
    })
    provider.asked = undefined
    assert(await isUnauthorized(call('latest_note')), 'the server accepts a revoked token')
    assert(provider.asked, 'the user is not asked again')
    did('revocation')
  },
})
