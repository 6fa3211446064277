// The backend that a careful user of Node writes with express, stripe-node, cors and
// helmet, each as its documentation has it. It ends when its standard input does.
import {readFileSync} from 'node:fs'
import cors from 'cors'
import express from 'express'
import helmet from 'helmet'
import Stripe from 'stripe'

const stripe = new Stripe('sk_test_not_used_no_request_is_made')
const secret = process.env.STRIPE_APP_SECRET

const app = express()
app.use(helmet())
app.use(cors({methods: ['POST'], allowedHeaders: ['Content-Type', 'Stripe-Signature']}))
app.post('/api/echo', express.raw({type: 'application/json', limit: '1mb'}), (req, res) => {
  try {
    stripe.webhooks.signature.verifyHeader(req.body, req.get('Stripe-Signature'), secret, 300)
  } catch {
    res.status(401).json({error: 'signature'})
    return
  }
  const payload = JSON.parse(req.body)
  if (!payload.user_id || !payload.account_id) {
    res.status(400).json({error: 'identity'})
    return
  }
  res.json({user_id: payload.user_id, bytes: payload.note.length})
})

const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url))).version
const listener = app.listen(0, '127.0.0.1', (error) => {
  if (error) throw error
  const versions = {node: process.versions.node}
  for (const name of ['express', 'stripe', 'cors', 'helmet']) versions[name] = version(name)
  console.log(JSON.stringify({Address: `127.0.0.1:${listener.address().port}`, Versions: versions}))
})
process.stdin.on('close', () => process.exit()).resume()
