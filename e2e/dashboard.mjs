// A stand-in for the Dashboard and for Stripe's servers behind it.
import {createServer} from 'node:http'
import {createServer as createSecureServer} from 'node:https'
import {fileURLToPath} from 'node:url'
import {once} from 'node:events'
import {buildSync} from 'esbuild'
import Stripe from 'stripe'

const bundle = (file) =>
  buildSync({
    entryPoints: [fileURLToPath(new URL(file, import.meta.url))],
    bundle: true,
    write: false,
    format: 'iife',
    define: {'process.env.NODE_ENV': '"production"'},
  }).outputFiles[0].text

const page = (script) => `<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><body><script>${script.replaceAll('</script', '<\\/script')}</script>`

// startDashboard serves
//   /           the Dashboard, with the extension in a sandboxed iframe
//   /?frame=URL the same with any page in the iframe
//   redirectURI the same, where an OAuth provider sends a user back to
export async function startDashboard(secret) {
  const stripe = new Stripe('sk_test_not_used')
  const host = page(bundle('host.ts'))
  const texts = {'/': host, [redirectPath]: host, '/extension': page(bundle('extension.ts'))}

  const server = createServer(async (request, response) => {
    const {pathname} = new URL(request.url, 'http://dashboard')
    if (pathname === '/sign' && request.method === 'POST') {
      let body = ''
      for await (const chunk of request) body += chunk
      const {payload, user, ago} = JSON.parse(body)
      const signed = JSON.stringify({...payload, ...user})
      response.end(
        stripe.webhooks.generateTestHeaderString({payload: signed, secret, timestamp: Math.floor(Date.now() / 1000) - ago}),
      )
    } else if (pathname in texts) {
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(texts[pathname])
    } else {
      response.statusCode = 404
      response.end()
    }
  })
  const {port, stop} = await listen(server)
  const url = `http://127.0.0.1:${port}`
  return {url, redirectURI: url + redirectPath, stop}
}

// As on https://dashboard.stripe.com.
const redirectPath = '/apps-oauth/com.example.app'

// startSite serves someone else's page, on an origin of its own, and as another
// site too: a browser takes localhost and 127.0.0.1 for two.
export async function startSite(text) {
  const {port, stop} = await listen(
    createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html; charset=utf-8')
      response.end(text)
    }),
  )
  return {url: `http://127.0.0.1:${port}/`, otherSiteURL: `http://localhost:${port}/`, stop}
}

// startConsentTarget serves what a browser takes for https://dashboard.stripe.com,
// where an OAuth provider's consent form ends. requests are those that came.
export async function startConsentTarget({cert, key}) {
  const requests = []
  const server = createSecureServer({cert, key}, (request, response) => {
    requests.push(`${request.method} https://${request.headers.host}${request.url}`)
    response.setHeader('Content-Type', 'text/html')
    response.end('<!doctype html><title>the Dashboard</title><link rel="icon" href="data:,">')
  })
  return {requests, ...(await listen(server))}
}

async function listen(server) {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const stop = () => {
    server.close()
    server.closeAllConnections()
  }
  return {port: server.address().port, stop}
}
