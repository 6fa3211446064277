// A person tries the quickstart's page. Screenshots go to out/, to be looked at.
import assert from 'node:assert/strict'
import {after, before, test} from 'node:test'
import {out, startQuickstart} from './backend.mjs'
import {launch} from './browser.mjs'

let quickstart, browser
before(async () => {
  ;[quickstart, browser] = await Promise.all([startQuickstart(), launch()])
})
after(async () => {
  await browser?.close()
  await quickstart?.stop()
})

// What each button shows: the name of the request, and the check that it stops at.
const buttons = {
  signed: ['Signed', undefined],
  headers: ['By headers', undefined],
  expired: ['Expired', 'Time'],
  unsigned: ['Unsigned', 'Header'],
  tampered: ['Tampered', 'HMAC'],
}

for (const [name, options] of Object.entries({
  desktop: {viewport: {width: 1320, height: 900}},
  dark: {viewport: {width: 1320, height: 900}, colorScheme: 'dark'},
  phone: {viewport: {width: 360, height: 740}, hasTouch: true},
})) {
  test(`the page shows what becomes of each request: ${name}`, async () => {
    const page = await browser.newPage(options)
    page.setDefaultTimeout(10_000)
    const complaints = []
    page.on('console', (message) => /Content.Security|violat/i.test(message.text()) && complaints.push(message.text()))
    page.on('pageerror', (error) => complaints.push(String(error)))
    await page.goto(quickstart.url)
    const extension = page.frameLocator('#extension')

    for (const [button, [request, stopsAt]] of Object.entries(buttons)) {
      await extension.locator(`[data-send=${button}]`).click()
      const verdict = page.locator(stopsAt ? '.verdict.refused' : '.verdict.passed')
      await page.locator('#report:not([aria-busy=true])').filter({has: verdict.filter({hasText: `${request}:`})}).waitFor()
      const checks = await page.locator('.checks li').allInnerTexts()
      const refused = checks.filter((text) => /refused/.test(text))
      assert.equal(refused.length, stopsAt ? 1 : 0, `${button}: ${checks}`)
      if (stopsAt) assert.ok(refused[0].startsWith(stopsAt), `${button} stops at ${refused[0]}`)
      assert.ok(checks.some((text) => /CORS preflight\s*(✓ )?passed/.test(text)), `${button}: ${checks}`)
    }
    const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
    assert.equal(overflow, 0, 'nothing scrolls sideways')
    assert.deepEqual(complaints, [])
    await page.screenshot({path: out(`playground-${name}.png`), fullPage: true})
    await page.close()
  })
}

test('the page works with the keyboard alone', async () => {
  const page = await browser.newPage()
  await page.goto(quickstart.url)
  const extension = page.frameLocator('#extension')
  await extension.locator('#note').focus()
  await page.keyboard.press('Tab') // to the first button
  assert.equal(await extension.locator('[data-send=signed]').evaluate((button) => button === document.activeElement), true)
  await page.keyboard.press('Enter')
  await page.locator('.verdict.passed').waitFor({timeout: 10_000})
  assert.equal(await extension.locator('[data-send=signed]').evaluate((button) => button === document.activeElement), true, 'focus stays')
  await page.close()
})

test('the extension can neither sign nor read the wire itself', async () => {
  const page = await browser.newPage()
  await page.goto(quickstart.url)
  const frame = await (await page.waitForSelector('#extension')).contentFrame()
  for (const [path, method] of [['/playground/sign', 'POST'], ['/playground/last', 'GET']]) {
    const response = await frame.evaluate(
      ([url, method]) => fetch(url, {method, body: method === 'POST' ? '{"age":"new"}' : undefined}).then((r) => r.status, String),
      [quickstart.url + path, method],
    )
    assert.match(String(response), /TypeError/, path)
  }
  await page.close()
})
