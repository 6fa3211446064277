// A person signs in at examples/oauth: from the extension's link, over the
// consent page, back to the Dashboard, where the extension exchanges the code.
import assert from 'node:assert/strict'
import {after, afterEach, before, test} from 'node:test'
import {startProvider} from './backend.mjs'
import {backAt, decide, oauth, openConsent, openDashboard, startSignIn} from './signin.mjs'

let all, dashboard, provider, browser, app
before(async () => {
  all = await startSignIn('signin')
  ;({dashboard, provider, browser, app} = all)
})
after(() => all?.stop())
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))

// signIn returns the extension in the tab that the person ends in.
async function signIn(choice) {
  const first = await openDashboard(all)
  const {tab, link} = await openConsent(first, app, choice?.custom)
  await decide(tab, choice)
  return {...(await backAt(dashboard, tab)), link, complaints: first.complaints}
}

const form = ({code, verifier}) => ({
  grant_type: 'authorization_code',
  code,
  code_verifier: verifier,
  client_id: app.clientID,
  redirect_uri: app.redirectURI,
})

const exchangeInBody = (extension) => oauth(extension, 'post', `${provider.url}/oauth/token`, form(extension.context))
const exchangeInQuery = (extension) => oauth(extension, 'exchangeInQuery', app, extension.context)
const refresh = (extension, {refresh_token}) =>
  oauth(extension, 'post', `${provider.url}/oauth/token`, {grant_type: 'refresh_token', client_id: app.clientID, refresh_token})
const meURL = () => `${provider.url}/api/me`
const me = (extension, {access_token}) => oauth(extension, 'get', meURL(), {Authorization: `Bearer ${access_token}`})

function assertTokens(response) {
  assert.equal(response.status, 200, JSON.stringify(response))
  assert.equal(response.type, 'cors')
  const {access_token, refresh_token, ...rest} = response.body
  assert.ok(access_token && refresh_token)
  assert.deepEqual(rest, {token_type: 'Bearer', expires_in: 3600, scope: 'profile'})
}

function assertRefused(response, status, error) {
  assert.equal(response.status, status, JSON.stringify(response))
  assert.equal(response.body.error, error)
  assert.ok(response.body.error_description)
}

const summary = (exchanges) => exchanges.map(({method, status}) => `${method} ${status}`).sort()

// assertWire checks what was sent for a sign-in, as it was on the wire.
async function assertWire(extension, tokenURL) {
  const calls = await extension.wire(meURL(), 2)
  assert.deepEqual(summary(calls), ['GET 200', 'OPTIONS 204'])
  const preflight = calls.find(({method}) => method === 'OPTIONS')
  assert.equal(preflight.sent['access-control-request-headers'], 'authorization')
  // By now a preflight for the token would have been seen: it came earlier.
  const exchanges = await extension.wire(tokenURL, 1)
  assert.deepEqual(summary(exchanges), ['POST 200'])
  for (const {sent, got} of [...calls, ...exchanges]) {
    assert.equal(sent.origin, 'null')
    assert.equal(sent.cookie, undefined)
    assert.equal(got['access-control-allow-origin'], '*')
    assert.equal(got['access-control-allow-credentials'], undefined)
  }
  assert.equal(exchanges[0].got['cache-control'], 'no-store')
  return exchanges[0]
}

test('a person signs in, and the extension exchanges the code as the documentation does: in the URL, with an empty body', async () => {
  const extension = await signIn()
  assert.equal(await extension.frame.evaluate(() => self.origin), 'null')
  const {code, state, verifier, error} = extension.context
  assert.ok(code && verifier && !error)
  assert.equal(state, extension.link.state)

  const {url, ...response} = await exchangeInQuery(extension)
  assertTokens(response)
  assert.equal((await me(extension, response.body)).body.name, 'Grace Hopper')
  const exchange = await assertWire(extension, url)
  assert.equal(exchange.sent['content-length'], '0')
  assert.deepEqual(extension.complaints, [])
})

