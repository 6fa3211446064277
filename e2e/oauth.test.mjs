// oauth4webapi, which shares no code with the provider and is strict about its
// responses, signs a user in at examples/oauth.
import assert from 'node:assert/strict'
import {existsSync, readFileSync, rmSync} from 'node:fs'
import {after, before, test} from 'node:test'
import * as oauth from 'oauth4webapi'
import {out, startProvider} from './backend.mjs'

const client = {client_id: 'stripe-app'}
const clientAuth = oauth.None()
const options = {[oauth.allowInsecureRequests]: true} // http, on loopback
const redirectURI = 'https://dashboard.stripe.com/test/apps-oauth/com.example.app'

let provider, server
before(async () => {
  provider = await startProvider()
  server = await discover(provider)
})
after(() => provider?.stop())

async function discover({url}) {
  const issuer = new URL(url)
  const response = await oauth.discoveryRequest(issuer, {algorithm: 'oauth2', ...options})
  return oauth.processDiscoveryResponse(issuer, response)
}

// authorize is the client and the user of an authorization request. It returns
// where the user is sent back to, and what the client has kept.
async function authorize(server, {decision = 'allow', user = 'grace', state = oauth.generateRandomState()} = {}) {
  const verifier = oauth.generateRandomCodeVerifier()
  const url = new URL(server.authorization_endpoint)
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectURI,
    scope: 'profile',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const page = await fetch(url, {redirect: 'manual'})
  assert.equal(page.status, 200)
  assert.match(await page.text(), new RegExp(`value="${user}"[^]*value="${decision}"`))

  const response = await fetch(url, {
    method: 'POST',
    headers: {'Origin': url.origin, 'Sec-Fetch-Site': 'same-origin', 'Sec-Fetch-Mode': 'navigate'},
    body: new URLSearchParams({user, decision}),
    redirect: 'manual',
  })
  assert.equal(response.status, 303)
  return {callback: new URL(response.headers.get('Location')), state, verifier}
}

async function exchange(server, {callback, state, verifier}) {
  const params = oauth.validateAuthResponse(server, client, callback, state)
  const response = await oauth.authorizationCodeGrantRequest(server, client, clientAuth, params, redirectURI, verifier, options)
  return oauth.processAuthorizationCodeResponse(server, client, response)
}

const signIn = async (request) => exchange(server, await authorize(server, request))

async function refresh({refresh_token}) {
  const response = await oauth.refreshTokenGrantRequest(server, client, clientAuth, refresh_token, options)
  return oauth.processRefreshTokenResponse(server, client, response)
}

async function revoke(token) {
  await oauth.processRevocationResponse(await oauth.revocationRequest(server, client, clientAuth, token, options))
}

async function me({access_token}) {
  const response = await oauth.protectedResourceRequest(access_token, 'GET', new URL('/api/me', server.issuer), undefined, undefined, options)
  return response.json()
}

// assertDead checks that neither token is good for anything.
async function assertDead(tokens) {
  await assert.rejects(me(tokens), (error) => {
    assert.ok(error instanceof oauth.WWWAuthenticateChallengeError, error)
    assert.equal(error.status, 401)
    assert.deepEqual(error.cause.map(({scheme, parameters}) => [scheme, parameters.error]), [['bearer', 'invalid_token']])
    return true
  })
  await assert.rejects(refresh(tokens), refusedAs('invalid_grant'))
}

const refusedAs = (code) => (error) => {
  assert.ok(error instanceof oauth.ResponseBodyError, error)
  assert.equal(error.error, code)
  assert.ok(error.error_description)
  assert.equal(error.status, 400)
  assert.equal(error.response.headers.get('Cache-Control'), 'no-store')
  return true
}

function assertTokens(tokens) {
  const {access_token, refresh_token, ...rest} = tokens
  assert.match(access_token, /^[\w-]{43,}$/)
  assert.match(refresh_token, /^[\w-]{43,}$/)
  assert.notEqual(access_token, refresh_token)
  assert.deepEqual(rest, {token_type: 'bearer', expires_in: 3600, scope: 'profile'}) // the type as oauth4webapi writes it
}

test('the metadata names the endpoints, and what the provider supports', () => {
  assert.deepEqual(server, {
    issuer: provider.url,
    authorization_endpoint: `${provider.url}/oauth/authorize`,
    token_endpoint: `${provider.url}/oauth/token`,
    revocation_endpoint: `${provider.url}/oauth/revoke`,
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_methods_supported: ['none'],
    revocation_endpoint_auth_methods_supported: ['none'],
    code_challenge_methods_supported: ['S256'],
    scopes_supported: ['profile'],
  })
})

test('a user signs in, and the tokens live until they are revoked', async () => {
  const first = await signIn()
  assertTokens(first)
  const {name, sub} = await me(first)
  assert.deepEqual({name, sub}, {name: 'Grace Hopper', sub: 'grace'})

  const second = await refresh(first)
  assertTokens(second)
  assert.notEqual(second.access_token, first.access_token)
  assert.notEqual(second.refresh_token, first.refresh_token)
  assert.equal((await me(second)).name, 'Grace Hopper')

  await revoke(second.refresh_token)
  await assertDead(second)
  await assertDead(first)
})

