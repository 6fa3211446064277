// The extension calls handlers that fail, and chains that are mounted in ways
// that the documentation warns of.
import assert from 'node:assert/strict'
import {after, before, test} from 'node:test'
import {secret, startServer} from './backend.mjs'
import {eventually, launch, openExtension} from './browser.mjs'
import {makeCertificate} from './certificate.mjs'
import {startDashboard} from './dashboard.mjs'

let server, dashboard, browser, extension
before(async () => {
  const certificate = makeCertificate('chain')
  ;[server, dashboard, browser] = await Promise.all([
    startServer(certificate),
    startDashboard(secret),
    launch(`--ignore-certificate-errors-spki-list=${certificate.hash}`),
  ])
  extension = await openExtension(browser, dashboard)
})
after(async () => {
  await browser?.close()
  await server?.stop()
  dashboard?.stop()
})

const call = (path, request) => extension.call({url: server.url + path, ...request})

// assertUnreadable checks that the script learns nothing, and that Chromium says
// why in its console.
async function assertUnreadable(response, path, reason) {
  assert.deepEqual(response, {error: 'TypeError: Failed to fetch'})
  await eventually(`a message on ${path}: ${reason}`, () =>
    extension.messages.some((message) => message.includes(`'${server.url}${path}'`) && message.includes(reason)),
  )
}
const statuses = async (path, count) =>
  (await extension.wire(server.url + path, count)).map(({method, status}) => `${method} ${status}`).sort()

test('the handler sees the origin null, no cookie, and the identity', async () => {
  const response = await call('/api/seen', {payload: {a: 1}})
  assert.equal(response.status, 200)
  assert.deepEqual(response.body, {method: 'POST', path: '/api/seen', origin: 'null', site: 'cross-site', cookie: '', user_id: 'usr_e2e'})
})

test('a slow handler is readable', async () => {
  const start = Date.now()
  const response = await call('/api/slow')
  assert.equal(response.status, 200)
  assert.equal(response.body.path, '/api/slow')
  assert.ok(Date.now() - start >= 1_000)
})

test("the mux's 404 is readable", async () => {
  assert.deepEqual(await call('/api/nothing'), {status: 404, type: 'cors', redirected: false, body: '404 page not found\n'})
})

test("the mux's 405 is readable", async () => {
  assert.equal((await call('/api/seen', {method: 'PUT'})).status, 405)
})

test('a body that is too large is refused with 413, and the reason is readable', async () => {
  const response = await call('/api/seen', {text: 'x'.repeat(3 << 20)})
  assert.equal(response.status, 413)
  assert.equal(response.body.code, 'body_too_large')
})

test('a panicking handler is a readable 500, with a problem document', async () => {
  const response = await call('/api/panic')
  assert.equal(response.status, 500)
  assert.equal(response.body.code, 'internal')
})

test('a redirect of ServeMux to the trailing slash, with the chain behind it, fails the preflight', async () => {
  await assertUnreadable(await call('/folder'), '/folder', 'Redirect is not allowed for a preflight request')
  assert.match((await statuses('/folder', 1)).join(), /^OPTIONS 30[17]$/)
  assert.equal((await call('/folder/')).status, 200)
})

test('a redirect from http to https in front of the chain fails the preflight', async () => {
  await assertUnreadable(await call('/to-https/'), '/to-https/', 'Redirect is not allowed for a preflight request')
  assert.deepEqual(await statuses('/to-https/', 1), ['OPTIONS 308'])
  assert.equal((await extension.call({url: `${server.secureURL}/api/seen`})).status, 200)
})

test('a redirect inside the chain passes the preflight, but a 301 loses the method and the signed body', async () => {
  const response = await call('/api/moved')
  assert.equal(response.redirected, true)
  assert.equal(response.status, 401)
  assert.equal(response.body.code, 'no_match')
})

test('a chain on a pattern with a method never sees the preflight', async () => {
  await assertUnreadable(await call('/only-post'), '/only-post', "doesn't pass access control check")
  assert.deepEqual(await statuses('/only-post', 1), ['OPTIONS 405'])
})

test('CrossOriginProtection in front of the chain refuses the extension, unreadably', async () => {
  await assertUnreadable(await call('/cross-origin-protection'), '/cross-origin-protection', "No 'Access-Control-Allow-Origin' header")
  assert.deepEqual(await statuses('/cross-origin-protection', 2), ['OPTIONS 204', 'POST 403'])
})

test('without CORS the script learns nothing: these tests can fail', async () => {
  await assertUnreadable(await call('/no-cors'), '/no-cors', "No 'Access-Control-Allow-Origin' header")
  await assertUnreadable(await call('/no-cors', {unsigned: true}), '/no-cors', "No 'Access-Control-Allow-Origin' header")
})
