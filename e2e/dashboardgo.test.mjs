// Extensions in the Dashboard of the Go package stripeappstest: the one with
// Stripe's own SDK, and ones without it.
import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {mkdirSync, writeFileSync} from 'node:fs'
import {fileURLToPath} from 'node:url'
import {after, before, test} from 'node:test'
import {buildSync} from 'esbuild'
import {out, startQuickstart, startTestDashboard} from './backend.mjs'
import {eventually, extensionIn, launch, openExtension} from './browser.mjs'
import {startSite} from './dashboard.mjs'

const ids = {user_id: 'usr_e2e', account_id: 'acct_e2e'}

// What somebody writes who has no SDK: only globals of stripeappstest.
const plain = `
globalThis.call = async ({url, method = 'POST', payload, instead, unsigned, idsInHeaders}) => {
  const {userContext} = await extensionContext
  const ids = {user_id: userContext.id, account_id: userContext.account.id}
  const headers = unsigned ? {} : {'Stripe-Signature': await fetchStripeSignature(payload)}
  let body
  if (idsInHeaders) Object.assign(headers, {'Stripe-User-Id': ids.user_id, 'Stripe-Account-Id': ids.account_id})
  else {
    headers['Content-Type'] = 'application/json'
    body = JSON.stringify({...(instead ?? payload), ...ids})
  }
  const response = await fetch(url, {method, headers, body})
  return {status: response.status, type: response.type, body: await response.json()}
}`

const bundle = (options) =>
  buildSync({bundle: true, write: false, format: 'iife', define: {'process.env.NODE_ENV': '"production"'}, ...options}).outputFiles[0].text

// What the bundler writes of an extension that leaves the endpoint to its host.
const withoutEndpoint = bundle({
  stdin: {
    resolveDir: fileURLToPath(new URL('.', import.meta.url)),
    contents: `
      import fetchStripeSignature from '@stripe/ui-extension-sdk/signature'
      import {createOAuthState} from '@stripe/ui-extension-sdk/oauth'
      ${plain}
      globalThis.oauthState = createOAuthState`,
  },
})

const hosts = {}
let quickstart, browser, site
before(async () => {
  const folder = out('dashboardgo')
  mkdirSync(folder + '/page', {recursive: true})
  const scripts = {sdk: bundle({entryPoints: [fileURLToPath(new URL('extension.ts', import.meta.url))]}), plain, withoutEndpoint}
  for (const [name, text] of Object.entries(scripts)) writeFileSync(`${folder}/${name}.js`, text)
  writeFileSync(`${folder}/page/index.html`, '<!doctype html><link rel="icon" href="data:,"><script src="/stripeappstest.js"></script><script type="module" src="module.js"></script>')
  writeFileSync(`${folder}/page/module.js`, plain)

  const start = async (name, ...args) => (hosts[name] = await startTestDashboard('-user', ids.user_id, '-account', ids.account_id, ...args))
  ;[quickstart, browser, site] = await Promise.all([
    startQuickstart(),
    launch('--host-resolver-rules=MAP rebound.example 127.0.0.1'),
    startSite('<!doctype html><link rel="icon" href="data:,">'),
    ...Object.keys(scripts).map((name) => start(name, '-script', `${folder}/${name}.js`)),
    start('page', '-dir', folder + '/page', '-mode', 'live'),
    start('old', '-script', `${folder}/sdk.js`, '-ago', '10m'),
  ])
})
after(async () => {
  await browser?.close()
  await Promise.all([quickstart, ...Object.values(hosts)].map((program) => program?.stop()))
  site?.stop()
})

// open returns a Dashboard's extension, opened once for all tests. complaints are
// what its pages say in the console, and do not catch, from then on. Chromium's own
// line about an response of 4xx is none.
const opened = {}
async function open(name) {
  const extension = await (opened[name] ??= openExtension(browser, hosts[name]))
  const errors = []
  extension.page.on('pageerror', (error) => errors.push(String(error)))
  const start = extension.messages.length
  const complaints = () => [...errors, ...extension.messages.slice(start).filter((text) => !/the server responded with a status of 4/.test(text))]
  return {...extension, complaints}
}

const echo = (test) => `${quickstart.url}/api/echo?${test}`

function assertAccepted(response, payload) {
  assert.equal(response.status, 200, JSON.stringify(response))
  assert.equal(response.type, 'cors')
  const {signed_at, ...told} = response.body
  assert.deepEqual(told, {...ids, payload: {...payload, ...ids}})
}

function assertRefused(response, status, code) {
  assert.equal(response.status, status, JSON.stringify(response))
  assert.equal(response.type, 'cors')
  assert.equal(response.body.code, code)
  assert.ok(response.body.detail)
}

