// Makes the golden events with the real stripe-node, as Stripe sends them to a webhook
// endpoint: the shapes are those of its types (Events.d.ts, V2/Core/Events.d.ts,
// Applications.d.ts, Apps/Installs.d.ts), and stripe-node itself reads each of those
// that are accepted. Snapshot events are written with two spaces of indentation, as
// Stripe writes them. Nothing here is random and no clock is read.

import { writeFileSync } from 'node:fs';
import Stripe from 'stripe';

const stripe = new Stripe('sk_test_not_used_no_request_is_made');

const SECRET = 'whsec_test_secret';
const THIN_SECRET = 'whsec_test_secret_of_the_endpoint_for_thin_events';
const NEXT_SECRET = 'whsec_test_secret_after_the_roll';
const SIGNED_AT = 1700000000;
const TOLERANCE = 300;
const ACCOUNT = 'acct_1NuQZ2Merchant01';
const API_VERSION = '2026-10-28.endive';

const header = (payload, secret = SECRET, timestamp = SIGNED_AT) =>
  stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp });
const v1 = (payload, secret) => header(payload, secret).split(',')[1];

const vectors = [];

function add(expect, name, payload, { secrets = [SECRET, THIN_SECRET], clock = SIGNED_AT, signature = header(payload) } = {}, event) {
  if (vectors.some((vector) => vector.name === name)) throw new Error(`two events named "${name}"`);
  vectors.push({ name, expect, secrets, clock, header: signature, payload, ...(event && { event }) });
}

// read is the event as stripe-node reads it, with the first secret that fits.
function read(payload, { secrets = [SECRET, THIN_SECRET], clock = SIGNED_AT, signature = header(payload) } = {}) {
  const thin = JSON.parse(payload).object === 'v2.core.event';
  const errors = [];
  for (const secret of secrets) {
    try {
      const args = [payload, signature, secret, TOLERANCE, undefined, clock * 1000];
      return thin ? stripe.parseEventNotification(...args) : stripe.webhooks.constructEvent(...args);
    } catch (error) {
      errors.push(error.message);
    }
  }
  throw new Error(`stripe-node accepts it with none of the secrets: ${errors.join('; ')}`);
}

const stamp = (created) => (typeof created === 'number' ? created : Date.parse(created) / 1000);

function accept(name, payload, options, change) {
  const event = read(payload, options);
  const context = event.context?.toString() ?? '';
  add('accepted', name, payload, options, {
    id: event.id,
    type: event.type,
    created: stamp(event.created),
    livemode: event.livemode,
    account: event.account ?? context.split('/').at(-1),
    context,
    thin: event.object === 'v2.core.event',
    api_version: event.api_version ?? '',
    object: event.data?.object ?? null,
    related: event.related_object ?? null,
    change: change ?? null,
  });
}

const refuse = (code, name, payload, options) => add(code, name, payload, options);

// ---- shapes

const snapshot = (type, object, more = {}, text = (event) => JSON.stringify(event, null, 2)) =>
  text({
    id: 'evt_1OBxPyGqPlatform0aBcDeFgHi',
    object: 'event',
    account: ACCOUNT,
    api_version: API_VERSION,
    context: ACCOUNT,
    created: 1699999990,
    data: { object },
    livemode: true,
    pending_webhooks: 1,
    request: { id: null, idempotency_key: null },
    type,
    ...more,
  });

const thin = (type, more = {}) =>
  JSON.stringify({
    id: 'evt_test_65R2GpwDsnmpzihMjdT16R2GDhI4SQdXJGRbvn7JA8mPEm',
    object: 'v2.core.event',
    type,
    livemode: true,
    created: '2023-11-14T22:13:10.246Z',
    context: ACCOUNT,
    reason: null,
    ...more,
  });

const application = { id: 'ca_OyTestApplication0123456789', object: 'application', name: 'Example App' };

const install = {
  id: 'appinst_1OBxPyGqPlatform0aBcDeFg',
  object: 'apps.install',
  account: ACCOUNT,
  app: 'com.example.app',
  approval_required: false,
  auth_code: null,
  channel: 'public',
  content_security_policy_granted: { connect_src: ['https://api.example.com/stripe/'], image_src: [] },
  content_security_policy_pending: { connect_src: [], image_src: [] },
  created: 1699999980,
  created_by: null,
  endpoints_granted: [],
  endpoints_pending: [],
  livemode: true,
  permissions_granted: ['event_read', 'charge_read'],
  permissions_pending: [],
  status: 'installed',
};

