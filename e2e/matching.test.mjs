// Chromium's verdict on every pair of a source and a URL in
// manifest/testdata/matching.json, which the tests of the Go package read too.
import assert from 'node:assert/strict'
import {createHash} from 'node:crypto'
import {once} from 'node:events'
import {readFileSync, writeFileSync} from 'node:fs'
import {createServer} from 'node:https'
import {after, before, test} from 'node:test'
import {launch} from './browser.mjs'
import {makeCertificate} from './certificate.mjs'

const table = new URL('../manifest/testdata/matching.json', import.meta.url)
const pairs = JSON.parse(readFileSync(table, 'utf8'))

let server, browser, page
before(async () => {
  const certificate = makeCertificate('matching')
  server = await startEveryHost(certificate)
  browser = await launch(
    `--ignore-certificate-errors-spki-list=${certificate.hash}`,
    `--host-resolver-rules=MAP * 127.0.0.1:${server.address().port}`,
  )
  page = await browser.newPage()
  await page.goto('https://page.test/')
})
after(async () => {
  await browser?.close()
  server?.close()
  server?.closeAllConnections()
})

// startEveryHost serves what a browser takes for every host there is: on
// https://page.test a page with the policy in its query, and elsewhere an empty
// answer, or a WebSocket.
async function startEveryHost({cert, key}) {
  const server = createServer({cert, key}, ({url, headers}, response) => {
    if (headers.host === 'page.test' && /^\/(\?|$)/.test(url)) {
      const policy = new URLSearchParams(url.slice(2)).get('policy') ?? ''
      response.setHeader('Content-Security-Policy', Buffer.from(policy).toString('latin1')) // as UTF-8
      response.setHeader('Content-Type', 'text/html')
      response.end('<!doctype html><title>page</title><link rel="icon" href="data:,">')
    } else {
      response.statusCode = 204
      response.end()
    }
  })
  server.on('upgrade', ({headers}, socket) => {
    const accept = createHash('sha1').update(`${headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    const answer = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade']
    socket.end([...answer, `Sec-WebSocket-Accept: ${accept.digest('base64')}`, '\r\n'].join('\r\n'))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}

// ask returns, for each of the pairs, whether Chromium lets the URL through: true,
// false, or what went wrong. Each source gets a page of its own.
async function ask(pairs) {
  const groups = new Map()
  for (const [index, {source, directive, url}] of pairs.entries()) {
    const policy = `${directive} ${source}`
    if (!groups.has(policy)) groups.set(policy, {policy, directive, urls: [], indexes: []})
    groups.get(policy).urls.push(url)
    groups.get(policy).indexes.push(index)
  }
  const verdicts = []
  for (const {indexes, answers} of await page.evaluate(askInPage, [...groups.values()])) {
    indexes.forEach((index, i) => (verdicts[index] = answers[i]))
  }
  return verdicts
}

// askInPage runs in the browser. A URL is let through if no violation is reported
// while it is loaded, whatever becomes of it. Chromium reports one only after the
// promise of fetch has been rejected. So each URL is followed by a violation of
// another directive: reports are sent in their order, and once that one has come
// there is none before it that has not.
function askInPage(groups) {
  const within = (what, promise) =>
    Promise.race([promise, new Promise((_, reject) => setTimeout(reject, 5_000, new Error(`not within 5 s: ${what}`)))])

  const loads = {
    'connect-src': ({fetch, WebSocket}, url) =>
      /^wss?:/i.test(url)
        ? new Promise((resolve) => {
            const socket = new WebSocket(url)
            socket.onopen = () => resolve(socket.close())
            socket.onerror = resolve
          })
        : fetch(url, {mode: 'no-cors', cache: 'no-store'}),
    'img-src': ({Image}, url) => new Promise((resolve) => Object.assign(new Image(), {onload: resolve, onerror: resolve, src: url})),
  }

  async function open(policy) {
    const frame = document.createElement('iframe')
    frame.src = `/?${new URLSearchParams({policy})}`
    const loaded = new Promise((resolve) => (frame.onload = resolve))
    document.body.append(frame)
    await within('the page', loaded)
    return frame
  }

  async function askGroup({policy, directive, urls, indexes}) {
    const other = directive === 'img-src' ? 'connect-src' : 'img-src'
    const frame = await open(`${policy}; ${other} 'none'`)
    const violated = new Set()
    let last
    frame.contentDocument.addEventListener('securitypolicyviolation', ({effectiveDirective}) => {
      violated.add(effectiveDirective)
      if (effectiveDirective === other) last()
    })
    const answers = []
    try {
      for (const url of urls) {
        violated.clear()
        const reported = new Promise((resolve) => (last = resolve))
        await within(`the end of ${url}`, loads[directive](frame.contentWindow, url).catch(() => {}))
        loads[other](frame.contentWindow, 'https://last.test/').catch(() => {})
        await within(`the last report after ${url}`, reported)
        answers.push(!violated.has(directive))
      }
    } catch (error) {
      while (answers.length < urls.length) answers.push(error.message)
    }
    frame.remove()
    return {indexes, answers}
  }

  // A few at a time, or else each of them waits for all of the others.
  const results = []
  const left = [...groups]
  const work = async () => {
    for (let group; (group = left.shift()); ) results.push(await askGroup(group))
  }
  return Promise.all(Array.from({length: 16}, work)).then(() => results)
}

function assertVerdicts(pairs, verdicts) {
  const say = (verdict) => ({true: 'allowed', false: 'blocked'})[verdict] ?? verdict
  const short = (text) => (text.length > 200 ? `${text.slice(0, 100)}…${text.slice(-100)}` : text)
  const differences = pairs
    .map((pair, i) => ({...pair, verdict: verdicts[i]}))
    .filter(({allowed, verdict}) => verdict !== allowed)
    .map(({name, source, directive, url, allowed, verdict}) =>
      [`${name}:`, `  ${directive} ${short(source)}`, `  ${short(url)}`, `  Chromium: ${say(verdict)}; expected: ${say(allowed)}`].join('\n'),
    )
  if (differences.length) assert.fail(`${differences.length} of ${pairs.length} verdicts differ\n\n${differences.join('\n\n')}\n`)
}

test("Chromium's verdict on a source and a URL is the table's", async () => {
  const verdicts = await ask(pairs)
  if (process.env.WRITE_MATCHING) {
    assert.ok(verdicts.every((verdict) => typeof verdict === 'boolean'), String(verdicts))
    const lines = pairs.map((pair, i) => `  ${JSON.stringify({...pair, allowed: verdicts[i]})}`)
    writeFileSync(table, `[\n${lines.join(',\n')}\n]\n`)
    return
  }
  // On a busy machine the report of what was blocked can come after that of what followed:
  // a block is missed, never made up. What differs is asked again, by itself.
  for (const [i, pair] of pairs.entries()) {
    if (verdicts[i] === true && !pair.allowed) verdicts[i] = (await ask([pair]))[0]
  }
  assertVerdicts(pairs, verdicts)
})

test('where nothing is allowed each URL of the table is blocked: the test before can fail', async () => {
  const blocked = pairs.map((pair) => ({...pair, source: "'none'", allowed: false}))
  assertVerdicts(blocked, await ask(blocked))
})

// What Chromium does before it matches, or instead. It is not in the table, since
// a manifest or a call that leads there is wrong in any case.
const beside = [
  ['a source outside ASCII has its directive dropped: all is allowed', 'connect-src', 'https://a.test/café', 'https://evil.test/', true],
  ['a host outside ASCII has it dropped, too', 'connect-src', 'https://bücher.test/ https://a.test', 'https://evil.test/', true],
  ['a semicolon ends the directive, and what is before it counts', 'connect-src', 'https://a.test/b;c', 'https://a.test/b', true],
  ['a semicolon ends the directive, and all of it does not count', 'connect-src', 'https://a.test/b;c', 'https://a.test/b;c', false],
  ['a comma ends the policy, and what is before it counts', 'connect-src', 'https://a.test/b,c', 'https://a.test/b', true],
  ['a comma ends the policy, and all of it does not count', 'connect-src', 'https://a.test/b,c', 'https://a.test/b,c', false],
  ['a space ends the source, and what is before it counts', 'connect-src', 'https://a.test/b c.test', 'https://a.test/b', true],
  ['a space ends the source, and what is after it counts', 'connect-src', 'https://a.test/b c.test', 'https://c.test/', true],
  ['fetch refuses userinfo before it asks the policy', 'connect-src', "'none'", 'https://user:secret@a.test/', true],
  ['an image over http is loaded over https by such a page', 'img-src', 'https://a.test/', 'http://a.test/b.png', true],
  ['an image over http on a loopback address is not', 'img-src', 'https://127.0.0.1/', 'http://127.0.0.1/b.png', false],
  ['65979 is port 443, since 16 bits are not enough for it', 'connect-src', 'https://a.test:65979/', 'https://a.test/', true],
].map(([name, directive, source, url, allowed]) => ({name, source, directive, url, allowed}))

test('what Chromium does beside matching is as known', async () => assertVerdicts(beside, await ask(beside)))