const extensions = {
  sdk: "an extension with Stripe's SDK",
  withoutEndpoint: "an extension with Stripe's SDK that makes no endpoint",
  plain: 'an extension that is a plain script',
  page: 'an extension that is a page with a module',
}
for (const [name, what] of Object.entries(extensions)) {
  test(`${what} is accepted, and refused readably when it is wrong`, async () => {
    const {call, frame, wire, complaints} = await open(name)
    assert.equal(await frame.evaluate(() => self.origin), 'null')

    assertAccepted(await call({url: echo(name)}), {})
    const exchanges = await wire(echo(name), 2)
    assert.deepEqual(exchanges.map(({method, status}) => `${method} ${status}`).sort(), ['OPTIONS 204', 'POST 200'])
    for (const {sent} of exchanges) assert.equal(sent.origin, 'null')

    const payload = {action: 'refund', note: 'é "<&>" \u2028 😀 \ud83d', none: null, 10: -0, 9: 1e21, list: [1.5, {a: [], b: 1e-7}]}
    assert.equal((await call({url: echo('payload'), payload})).status, 200)
    assertAccepted(await call({url: echo('other'), payload: {...payload, 10: 0, note: '\u2029'}}), {...payload, 10: 0, note: '\u2029'})
    assertAccepted(await call({url: `${quickstart.url}/api/whoami`, method: 'GET', idsInHeaders: true}), {})

    assertRefused(await call({url: echo('tampered'), payload: {amount: 1}, instead: {amount: 100}}), 401, 'no_match')
    assertRefused(await call({url: echo('ids'), instead: {amount: 100}}), 400, 'only_ids_signed')
    assertRefused(await call({url: echo('unsigned'), unsigned: true}), 401, 'not_signed')
    assert.deepEqual(complaints(), [])
  })
}

test('50 requests at once are all accepted, each with its own payload', async () => {
  for (const name of ['sdk', 'plain']) {
    const {call} = await open(name)
    const responses = await Promise.all(Array.from({length: 50}, (_, n) => call({url: echo('50'), payload: {n}})))
    responses.forEach((response, n) => assertAccepted(response, {n}))
  }
})

test('members that JSON has nothing for are left out of what is signed, as the extension leaves them out', async () => {
  for (const name of ['sdk', 'plain']) {
    const {call, frame} = await open(name)
    await frame.evaluate(() => (globalThis.odd = {f() {}, u: undefined, n: NaN, d: new Date(0), l: [() => 0, undefined]}))
    const response = await frame.evaluate((url) => globalThis.call({url, payload: globalThis.odd}), echo('odd'))
    assertAccepted(response, {n: null, d: '1970-01-01T00:00:00.000Z', l: [null, null]})
  }
})

test('a time that is 10 minutes ago makes signatures that are too old', async () => {
  const {call} = await open('old')
  assertRefused(await call({url: echo('old')}), 401, 'too_old')
})

test('a payload that cannot be signed rejects, and says why', async () => {
  for (const name of ['sdk', 'plain']) {
    const {frame} = await open(name)
    const reason = await frame.evaluate(async (url) => {
      let deep = {}
      for (let i = 0; i < 300; i++) deep = {deep}
      return globalThis.call({url, payload: deep}).catch((error) => error.message)
    }, echo('deep'))
    assert.match(reason, /must be an object, nested at most 256 levels deep/)
  }
})

test('a function of the SDK that is not played says so', async () => {
  for (const name of ['sdk', 'withoutEndpoint']) {
    const {frame} = await open(name)
    const reasons = await frame.evaluate(async () => {
      const {call} = globalThis.__StripeExtExports.endpoint
      return Promise.all([call.navigate('/'), call.toString()].map((called) => called.catch((error) => error.message)))
    })
    assert.deepEqual(reasons, ['navigate', 'toString'].map((name) => `stripeappstest's Dashboard does not play ${name}`))
  }
})

test('an extension is told who uses it, and the mode', async () => {
  for (const [name, mode] of [['plain', 'test'], ['page', 'live']]) {
    const {frame} = await open(name)
    assert.deepEqual(await frame.evaluate(() => globalThis.extensionContext), {
      userContext: {id: 'usr_e2e', account: {id: 'acct_e2e'}},
      environment: {mode},
      oauthContext: undefined,
    })
  }
})

const challengeOf = (verifier) => createHash('sha256').update(verifier).digest('base64url')

test('createOAuthState gives a challenge that fits the verifier, which the page keeps', async () => {
  // withoutEndpoint's oauthState is the SDK's own function.
  for (const [name, create] of [['sdk', '__StripeExtExports.endpoint.call.createOAuthState'], ['withoutEndpoint', 'oauthState'], ['plain', 'createOAuthState']]) {
    const {page, frame} = await open(name)
    const make = (custom) =>
      frame.evaluate(([path, custom]) => path.split('.').reduce((value, key) => value[key], globalThis)(custom), [create, custom])
    const [first, second] = [await make('{"settings":"é & ?"}'), await make()]
    assert.notEqual(first.state, second.state)
    for (const {state, challenge} of [first, second]) {
      assert.match(state, /^[\w.-]+$/)
      const verifier = await page.evaluate((state) => localStorage.getItem(state), state)
      assert.match(verifier, /^[\w-]{43}$/)
      assert.equal(challenge, challengeOf(verifier))
    }
    assert.equal(Buffer.from(first.state.split('.')[1], 'base64url').toString(), '{"settings":"é & ?"}')
  }
})