const related = { id: 'mtr_123', type: 'billing.meter', url: '/v1/billing/meters/mtr_123' };
const thinSigned = (payload) => ({ signature: header(payload, THIN_SECRET) });

// ---- accepted

const authorized = snapshot('account.application.authorized', application);
const deauthorized = snapshot('account.application.deauthorized', application);
accept('account.application.authorized, snapshot', authorized, {}, { kind: 'installed', account: ACCOUNT, app: application.id, status: '' });
accept('account.application.deauthorized, snapshot', deauthorized, {}, { kind: 'uninstalled', account: ACCOUNT, app: application.id, status: '' });
accept('account.application.deauthorized in test mode', snapshot('account.application.deauthorized', application, { livemode: false }), {}, { kind: 'uninstalled', account: ACCOUNT, app: application.id, status: '' });
accept('account.application.authorized of a private app, without an account', snapshot('account.application.authorized', application, { account: undefined, context: undefined }), {}, { kind: 'installed', account: '', app: application.id, status: '' });

for (const [what, kind] of [['authorized', 'installed'], ['deauthorized', 'uninstalled']]) {
  const payload = thin(`v1.account.application.${what}`, { snapshot_event: 'evt_1OBxPyGqPlatform0aBcDeFgHi' });
  accept(`v1.account.application.${what}, thin`, payload, thinSigned(payload), { kind, account: ACCOUNT, app: '', status: '' });
}

for (const [what, kind, status] of [['created', 'installed', 'installed'], ['updated', 'updated', 'installed'], ['deleted', 'uninstalled', 'uninstalling']]) {
  const developers = { account: undefined, context: undefined };
  const data = { object: { ...install, status }, ...(what === 'updated' && { previous_attributes: { permissions_granted: ['event_read'] } }) };
  accept(`apps.install.${what}, to the developer`, snapshot(`apps.install.${what}`, null, { ...developers, data }), {}, { kind, account: ACCOUNT, app: install.app, status });
}
accept('apps.install.deleted of another account than the one it happened in', snapshot('apps.install.deleted', { ...install, account: 'acct_other' }), {}, { kind: 'uninstalled', account: 'acct_other', app: install.app, status: 'installed' });

const meter = thin('v1.billing.meter.error_report_triggered', { related_object: related, reason: { type: 'request', request: { id: 'req_v2_123', idempotency_key: '8a7c' } } });
accept('a thin event about an object', meter, thinSigned(meter));
const noContext = thin('v1.billing.meter.no_meter_found', { context: null });
accept('a thin event whose context is null', noContext, thinSigned(noContext));
const withoutContext = thin('v1.billing.meter.no_meter_found', { context: undefined, livemode: false });
accept('a thin event without a context', withoutContext, thinSigned(withoutContext));
const organization = thin('v1.charge.succeeded', { context: `acct_1Platform/${ACCOUNT}`, related_object: { id: 'ch_1', type: 'charge', url: '/v1/charges/ch_1' } });
accept('a thin event of an organization, whose context is a path', organization, thinSigned(organization));
const bracketed = thin('v2.core.account[configuration.merchant].capability_status_updated', { related_object: { id: ACCOUNT, type: 'v2.core.account', url: `/v2/core/accounts/${ACCOUNT}` }, data: { updated_capability: 'card_payments' } });
accept('a thin event with brackets in its type', bracketed, thinSigned(bracketed));
const ping = thin('v2.core.event_destination.ping', { context: undefined, related_object: { id: 'ed_test_1', type: 'v2.core.event_destination', url: '/v2/core/event_destinations/ed_test_1' } });
accept('the ping of a thin endpoint', ping, thinSigned(ping));
const singleton = thin('v1.balance.available', { related_object: { type: 'balance', url: '/v1/balance' } });
accept('a thin event about an object without an id', singleton, thinSigned(singleton));

