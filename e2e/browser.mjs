// Debian's Chromium, and what it sends and gets.
import {setTimeout} from 'node:timers/promises'
import {chromium} from 'playwright-core'

export function launch(...args) {
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync', ...args],
    ],
    timeout: 30_000,
  })
}

// openExtension opens the Dashboard and returns the extension in its frame.
export async function openExtension(browser, dashboard) {
  const page = await browser.newPage()
  page.setDefaultTimeout(15_000)
  const messages = []
  page.on('console', (message) => messages.push(message.text()))
  await page.goto(dashboard.url)
  return {messages, ...(await extensionIn(page))}
}

// extensionIn returns the extension in a page of the Dashboard.
export async function extensionIn(page) {
  const element = await page.waitForSelector('iframe')
  const frame = await element.contentFrame()
  await frame.waitForFunction(() => globalThis.call)
  return {
    page,
    frame,
    wire: await record(page, frame),
    call: (request) => frame.evaluate((request) => globalThis.call(request), request),
  }
}

// record notes every request that leaves the frame, preflights included, with
// the headers as they are on the wire.
async function record(page, frame) {
  const session = await page.context().newCDPSession(frame) // a sandboxed frame has a process of its own
  const requests = new Map()
  const get = (id) => requests.get(id) ?? requests.set(id, {}).get(id)
  session.on('Network.requestWillBeSent', ({requestId, request}) => {
    Object.assign(get(requestId), {method: request.method, url: request.url})
  })
  session.on('Network.requestWillBeSentExtraInfo', ({requestId, headers}) => Object.assign(get(requestId), {sent: lower(headers)}))
  session.on('Network.responseReceivedExtraInfo', ({requestId, statusCode, headers}) =>
    Object.assign(get(requestId), {status: statusCode, got: lower(headers)}),
  )
  await session.send('Network.enable')
  // The exchanges with a URL once there are so many of them, and all answered.
  return (url, count) =>
    eventually(`${count} exchanges with ${url}`, () => {
      const found = [...requests.values()].filter((request) => request.url === url && request.sent && request.status)
      return found.length >= count && found
    })
}

// eventually returns what probe does, as soon as that is true.
export async function eventually(what, probe, milliseconds = 5_000) {
  for (const end = Date.now() + milliseconds; Date.now() < end; await setTimeout(20)) {
    const found = await probe()
    if (found) return found
  }
  throw new Error(`not within ${milliseconds} ms: ${what}`)
}

const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
