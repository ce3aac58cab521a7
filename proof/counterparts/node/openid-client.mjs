// npm `openid-client`, which most Node.js applications sign people in with.

import * as client from 'openid-client'
import { CLIENT_AUTH, CLIENT_ID, CLIENT_SECRET, ISSUER, SCOPE, assert, did, loopback, main, status } from './part.mjs'

const authentication = {
  none: () => client.None(),
  basic: () => client.ClientSecretBasic(CLIENT_SECRET),
  post: () => client.ClientSecretPost(CLIENT_SECRET),
}[CLIENT_AUTH]

async function discover() {
  const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, authentication(), {
    algorithm: 'oauth2',
    execute: [client.allowInsecureRequests],
  })
  did('discovery')
  return config
}

/** Refreshes, and takes everything back. */
async function live(config, tokens) {
  assert((await status(tokens.access_token)) === 200, 'the service refuses the token')
  did('call')
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token)
  assert(refreshed.access_token !== tokens.access_token, 'the same token again')
  if (CLIENT_AUTH === 'none') {
    assert(refreshed.refresh_token && refreshed.refresh_token !== tokens.refresh_token, 'no rotation')
  }
  assert((await status(refreshed.access_token)) === 200, 'the service refuses the refreshed token')
  did('refresh')
  const refreshToken = refreshed.refresh_token ?? tokens.refresh_token
  if (CLIENT_AUTH !== 'none') {
    const known = await client.tokenIntrospection(config, refreshed.access_token)
    assert(known.active && known.client_id === CLIENT_ID && known.scope === SCOPE, JSON.stringify(known))
    did('introspection')
  }
  await client.tokenRevocation(config, refreshToken)
  assert((await status(refreshed.access_token)) === 401, 'the service accepts a revoked token')
  const refused = await client.refreshTokenGrant(config, refreshToken).then(
    () => 'nothing',
    (error) => error.error,
  )
  assert(refused === 'invalid_grant', `refused by ${refused}`)
  did('revocation')
}

await main({
  async code() {
    const config = await discover()
    const { redirectUri, opened } = await loopback()
    const pkceCodeVerifier = client.randomPKCECodeVerifier()
    const expectedState = client.randomState()
    const url = client.buildAuthorizationUrl(config, {
      redirect_uri: redirectUri,
      scope: SCOPE,
      state: expectedState,
      code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
      code_challenge_method: 'S256',
    })
    const current = await opened(url)
    // Compares `iss` as well, as the metadata says that it is there (RFC 9207).
    const tokens = await client.authorizationCodeGrant(config, current, { pkceCodeVerifier, expectedState })
    did('code')
    await live(config, tokens)
  },

  async client_credentials() {
    const config = await discover()
    const tokens = await client.clientCredentialsGrant(config, { scope: SCOPE })
    assert(!tokens.refresh_token, 'a refresh token (RFC 6749 §4.4.3)')
    assert((await status(tokens.access_token)) === 200, 'the service refuses the token')
    did('call')
    await client.tokenRevocation(config, tokens.access_token)
    assert((await status(tokens.access_token)) === 401, 'the service accepts a revoked token')
    did('revocation')
  },

  async device() {
    const config = await discover()
    const device = await client.initiateDeviceAuthorization(config, { scope: SCOPE })
    console.log(`enter ${device.user_code} at ${device.verification_uri}`)
    const tokens = await client.pollDeviceAuthorizationGrant(config, device)
    did('device')
    await live(config, tokens)
  },
})
