// The extension calls the quickstart.
import assert from 'node:assert/strict'
import {after, before, test} from 'node:test'
import {secret, startQuickstart} from './backend.mjs'
import {launch, openExtension} from './browser.mjs'
import {startDashboard} from './dashboard.mjs'

const ids = {user_id: 'usr_e2e', account_id: 'acct_e2e'}
let quickstart, dashboard, browser, extension
before(async () => {
  ;[quickstart, dashboard, browser] = await Promise.all([startQuickstart(), startDashboard(secret), launch()])
  extension = await openExtension(browser, dashboard)
})
after(async () => {
  await browser?.close()
  await quickstart?.stop()
  dashboard?.stop()
})

const echo = (test) => `${quickstart.url}/api/echo?${test}`
const whoami = (test) => `${quickstart.url}/api/whoami?${test}`

function assertAccepted(response, payload) {
  assert.equal(response.status, 200, JSON.stringify(response))
  assert.equal(response.type, 'cors')
  const {signed_at, ...told} = response.body
  assert.deepEqual(told, {...ids, payload: {...payload, ...ids}})
  const age = Date.now() - Date.parse(signed_at)
  assert.ok(age >= -5_000 && age < 60_000, `signed ${age} ms ago`)
}

function assertRefused(response, status, code) {
  assert.equal(response.status, status, JSON.stringify(response))
  assert.equal(response.body.status, status)
  assert.equal(response.body.code, code)
  assert.ok(response.body.detail)
}

test('the origin is null: to the extension itself, in the preflight and in the request; both responses have the headers', async () => {
  assert.equal(await extension.frame.evaluate(() => self.origin), 'null')
  assertAccepted(await extension.call({url: echo('origin')}), {})
  const exchanges = await extension.wire(echo('origin'), 2)
  assert.deepEqual(exchanges.map(({method, status}) => `${method} ${status}`).sort(), ['OPTIONS 204', 'POST 200'])
  for (const {sent, got} of exchanges) {
    assert.equal(sent.origin, 'null')
    assert.equal(sent.cookie, undefined)
    assert.equal(got['access-control-allow-origin'], '*')
    assert.equal(got['content-security-policy'], "default-src 'none'; frame-ancestors 'none'")
  }
})

test('a request that proves the identity only is accepted', async () => {
  assertAccepted(await extension.call({url: echo('identity')}), {})
})

test('a request with a payload is accepted, and every kind of value comes back as it was signed', async () => {
  const payload = {action: 'refund', livemode: false, amount: 12.5, note: 'é "<&>" \u2028 😀', none: null, list: [1, {a: []}]}
  assertAccepted(await extension.call({url: echo('payload'), payload}), payload)
})

test('a GET with the ids in headers is accepted, after a preflight that asks for them', async () => {
  assertAccepted(await extension.call({url: whoami('get'), method: 'GET', idsInHeaders: true}), {})
  const preflight = (await extension.wire(whoami('get'), 2)).find(({method}) => method === 'OPTIONS')
  assert.equal(preflight.sent['access-control-request-headers'], 'stripe-account-id,stripe-signature,stripe-user-id')
})

test('50 requests at once are all accepted, each with its own payload', async () => {
  const responses = await Promise.all(Array.from({length: 50}, (_, n) => extension.call({url: echo('50'), payload: {n}})))
  responses.forEach((response, n) => assertAccepted(response, {n}))
})

for (const method of ['PATCH', 'DELETE']) {
  test(`the preflight of ${method} passes, and the response (404 here) is readable`, async () => {
    assertRefused(await extension.call({url: echo(method), method}), 404, 'not_found')
    const exchanges = await extension.wire(echo(method), 2)
    assert.deepEqual(exchanges.map(({method, status}) => `${method} ${status}`).sort(), [`${method} 404`, 'OPTIONS 204'].sort())
  })
}

test('a tampered body is refused, and the reason is readable', async () => {
  const response = await extension.call({url: echo('tampered'), payload: {amount: 1}, instead: {amount: 100}})
  assertRefused(response, 401, 'no_match')
})

test('a body of which only the ids are signed is refused, and the reason is readable', async () => {
  assertRefused(await extension.call({url: echo('only-ids'), instead: {amount: 100}}), 400, 'only_ids_signed')
})

test('an unsigned request is refused, and the reason is readable', async () => {
  assertRefused(await extension.call({url: echo('unsigned'), unsigned: true}), 401, 'not_signed')
  assertRefused(await extension.call({url: whoami('unsigned'), method: 'GET', idsInHeaders: true, unsigned: true}), 401, 'not_signed')
})

test('an expired signature is refused, and the reason is readable', async () => {
  const signedAgo = (seconds) => extension.page.evaluate((seconds) => (globalThis.signedSecondsAgo = seconds), seconds)
  try {
    await signedAgo(10 * 60)
    assertRefused(await extension.call({url: echo('expired')}), 401, 'too_old')
    await signedAgo(-10 * 60)
    assertRefused(await extension.call({url: echo('future')}), 401, 'too_new')
    await signedAgo(4 * 60)
    assert.equal((await extension.call({url: echo('old enough')})).status, 200)
  } finally {
    await signedAgo(0)
  }
})
