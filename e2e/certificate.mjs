// A self-signed certificate, made anew for each run. Nothing else trusts it.
import {execFileSync} from 'node:child_process'
import {createHash, X509Certificate} from 'node:crypto'
import {readFileSync} from 'node:fs'
import {out} from './backend.mjs'

export function makeCertificate(name) {
  const file = out(`${name}.crt`)
  const keyFile = out(`${name}.key`)
  execFileSync('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1'],
    ...['-subj', '/CN=e2e', '-addext', 'subjectAltName=DNS:dashboard.stripe.com,IP:127.0.0.1'],
    ...['-keyout', keyFile, '-out', file],
  ], {stdio: 'pipe'})
  const cert = readFileSync(file)
  const spki = new X509Certificate(cert).publicKey.export({type: 'spki', format: 'der'})
  // Chromium accepts the key with this hash (--ignore-certificate-errors-spki-list).
  return {file, keyFile, cert, key: readFileSync(keyFile), hash: createHash('sha256').update(spki).digest('base64')}
}