test('an access token that is revoked takes the refresh token with it', async () => {
  const tokens = await signIn({user: 'ada'})
  assert.equal((await me(tokens)).name, 'Ada Lovelace')
  await revoke(tokens.access_token)
  await assertDead(tokens)
})

test('revoking a token twice, or one that never was, is no error', async () => {
  const {refresh_token} = await signIn()
  await revoke(refresh_token)
  await revoke(refresh_token)
  await revoke('never-was')
})

test('one user who is signed out leaves the other signed in', async () => {
  const [ada, grace] = [await signIn({user: 'ada'}), await signIn()]
  await revoke(ada.refresh_token)
  assert.equal((await me(await refresh(grace))).name, 'Grace Hopper')
})

test('a wrong verifier is invalid_grant, and uses the code up', async () => {
  const flow = await authorize(server)
  await assert.rejects(exchange(server, {...flow, verifier: oauth.generateRandomCodeVerifier()}), refusedAs('invalid_grant'))
  await assert.rejects(exchange(server, flow), refusedAs('invalid_grant'))
})

test('a code that is used twice is invalid_grant, and what it gave is revoked', async () => {
  const flow = await authorize(server)
  const tokens = await exchange(server, flow)
  const refreshed = await refresh(tokens)
  await assert.rejects(exchange(server, flow), refusedAs('invalid_grant'))
  await assertDead(refreshed)
})

test('a refresh token that is used twice is invalid_grant, and the newer one is revoked', async () => {
  const old = await signIn()
  const tokens = await refresh(old)
  await assert.rejects(refresh(old), refusedAs('invalid_grant'))
  await assertDead(tokens)
})

test('of 20 exchanges of one code at once, one wins, and what it gave does not live', async () => {
  const flow = await authorize(server)
  const results = await Promise.allSettled(Array.from({length: 20}, () => exchange(server, flow)))
  const won = results.filter(({status}) => status === 'fulfilled')
  assert.equal(won.length, 1)
  for (const {reason} of results.filter(({status}) => status === 'rejected')) refusedAs('invalid_grant')(reason)
  await assertDead(won[0].value)
})

test('another client is invalid_client', async () => {
  const {callback, state, verifier} = await authorize(server)
  const params = oauth.validateAuthResponse(server, client, callback, state)
  const other = {client_id: 'another-app'}
  const response = await oauth.authorizationCodeGrantRequest(server, other, clientAuth, params, redirectURI, verifier, options)
  await assert.rejects(oauth.processAuthorizationCodeResponse(server, other, response), refusedAs('invalid_client'))
})

test('a user who denies is access_denied, with the state', async () => {
  const {callback, state} = await authorize(server, {decision: 'deny'})
  assert.throws(() => oauth.validateAuthResponse(server, client, callback, state), (error) => {
    assert.ok(error instanceof oauth.AuthorizationResponseError, error)
    assert.equal(error.error, 'access_denied')
    assert.equal(callback.searchParams.get('code'), null)
    return true
  })
})

test('the state comes back byte for byte, and the redirect URI is as it was registered', async () => {
  const state = ' a+b c%20d&e=f#g/?;,"<é>\u2028😀\0' + 'x'.repeat(900) + '\r\n '
  const {callback} = await authorize(server, {state})
  oauth.validateAuthResponse(server, client, callback, state)
  assert.equal(callback.origin + callback.pathname, redirectURI)
  assert.equal(callback.hash, '')
})

test('with -db, codes and tokens outlive a restart, and are not in the file', async () => {
  const file = out('oauth-test.db')
  const files = [file, `${file}-wal`, `${file}-shm`]
  files.forEach((name) => rmSync(name, {force: true}))
  const start = async () => {
    const started = await startProvider('-db', file)
    return {...started, server: await discover(started)}
  }
  let current = await start()
  try {
    const flow = await authorize(current.server)
    await current.stop()
    current = await start()
    const tokens = await exchange(current.server, flow)
    await current.stop()
    current = await start()
    const response = await oauth.refreshTokenGrantRequest(current.server, client, clientAuth, tokens.refresh_token, options)
    const refreshed = await oauth.processRefreshTokenResponse(current.server, client, response)
    assertInNoFile(files, [flow.callback.searchParams.get('code'), tokens.refresh_token, tokens.access_token, refreshed.access_token])
  } finally {
    await current.stop()
  }
})

function assertInNoFile(files, secrets) {
  const stored = files.filter(existsSync).map((name) => readFileSync(name, 'latin1')).join('')
  assert.ok(stored.includes('grace')) // it is the right file
  for (const secret of secrets) assert.ok(!stored.includes(secret))
}

test('no code, token, state or verifier is in the log', async () => {
  const flow = await authorize(server)
  const tokens = await exchange(server, flow)
  await me(tokens)
  const refreshed = await refresh(tokens)
  await assert.rejects(exchange(server, flow), refusedAs('invalid_grant'))
  await revoke(refreshed.refresh_token)
  const log = provider.log()
  assert.match(log, /oauth\/token/)
  for (const secret of [flow.callback.searchParams.get('code'), flow.state, flow.verifier, ...secretsOf(tokens), ...secretsOf(refreshed)]) {
    assert.ok(!log.includes(secret))
  }
})

const secretsOf = ({access_token, refresh_token}) => [access_token, refresh_token]
