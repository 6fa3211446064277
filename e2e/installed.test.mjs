// A person walks through the life of an app in examples/installed: install, request,
// call, uninstall. Screenshots go to out/, to be looked at.
import assert from 'node:assert/strict'
import {after, before, test} from 'node:test'
import {out, startInstalled} from './backend.mjs'
import {launch} from './browser.mjs'
import {askForBalance, begin, decide, install, uninstall, visit} from './installed.mjs'

let browser, linked, oauth
before(async () => {
  ;[browser, linked, oauth] = await Promise.all([launch(), startInstalled(), startInstalled('-oauth')])
})
after(async () => {
  await browser?.close()
  await Promise.all([linked?.stop(), oauth?.stop()])
})

for (const [name, way, options] of [
  ['wide', 'an install link', {viewport: {width: 1200, height: 900}}],
  ['narrow', 'an install link', {viewport: {width: 500, height: 900}, hasTouch: true}],
  ['dark', 'OAuth', {viewport: {width: 1000, height: 900}, colorScheme: 'dark'}],
]) {
  test(`the life of an app with ${way}: ${name}`, async () => {
    const {url} = way === 'OAuth' ? oauth : linked
    const visitor = await visit(browser, url, options)
    const {page, complaints, context} = visitor
    const look = async (step) => {
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
      assert.equal(overflow, 0, 'nothing scrolls sideways')
      await page.screenshot({path: out(`installed-${name}-${step}.png`), fullPage: true})
    }
    assert.match(await askForBalance(visitor, 'refused'), /^403 not_installed/)

    await begin(page)
    await look('agree')
    await decide(page, 'Install')
    await page.locator('#install.done').waitFor()
    assert.equal(page.url(), `${url}/#request`, 'what was signed is not in the address bar')
    assert.deepEqual(await context.cookies(), [], 'the cookie is gone')

    assert.equal(await askForBalance(visitor, 'passed'), '€1,284.50')
    await page.locator('#call.done').waitFor()
    const call = await page.locator('#call-wire').innerText()
    assert.match(call, way === 'OAuth' ? /Bearer rk_test_…(?![^]*Stripe-Account)/ : /Bearer sk_test_…\s+Stripe-Account: acct_Bakery/)
    await look('installed')

    await uninstall(visitor)
    await page.getByRole('button', {name: 'Send the event again'}).click()
    await page.getByText('Delivered 2 times, handled once.').waitFor()
    assert.match(await askForBalance(visitor, 'refused'), /^403 (not_installed|install_again)/)
    assert.equal(await page.locator('#call-wire .block').count(), 0, 'Stripe was not called')
    await look('uninstalled')

    await install(visitor)
    assert.equal(await askForBalance(visitor, 'passed'), '€1,284.50')
    await uninstall(visitor)
    assert.deepEqual(complaints, [])
    await context.close()
  })
}