test('a person signs in, and the extension exchanges the code in a form, and refreshes', async () => {
  const extension = await signIn({user: 'Ada Lovelace', custom: '{"settings":"é & ?"}'})
  const response = await exchangeInBody(extension)
  assertTokens(response)
  const {status, body} = await me(extension, response.body)
  assert.equal(status, 200)
  assert.deepEqual([body.sub, body.name], ['ada', 'Ada Lovelace'])
  const exchange = await assertWire(extension, `${provider.url}/oauth/token`)
  assert.equal(exchange.sent['content-type'], 'application/x-www-form-urlencoded;charset=UTF-8')

  const refreshed = await refresh(extension, response.body)
  assertTokens(refreshed)
  assert.equal((await me(extension, refreshed.body)).body.name, 'Ada Lovelace')
  assert.deepEqual(extension.complaints, [])
})

test('a code used twice is a readable invalid_grant, and what it gave is revoked', async () => {
  const extension = await signIn()
  const first = await exchangeInQuery(extension)
  assertTokens(first)
  assert.equal((await me(extension, first.body)).status, 200)
  assertRefused(await exchangeInQuery(extension), 400, 'invalid_grant')
  assertRefused(await me(extension, first.body), 401, 'invalid_token')
  assertRefused(await refresh(extension, first.body), 400, 'invalid_grant')
})

test('a wrong verifier is a readable invalid_grant, and the code is lost', async () => {
  const extension = await signIn()
  const {context} = extension
  const wrong = {...context, verifier: context.verifier.split('').reverse().join('')}
  assertRefused(await exchangeInBody({...extension, context: wrong}), 400, 'invalid_grant')
  assertRefused(await exchangeInBody(extension), 400, 'invalid_grant')
})

test('a wrong Bearer token, and none, are a readable 401', async () => {
  const extension = await openDashboard(all)
  assertRefused(await me(extension, {access_token: 'wrong'}), 401, 'invalid_token')
  const none = await oauth(extension, 'get', meURL())
  assertRefused(none, 401, 'invalid_token')
})

test('what the extension gets wrong, it is told: parameters in both places, a body of another type, a method, a client', async () => {
  const extension = await signIn()
  const url = `${provider.url}/oauth/token`
  const params = form(extension.context)
  assertRefused(await oauth(extension, 'post', `${url}?client_id=stripe-app`, params), 400, 'invalid_request')
  assertRefused(await oauth(extension, 'post', url, {...params, client_id: 'another-app'}), 400, 'invalid_client')
  assertRefused(await oauth(extension, 'post', url, {...params, grant_type: 'password'}), 400, 'unsupported_grant_type')
  assertRefused(await oauth(extension, 'post', url, {...params, padding: 'x'.repeat(20_000)}), 413, 'invalid_request')
  const json = await oauth(extension, 'postJSON', url, params)
  assertRefused(json, 400, 'invalid_request')
  assert.match(json.body.error_description, /Content-Type/)
  assert.equal((await oauth(extension, 'get', url)).status, 405)
  assertTokens(await exchangeInBody(extension)) // none of that used the code up
})

test('who asks too often is told so, readably', async () => {
  const {url, stop} = await startProvider()
  try {
    const extension = await openDashboard(all)
    const responses = await extension.frame.evaluate(
      (url) => Promise.all(Array.from({length: 310}, () => globalThis.oauth.post(url, {client_id: 'stripe-app'}))),
      `${url}/oauth/token`,
    )
    const late = responses.filter(({status}) => status === 429)
    assert.ok(late.length > 0 && late.length < 20, `${late.length} of ${responses.length}`)
    for (const response of late) assertRefused(response, 429, 'temporarily_unavailable')
  } finally {
    await stop()
  }
})

test('a person who denies is access_denied in the oauthContext, and can sign in after that', async () => {
  const denied = await signIn({decision: 'Deny'})
  assert.deepEqual({...denied.context, verifier: undefined}, {code: undefined, error: 'access_denied', state: denied.link.state, verifier: undefined})

  const {tab} = await openConsent(denied, app)
  await decide(tab)
  const extension = await backAt(dashboard, tab)
  assertTokens(await exchangeInBody(extension))
  assert.deepEqual(denied.complaints, [])
})
