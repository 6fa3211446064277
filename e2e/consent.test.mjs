// The consent page of examples/oauth, in the hands of a person and of other sites.
// Screenshots go to out/, to be looked at.
import assert from 'node:assert/strict'
import {after, afterEach, before, test} from 'node:test'
import {out} from './backend.mjs'
import {eventually} from './browser.mjs'
import {startSite} from './dashboard.mjs'
import {backAt, decide, oauth, openConsent, openDashboard, startSignIn} from './signin.mjs'

let all, dashboard, target, provider, browser, app
before(async () => {
  all = await startSignIn('consent')
  ;({dashboard, target, provider, browser, app} = all)
})
after(() => all?.stop())
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))

for (const redirectURI of [
  'https://dashboard.stripe.com/apps-oauth/com.example.app',
  'https://dashboard.stripe.com/test/apps-oauth/com.example.app',
]) {
  test(`the form ends at Stripe's Dashboard, which learns the code and the state and no more: ${redirectURI}`, async () => {
    target.requests.length = 0
    const extension = await openDashboard(all)
    const {tab, link} = await openConsent(extension, {...app, redirectURI})
    const arrival = tab.waitForRequest((request) => request.url().startsWith(redirectURI))
    await decide(tab)
    await tab.waitForURL((url) => url.origin === 'https://dashboard.stripe.com')
    const url = new URL(tab.url())
    assert.equal(url.origin + url.pathname, redirectURI)
    assert.deepEqual([...url.searchParams.keys()].sort(), ['code', 'state'])
    assert.equal(url.searchParams.get('state'), link.state)
    assert.equal((await (await arrival).allHeaders()).referer, undefined)
    assert.deepEqual(target.requests, [`GET ${url}`])
    assert.deepEqual(extension.complaints, []) // of the policy, say
  })
}