accept('a snapshot event of the own account', snapshot('charge.succeeded', { id: 'ch_1', object: 'charge', amount: 1250 }, { account: undefined, context: undefined }));
accept('a snapshot event of an older version, without a context and a request', snapshot('charge.succeeded', { id: 'ch_1', object: 'charge' }, { api_version: '2023-10-16', context: undefined, request: null }));
accept('a snapshot event whose version is null', snapshot('charge.succeeded', { id: 'ch_1', object: 'charge' }, { api_version: null }));
accept('an event written compactly', snapshot('charge.succeeded', { id: 'ch_1', object: 'charge' }, {}, JSON.stringify));
accept('names in an object that only the envelope has elsewhere', snapshot('charge.succeeded', { id: 'ch_1', object: 'charge', metadata: { livemode: 'false', account: 'acct_evil', ID: '1', id: '2' }, description: 'é😀<&>\u2028' }));
accept('a roll: old and new v1, the backend knows the new secret', authorized, { secrets: [NEXT_SECRET], signature: `${header(authorized)},${v1(authorized, NEXT_SECRET)}` }, { kind: 'installed', account: ACCOUNT, app: application.id, status: '' });
accept('v0 beside v1, as in test mode', authorized, { signature: `${header(authorized)},v0=${'0'.repeat(64)}` }, { kind: 'installed', account: ACCOUNT, app: application.id, status: '' });
accept('exactly as old as the tolerance', authorized, { clock: SIGNED_AT + TOLERANCE }, { kind: 'installed', account: ACCOUNT, app: application.id, status: '' });

// ---- refused

refuse('not_signed', 'no signature', authorized, { signature: '' });
refuse('malformed_signature', 'a header that was sent twice and joined', authorized, { signature: `${header(authorized)}, ${header(authorized)}` });
refuse('no_match', 'the secret of another endpoint', authorized, { secrets: [THIN_SECRET] });
refuse('no_match', "the app's own secret, as for an extension's request", authorized, { signature: header(authorized, 'absec_test_secret') });
refuse('no_match', 'a byte changed', deauthorized.replace('Merchant01', 'Merchant02'), { signature: header(deauthorized) });
refuse('no_match', 'parsed, and written again', JSON.stringify(JSON.parse(authorized)), { signature: header(authorized) });
refuse('too_old', 'one second older than the tolerance', authorized, { clock: SIGNED_AT + TOLERANCE + 1 });
refuse('too_new', 'one second further in the future than the tolerance', authorized, { clock: SIGNED_AT - TOLERANCE - 1 });

const malformed = (name, payload) => refuse('malformed_event', name, payload);
malformed('not JSON', 'event');
malformed('a list of events', `[${authorized}]`);
malformed('two events', authorized + authorized);
malformed('another object', JSON.stringify({ ...application }));
malformed("an extension's payload", JSON.stringify({ user_id: 'usr_123', account_id: 'acct_123' }));
malformed('account twice', authorized.replace('{', `{"account":"acct_evil",`));
malformed('Account beside account', authorized.replace('{', `{"Account":"acct_evil",`));
malformed('account written with an escape', authorized.replace('"account"', '"acc\\u006funt"'));
malformed('live_mode in place of livemode', authorized.replace('"livemode"', '"live_mode"'));
malformed('data.object twice', authorized.replace('"object": {', '"object":{},"object": {'));
for (const missing of ['id', 'object', 'type', 'created', 'livemode', 'data']) malformed(`no ${missing}`, snapshot('charge.succeeded', {}, { [missing]: undefined }));
malformed('a livemode that is text', snapshot('charge.succeeded', {}, { livemode: 'true' }));
malformed('a time that is text, in a snapshot event', snapshot('charge.succeeded', {}, { created: '2023-11-14T22:13:10Z' }));
malformed('a time that is a number, in a thin event', thin('v1.charge.succeeded', { created: 1699999990 }));
malformed('an id that is none', snapshot('charge.succeeded', {}, { id: 'evt_1/../2' }));
malformed('an account that is none', snapshot('charge.succeeded', {}, { account: 'acct_1 acct_2' }));
malformed('a related object on another host', thin('v1.charge.succeeded', { related_object: { id: 'ch_1', type: 'charge', url: 'https://evil.example/v1/charges/ch_1' } }));
malformed('nested 300 levels deep', snapshot('charge.succeeded', JSON.parse(`${'{"a":'.repeat(300)}1${'}'.repeat(300)}`)));

writeFileSync(new URL('../golden/events.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`);
const accepted = vectors.filter(({ expect }) => expect === 'accepted').length;
console.log(`testdata/golden/events.json: ${accepted} accepted, ${vectors.length - accepted} refused`);
