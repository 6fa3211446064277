// Policies in the browser, on pages of the tests' server.
import assert from 'node:assert/strict'
import {after, afterEach, before, beforeEach, test} from 'node:test'
import {secret, startServer} from './backend.mjs'
import {eventually, launch} from './browser.mjs'
import {makeCertificate} from './certificate.mjs'
import {startConsentTarget, startDashboard} from './dashboard.mjs'

let server, dashboard, target, browser
before(async () => {
  const certificate = makeCertificate('csp')
  ;[server, dashboard, target] = await Promise.all([startServer(certificate), startDashboard(secret), startConsentTarget(certificate)])
  browser = await launch(
    `--ignore-certificate-errors-spki-list=${certificate.hash}`,
    `--host-resolver-rules=MAP dashboard.stripe.com:443 127.0.0.1:${target.port}`,
    '--short-reporting-delay', // or else up to a minute
  )
})
after(async () => {
  await browser?.close()
  await server?.stop()
  dashboard?.stop()
  target?.stop()
})

let page, messages
beforeEach(async () => {
  page = await browser.newPage()
  page.setDefaultTimeout(10_000)
  messages = []
  page.on('console', (message) => messages.push(message.text()))
})
afterEach(() => page.close())

const said = (...words) =>
  eventually(`a message with ${words}`, () => messages.find((message) => words.every((word) => message.includes(word))))

test('under PagePolicy scripts with the nonce run, and what they add, but no others', async () => {
  await page.goto(`${server.url}/page`)
  await page.click('#clicked')
  await page.waitForFunction(() => ran.length >= 2)
  assert.deepEqual(await page.evaluate(() => ran), ['nonce', 'added by one with a nonce'])
  await said('inline script', 'has been blocked')
  await said('inline event handler', 'has been blocked')
})

test('without a policy all of them run: the test before can fail', async () => {
  await page.goto(`${server.url}/no-policy`)
  await page.click('#clicked')
  await page.waitForFunction(() => ran.length >= 4)
  assert.deepEqual((await page.evaluate(() => ran)).sort(), ['added by one with a nonce', 'attribute', 'no nonce', 'nonce'])
})

test('under APIPolicy no script runs', async () => {
  await page.goto(`${server.url}/api-policy`)
  assert.equal(await page.evaluate(() => typeof ran), 'undefined')
  await said('inline script', "default-src 'none'", 'has been blocked')
})

for (const [policy, path] of [['PagePolicy', '/page'], ['APIPolicy', '/api-policy'], ['ConsentPolicy', '/consent']]) {
  test(`under ${policy} an response cannot be framed`, async () => {
    await page.goto(`${dashboard.url}/?frame=${encodeURIComponent(server.url + path)}`)
    await said('Framing', server.url, "frame-ancestors 'none'")
    await eventually('an error page in the frame', () => page.frames()[1].url() === 'chrome-error://chromewebdata/')
  })
}

test('without a policy it can be framed: the tests before can fail', async () => {
  await page.goto(`${dashboard.url}/?frame=${encodeURIComponent(`${server.url}/no-policy`)}`)
  await page.frames()[1].waitForFunction(() => document.title === 'scripts')
})

const callback = 'https://dashboard.stripe.com/apps-oauth/com.example.e2e?state=s&code=c'

test('under ConsentPolicy the form ends at the Dashboard, the page is styled, and no script runs', async () => {
  target.requests.length = 0
  await page.goto(`${server.url}/consent`)
  assert.equal(await page.title(), 'consent')
  assert.equal(await page.$eval('button', (button) => getComputedStyle(button).color), 'rgb(1, 2, 3)')
  await Promise.all([page.waitForURL(callback), page.click('button')])
  assert.equal(await page.title(), 'the Dashboard')
  assert.deepEqual(target.requests, [`GET ${callback}`])
})

test('under PagePolicy the same form is blocked at its redirect', async () => {
  target.requests.length = 0
  const path = '/consent-under-page-policy'
  await page.goto(server.url + path)
  const posted = page.waitForRequest((request) => request.method() === 'POST')
  await page.click('button')
  await posted // it was sent: the code has been issued, for nothing
  await said('Sending form data', "form-action 'self'", 'has been blocked')
  assert.equal(page.url(), server.url + path)
  assert.deepEqual(target.requests, [])
})

// reportsOf returns the reports on a page, once there are two: its script and its
// attribute without nonce.
async function reportsOf(url) {
  const list = await eventually(
    `two reports on ${url}`,
    async () => {
      const all = await (await fetch(`${server.url}/reports`)).json()
      const found = all.filter(({report}) => report.documentURL === url)
      return found.length >= 2 && found
    },
    10_000,
  )
  return list.sort((a, b) => a.report.effectiveDirective.localeCompare(b.report.effectiveDirective))
}

for (const [directive, path, contentType, base] of [
  ['report-to, over https', '/page', 'application/reports+json', () => server.secureURL],
  ['report-uri alone, over https', '/page-with-report-uri', 'application/csp-report', () => server.secureURL],
  ['report-uri alone, over http', '/page-with-report-uri', 'application/csp-report', () => server.url],
]) {
  test(`reports of violations arrive at the handler: ${directive}`, async () => {
    const url = base() + path
    await page.goto(url)
    await page.click('#clicked')
    const reports = await reportsOf(url)
    assert.deepEqual(reports.map((each) => each.contentType), [contentType, contentType])
    assert.deepEqual(reports.map(({report}) => report.effectiveDirective), ['script-src-attr', 'script-src-elem'])
    for (const {report} of reports) {
      assert.equal(report.blockedURL, 'inline')
      assert.equal(report.disposition, 'enforce')
      assert.equal(report.statusCode, 200)
      assert.match(report.originalPolicy, /script-src 'nonce-[\w-]{22}' 'strict-dynamic'/)
    }
  })
}
