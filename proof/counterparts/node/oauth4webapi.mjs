// npm `oauth4webapi`, which follows the specifications to the letter, and refuses answers that do not.

import * as oauth from 'oauth4webapi'
import { setTimeout as pause } from 'node:timers/promises'
import { CLIENT_AUTH, CLIENT_ID, CLIENT_SECRET, ISSUER, SCOPE, assert, did, loopback, main, status } from './part.mjs'

const insecure = { [oauth.allowInsecureRequests]: true }
const client = { client_id: CLIENT_ID }
const authentication = {
  none: () => oauth.None(),
  basic: () => oauth.ClientSecretBasic(CLIENT_SECRET),
  post: () => oauth.ClientSecretPost(CLIENT_SECRET),
}[CLIENT_AUTH]?.()

async function discover() {
  const issuer = new URL(ISSUER)
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  const server = await oauth.processDiscoveryResponse(issuer, response)
  did('discovery')
  return server
}

async function refresh(server, refreshToken) {
  const response = await oauth.refreshTokenGrantRequest(server, client, authentication, refreshToken, insecure)
  return oauth.processRefreshTokenResponse(server, client, response)
}

async function live(server, tokens) {
  assert((await status(tokens.access_token)) === 200, 'the service refuses the token')
  did('call')
  const refreshed = await refresh(server, tokens.refresh_token)
  if (CLIENT_AUTH === 'none') {
    assert(refreshed.refresh_token && refreshed.refresh_token !== tokens.refresh_token, 'no rotation')
  }
  assert((await status(refreshed.access_token)) === 200, 'the service refuses the refreshed token')
  did('refresh')
  if (CLIENT_AUTH !== 'none') {
    const response = await oauth.introspectionRequest(server, client, authentication, refreshed.access_token, insecure)
    const known = await oauth.processIntrospectionResponse(server, client, response)
    assert(known.active && known.client_id === CLIENT_ID, JSON.stringify(known))
    did('introspection')
  }
  const last = refreshed.refresh_token ?? tokens.refresh_token
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(server, client, authentication, last, insecure),
  )
  assert((await status(refreshed.access_token)) === 401, 'the service accepts a revoked token')
  did('revocation')
}

await main({
  async code() {
    const server = await discover()
    const { redirectUri, opened } = await loopback()
    const verifier = oauth.generateRandomCodeVerifier()
    const state = oauth.generateRandomState()
    const url = new URL(server.authorization_endpoint)
    for (const [name, value] of Object.entries({
      client_id: CLIENT_ID,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: SCOPE,
      state,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })) {
      url.searchParams.set(name, value)
    }
    const current = await opened(url)
    // Compares `state` and `iss`.
    const parameters = oauth.validateAuthResponse(server, client, current, state)
    const response = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      authentication,
      parameters,
      redirectUri,
      verifier,
      insecure,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, response)
    did('code')
    await live(server, tokens)
  },

  async client_credentials() {
    const server = await discover()
    const response = await oauth.clientCredentialsGrantRequest(
      server,
      client,
      authentication,
      new URLSearchParams({ scope: SCOPE }),
      insecure,
    )
    const tokens = await oauth.processClientCredentialsResponse(server, client, response)
    assert((await status(tokens.access_token)) === 200, 'the service refuses the token')
    did('call')
  },

  async device() {
    const server = await discover()
    const asked = await oauth.deviceAuthorizationRequest(
      server,
      client,
      authentication,
      new URLSearchParams({ scope: SCOPE }),
      insecure,
    )
    const device = await oauth.processDeviceAuthorizationResponse(server, client, asked)
    console.log(`enter ${device.user_code} at ${device.verification_uri}`)
    for (;;) {
      await pause((device.interval ?? 5) * 1000)
      const response = await oauth.deviceCodeGrantRequest(server, client, authentication, device.device_code, insecure)
      try {
        const tokens = await oauth.processDeviceCodeResponse(server, client, response)
        did('device')
        return await live(server, tokens)
      } catch (error) {
        if (error.error !== 'authorization_pending') throw error
      }
    }
  },
})