test('the page works with the keyboard alone', async () => {
  const {tab, link} = await openConsent(await openDashboard(all), app)
  const focused = () => tab.evaluate(() => document.activeElement.value)
  await tab.keyboard.press('Tab')
  assert.equal(await focused(), 'ada')
  await tab.keyboard.press('ArrowDown')
  assert.equal(await focused(), 'grace')
  for (let tabs = 0; tabs < 2 && (await focused()) !== 'allow'; tabs++) await tab.keyboard.press('Tab')
  assert.equal(await focused(), 'allow')
  assert.notEqual(await tab.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none')
  await tab.keyboard.press('Enter')
  const {context} = await backAt(dashboard, tab)
  assert.ok(context.code)
  assert.equal(context.state, link.state)
})

// The URL of a consent page whose code someone else would like to have.
const consentURL = (change = {}) => {
  const params = {
    ...{response_type: 'code', client_id: app.clientID, redirect_uri: app.redirectURI, state: 's'},
    ...{code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM', code_challenge_method: 'S256'},
  }
  return `${provider.url}/oauth/authorize?${new URLSearchParams({...params, ...change})}`
}

// elsewhere opens someone else's page for try_, on each origin that it has.
async function elsewhere(text, try_) {
  const site = await startSite(`<!doctype html><link rel="icon" href="data:,">${text}`)
  const page = await browser.newPage()
  page.setDefaultTimeout(10_000)
  let messages
  page.on('console', (message) => messages.push(message.text()))
  try {
    for (const url of [site.url, site.otherSiteURL]) {
      messages = []
      await page.goto(url)
      await try_(page, messages)
    }
  } finally {
    site.stop()
  }
}

const attribute = (text) => text.replaceAll('&', '&amp;').replaceAll('"', '&quot;')

test('neither the consent page nor an error page can be framed', async () => {
  const frames = [consentURL(), consentURL({client_id: 'nobody'})].map((url) => `<iframe src="${attribute(url)}"></iframe>`)
  await elsewhere(frames.join(''), async (page, messages) => {
    await eventually('error pages in both frames', () => {
      const [, ...frames] = page.frames()
      return frames.length === 2 && frames.every((frame) => frame.url() === 'chrome-error://chromewebdata/')
    })
    await eventually('the reason', () => messages.some((text) => text.includes('Framing') && text.includes(provider.url)))
  })
})

const forgedForm = () => `<form method="post" action="${attribute(consentURL())}" target="_top">
  <input type="hidden" name="user" value="grace"><button name="decision" value="allow">Win</button></form>`
const sandboxed = (text) => `<iframe sandbox="allow-forms allow-top-navigation" srcdoc="${attribute(text)}"></iframe>`

for (const [where, text, button] of [
  ['on its page', forgedForm, (page) => page.getByRole('button')],
  ['in a sandbox, whose origin is null', () => sandboxed(forgedForm()), (page) => page.frameLocator('iframe').getByRole('button')],
]) {
  test(`another origin's form is refused, and gets no code: ${where}`, async () => {
    await elsewhere(text(), async (page) => {
      const [response] = await Promise.all([
        page.waitForResponse((response) => response.request().method() === 'POST'),
        button(page).click(),
      ])
      assert.equal(response.status(), 403)
      await page.waitForURL(consentURL())
      assert.equal(await page.getByRole('button').count(), 0) // an error page
    })
  })
}

test("the page's own form is not: the tests before can fail; but the Dashboard ignores a state that it did not make", async () => {
  const page = await browser.newPage()
  await page.goto(consentURL())
  await decide(page)
  const {context} = await backAt(dashboard, page)
  assert.ok(new URL(page.url()).searchParams.get('code'))
  assert.equal(context, undefined)
})

test("another origin's script can neither read the page nor decide", async () => {
  const extension = await openDashboard(all)
  const unreadable = {error: 'TypeError: Failed to fetch'}
  assert.deepEqual(await oauth(extension, 'get', consentURL()), unreadable)
  assert.deepEqual(await oauth(extension, 'post', consentURL(), {user: 'grace', decision: 'allow'}), unreadable)
  const exchanges = await extension.wire(consentURL(), 2)
  assert.deepEqual(exchanges.map(({method, status}) => `${method} ${status}`), ['GET 200', 'POST 403'])
})

test('for an unknown client or redirect URI there is a page that says so, and no redirect', async () => {
  const page = await browser.newPage()
  for (const change of [
    {client_id: 'nobody'},
    {redirect_uri: `${app.redirectURI}/`},
    {redirect_uri: 'javascript:alert(1)'},
    {redirect_uri: 'https://dashboard.stripe.com/apps-oauth/com.example.other'},
  ]) {
    const response = await page.goto(consentURL(change))
    assert.equal(response.status(), 400)
    assert.equal(page.url(), consentURL(change))
    assert.equal(await page.getByRole('button').count(), 0)
    assert.match(await page.getByRole('main').innerText(), /client_id|redirect_uri/)
  }
})

for (const [name, options] of Object.entries({
  desktop: {viewport: {width: 1320, height: 900}},
  dark: {viewport: {width: 1320, height: 900}, colorScheme: 'dark'},
  phone: {viewport: {width: 360, height: 740}, hasTouch: true},
})) {
  test(`the consent page and the error page are styled, and fit the window: ${name}`, async () => {
    const page = await browser.newPage(options)
    const complaints = []
    page.on('console', (message) => complaints.push(message.text()))
    for (const [kind, url] of [['consent', consentURL()], ['error', consentURL({client_id: 'nobody'})]]) {
      await page.goto(url)
      assert.match(await page.evaluate(() => getComputedStyle(document.body).fontFamily), /sans-serif/)
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.equal(overflow, 0, 'nothing scrolls sideways')
      await page.screenshot({path: out(`oauth-${kind}-${name}.png`), fullPage: true})
    }
    // Chromium says of an response with the status 400 that it has failed to load.
    assert.deepEqual(complaints.filter((text) => !/the server responded with a status of 400/.test(text)), [])
  })
}
