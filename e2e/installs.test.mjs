// Who can do what at examples/installed: people, other browsers, and the extension.
import assert from 'node:assert/strict'
import {after, afterEach, before, test} from 'node:test'
import {startInstalled} from './backend.mjs'
import {eventually, launch} from './browser.mjs'
import {askForBalance, begin, decide, uninstall, visit} from './installed.mjs'

let app, browser
before(async () => {
  ;[browser, app] = await Promise.all([launch(), startInstalled()])
})
after(async () => {
  await browser?.close()
  await app?.stop()
})
afterEach(() => Promise.all(browser.contexts().map((context) => context.close())))

test('who cancels can start again', async () => {
  const visitor = await visit(browser, app.url)
  const {page} = visitor
  await begin(page)
  await decide(page, 'Cancel')
  await page.getByRole('heading', {name: 'Install cancelled'}).waitFor()
  await page.getByRole('link', {name: 'Start again'}).click()
  await decide(page, 'Install')
  await page.locator('#install.done').waitFor()
  await uninstall(visitor)
})

test('the way back is for the browser that began, once', async () => {
  const visitor = await visit(browser, app.url)
  const {page, context} = visitor
  await begin(page)
  const cookies = await context.cookies(app.site)
  assert.deepEqual(
    cookies.map(({name, domain, path, secure, httpOnly, sameSite}) => ({name: name.slice(0, -8), domain, path, secure, httpOnly, sameSite})),
    [{name: '__Host-stripe_install_', domain: '127.0.0.1', path: '/', secure: true, httpOnly: true, sameSite: 'Lax'}],
  )
  const agreed = await context.request.post(page.url(), {form: {decision: 'agree'}, maxRedirects: 0})
  const back = agreed.headers().location

  const other = await visit(browser, app.url)
  await begin(other.page) // has a cookie of its own
  await other.page.goto(back)
  await other.page.getByText('install_other_browser').waitFor()
  assert.deepEqual(other.complaints, [])
  await other.context.close()

  await page.goto(back)
  await page.locator('#install.done').waitFor()
  await page.goto(back)
  await page.getByText('install_other_browser').waitFor()
  await page.goto(app.url)
  await uninstall(visitor)
})

test('the extension’s origin is null, and it sends no cookies', async () => {
  const {url, site} = app
  const visitor = await visit(browser, url)
  const {page, context} = visitor
  await begin(page) // there is a cookie now
  await page.goto(url)
  const frame = await (await page.waitForSelector('#extension')).contentFrame()
  const session = await context.newCDPSession(frame)
  const sent = []
  session.on('Network.requestWillBeSentExtraInfo', ({headers}) => sent.push(headers))
  await session.send('Network.enable')
  await askForBalance(visitor, 'refused')
  const header = await eventually('the request', () => sent.find((headers) => headers['Stripe-Signature']))
  assert.equal(header.Origin, 'null')
  assert.equal(header.Host, new URL(site).host)
  assert.equal(header.Cookie, undefined)
})

test('the extension can ask Stripe’s stand-in for nothing', async () => {
  const {url} = app
  const {page} = await visit(browser, url)
  const frame = await (await page.waitForSelector('#extension')).contentFrame()
  for (const [path, method] of [['/sign', 'POST'], ['/uninstall', 'POST'], ['/', 'GET']]) {
    const response = await frame.evaluate(([to, method]) => fetch(to, {method}).then((r) => r.status, String), [url + path, method])
    assert.match(String(response), /TypeError/, path)
  }
})

test('the page works with the keyboard alone', async () => {
  const visitor = await visit(browser, app.url)
  const {page, extension} = visitor
  const press = async (name) => {
    for (let tabs = 0; tabs < 20; tabs++) {
      await page.keyboard.press('Tab')
      if ((await page.evaluate(() => document.activeElement.textContent.trim())) === name) break
    }
    assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none')
    await page.keyboard.press('Enter')
  }
  await press('Install the app')
  await page.getByRole('heading', {name: 'Install Example App?'}).waitFor()
  await press('Install')
  await page.locator('#install.done').waitFor()
  await extension.getByRole('button').focus()
  await page.keyboard.press('Enter')
  await extension.locator('.result.passed').waitFor()
  await page.locator('#call.done').waitFor()
  await press('Uninstall the app')
  await page.locator('#uninstall.done').waitFor()
})
