// What a person and an extension do to sign in at examples/oauth.
import {secret, startProvider} from './backend.mjs'
import {extensionIn, launch, openExtension} from './browser.mjs'
import {makeCertificate} from './certificate.mjs'
import {startConsentTarget, startDashboard} from './dashboard.mjs'

// startSignIn starts the Dashboard, the provider that sends users back to it, and
// Chromium. target is what Chromium takes for Stripe's own Dashboard.
export async function startSignIn(name) {
  const certificate = makeCertificate(name)
  const [dashboard, target] = await Promise.all([startDashboard(secret), startConsentTarget(certificate)])
  const [provider, browser] = await Promise.all([
    startProvider('-redirect-uri', dashboard.redirectURI),
    launch(
      `--ignore-certificate-errors-spki-list=${certificate.hash}`,
      `--host-resolver-rules=MAP dashboard.stripe.com:443 127.0.0.1:${target.port}`,
    ),
  ])
  const stop = async () => {
    await browser.close()
    await provider.stop()
    dashboard.stop()
    target.stop()
  }
  const app = {provider: provider.url, clientID: 'stripe-app', redirectURI: dashboard.redirectURI}
  return {dashboard, target, provider, browser, app, stop}
}

// oauth calls one of the functions that extension.ts has for OAuth.
export const oauth = (extension, name, ...args) =>
  extension.frame.evaluate(([name, args]) => globalThis.oauth[name](...args), [name, args])

// openDashboard opens the Dashboard. complaints are what it, and every page that
// is opened from it, says in the console.
export async function openDashboard({browser, dashboard}) {
  const extension = await openExtension(browser, dashboard)
  const complaints = []
  const context = extension.page.context()
  context.on('console', (message) => complaints.push(message.text()))
  context.on('weberror', (error) => complaints.push(String(error.error())))
  return {...extension, complaints}
}

// openConsent has the extension render its link, and follows it, into a new tab as
// in the Dashboard.
export async function openConsent(extension, app, custom) {
  const {page} = extension
  const link = await oauth(extension, 'renderSignIn', app, custom)
  const [tab] = await Promise.all([page.context().waitForEvent('page'), page.getByRole('link', {name: 'Sign in'}).click()])
  tab.setDefaultTimeout(10_000)
  await tab.waitForURL(link.url)
  return {tab, link}
}

// decide clicks as a person does.
export async function decide(tab, {user = 'Grace Hopper', decision = 'Allow'} = {}) {
  await tab.getByRole('radio', {name: user}).click()
  await tab.getByRole('button', {name: decision, exact: true}).click()
}

// backAt returns the extension in the tab, once that is at the Dashboard again.
export async function backAt({url}, tab) {
  await tab.waitForURL((at) => at.origin === url)
  const extension = await extensionIn(tab)
  return {...extension, context: await oauth(extension, 'oauthContext')}
}