test('back from an OAuth provider, the extension has the code and the verifier, once', async () => {
  const {page, frame, messages} = await openExtension(browser, hosts.sdk)
  const {state, challenge} = await frame.evaluate(() => globalThis.__StripeExtExports.endpoint.call.createOAuthState('x'))
  const back = async (query) => {
    await page.goto(`${hosts.sdk.redirectURI}?${query}`)
    const extension = await extensionIn(page)
    assertAccepted(await extension.call({url: echo('back')}), {})
    return extension.frame.evaluate(() => globalThis.oauth.oauthContext())
  }
  assert.equal(await back('state=made-elsewhere&code=c'), undefined)
  const {verifier, ...told} = await back(`state=${state}&code=c`)
  assert.deepEqual(told, {state, code: 'c', error: undefined})
  assert.equal(challengeOf(verifier), challenge)
  assert.equal(await back(`state=${state}&code=c`), undefined)
  assert.deepEqual(messages, [])
})

// What a page gets of the signing endpoint, in the ways that fetch has.
const trySigning = (url) =>
  Promise.all(
    [
      {mode: 'cors', headers: {'Content-Type': 'application/json'}},
      {mode: 'cors'},
      {mode: 'no-cors'},
      {mode: 'no-cors', credentials: 'include', keepalive: true},
    ].map(async (init) => {
      try {
        const response = await fetch(url, {method: 'POST', body: '{}', ...init})
        return `${response.type} ${response.status}`
      } catch (error) {
        return error.name
      }
    }),
  )
const nothing = Array(4).fill('TypeError')

test('no other page can use the signing endpoint, nor the extension without asking its page', async (t) => {
  const context = await browser.newContext()
  t.after(() => context.close())
  const {url, log} = hosts.plain
  const {frame, page} = await openExtension(context, hosts.plain)
  const signed = () => log().match(/signs/g)?.length ?? 0
  const before = signed()
  assert.deepEqual(await frame.evaluate(trySigning, `${url}/sign`), nothing)
  const other = await context.newPage()
  for (const from of [site.url, site.otherSiteURL, `${hosts.sdk.url}/extension/`, `${url}/extension/`]) {
    await other.goto(from)
    assert.deepEqual(await other.evaluate(trySigning, `${url}/sign`), nothing, from)
  }
  assert.equal(await other.evaluate(() => self.origin), 'null') // the extension, outside its frame
  assert.equal(signed(), before)

  assert.deepEqual(await page.evaluate(trySigning, `${url}/sign`), ['basic 200', 'basic 200', 'basic 200', 'basic 200'])
  await eventually('4 signatures', () => signed() === before + 4)
})

test('a name that is pointed at this machine gets nothing', async (t) => {
  const context = await browser.newContext()
  t.after(() => context.close())
  const page = await context.newPage()
  const rebound = hosts.plain.url.replace('127.0.0.1', 'rebound.example')
  assert.equal((await page.goto(rebound)).status(), 403)
  // The response's own policy lets that page connect to nothing.
  assert.deepEqual(await page.evaluate(trySigning, '/sign'), nothing)
})

test('another page cannot frame the Dashboard, hold on to its window, or play it for the extension', async (t) => {
  const context = await browser.newContext()
  t.after(() => context.close())
  const page = await context.newPage()
  await page.goto(site.url)
  const messages = []
  page.on('console', (message) => messages.push(message.text()))
  await page.evaluate(
    (urls) =>
      Promise.all(
        urls.map((src) => {
          const frame = Object.assign(document.createElement('iframe'), {src})
          const loaded = new Promise((resolve) => (frame.onload = resolve))
          document.body.append(frame)
          return loaded
        }),
      ),
    [`${hosts.plain.url}/`, `${hosts.plain.url}/extension/`],
  )
  assert.equal(messages.filter((text) => /frame-ancestors/.test(text)).length, 2, messages.join('\n'))

  const openFromSite = async (url) => {
    const [popup] = await Promise.all([
      page.waitForEvent('popup'),
      page.evaluate((url) => void (globalThis.opened = open(url)), url),
    ])
    return popup
  }
  await extensionIn(await openFromSite(`${hosts.plain.url}/`))
  assert.equal(await page.evaluate(() => globalThis.opened.closed), true) // to the site, it is as good as that

  const alone = await openFromSite(`${hosts.plain.url}/extension/`)
  await alone.waitForFunction(() => globalThis.call)
  await alone.evaluate(() => void (globalThis.heard = new Promise((resolve) => addEventListener('message', ({data}) => resolve(data.context)))))
  await page.evaluate(() => globalThis.opened.postMessage({type: 'init_stripeappstest', context: 'of the site'}, '*', [new MessageChannel().port1]))
  assert.equal(await alone.evaluate(() => globalThis.heard), 'of the site')
  assert.equal(await alone.evaluate(() => Promise.race([extensionContext, 'none'])), 'none')
})
