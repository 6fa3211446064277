// Starts the Go programs that e2e/run has built in out/.
import {spawn} from 'node:child_process'
import {fileURLToPath} from 'node:url'
import {once} from 'node:events'

export const out = (name) => fileURLToPath(new URL(`out/${name}`, import.meta.url))

export const secret = 'absec_e2e_secret'

// startQuickstart returns where the quickstart listens.
export async function startQuickstart() {
  const {text, stop} = await start('quickstart', ['-addr', '127.0.0.1:0'], {}, /(http:\S+)\s/)
  return {url: new URL(text[1]).origin, stop}
}

// startProvider returns where the OAuth provider listens, and what it has logged.
export async function startProvider(...args) {
  const {text, log, stop} = await start('oauth', ['-addr', '127.0.0.1:0', ...args], {}, /(http:\/\/127\.0\.0\.1:\d+)/)
  return {url: text[1], log, stop}
}

// startInstalled returns where the page of examples/installed is, and its backend.
export async function startInstalled(...args) {
  const {text, log, stop} = await start('installed', ['-addr', '127.0.0.1:0', '-stripe-addr', '127.0.0.1:0', ...args], {}, /(http:\S+)\/ [^]*backend is at (http:\S+),/)
  return {url: text[1], site: text[2], log, stop}
}

// startServer returns where the tests' own server listens (server/main.go).
export async function startServer(certificate) {
  const {text, stop} = await start('server', [], {CERTIFICATE: certificate.file, KEY: certificate.keyFile}, /(http:\S+) (https:\S+)\s/)
  return {url: text[1], secureURL: text[2], stop}
}

// startTestDashboard returns where stripeappstest's Dashboard is, and what it has
// logged (testdashboard/main.go).
export async function startTestDashboard(...args) {
  const {text, log, stop} = await start('testdashboard', args, {}, /(http:\S+) (http:\S+)\s/)
  return {url: text[1], redirectURI: text[2], log, stop}
}

// start waits until the program has printed what it listens on.
async function start(name, args, env, greeting) {
  const child = spawn(out(name), args, {env: {STRIPE_APP_SECRET: secret, ...env}, stdio: ['ignore', 'pipe', 'pipe']})
  let output = ''
  let log = ''
  child.stderr.on('data', (data) => (log += data))
  const text = await new Promise((resolve, reject) => {
    const fail = (what) => reject(new Error(`${name} ${what}: ${output}${log}`))
    const late = setTimeout(() => (child.kill('SIGKILL'), fail('did not say where it listens within 10 s')), 10_000)
    child.once('error', (error) => fail(error))
    child.once('exit', (code) => fail(`ended with ${code}`))
    child.stdout.on('data', (data) => {
      output += data
      const match = greeting.exec(output)
      if (match) resolve(match), clearTimeout(late)
    })
  })
  const stop = async () => {
    if (child.exitCode !== null) return
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  return {text, log: () => output + log, stop}
}
