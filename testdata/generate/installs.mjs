// Makes the golden redirects of install links: the state as package install makes it,
// written a second time here, and the signature with the real stripe-node, over the
// text that Stripe's documentation names. Nothing here is random and no clock is read.
//
//   npm ci && npm run generate
//
// https://docs.stripe.com/stripe-apps/install-links

import { createHash, createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import Stripe from 'stripe';

const { webhooks } = new Stripe('sk_test_not_used_no_request_is_made');

const SECRET = 'absec_test_secret';
const NEXT_SECRET = 'absec_test_secret_after_the_roll';
const OTHER_SECRET = 'absec_test_secret_of_another_app';
const WEBHOOK_SECRET = 'whsec_test_secret';
const CLOCK = 1700000000;
const TOLERANCE = 300;
const LIFETIME = 1800;
const REDIRECT_URI = 'https://app.example.com/installed';
const KEY = '01'.repeat(31) + '02';
const OTHER_KEY = '03'.repeat(31) + '04';
const USER = 'usr_123';
const ACCOUNT = 'acct_123';
const LIVE = 1; // of the modes of OAuth; an install link has none

const sha256 = (text) => createHash('sha256').update(text).digest();

function makeState({ cookie, key = KEY, expires = CLOCK + LIFETIME, redirectURI = REDIRECT_URI, mode = 0, purpose = `link ${redirectURI}` } = {}) {
  const text = Buffer.alloc(41);
  text.writeUInt8(mode, 0);
  text.writeBigUInt64BE(BigInt(expires), 1);
  sha256(cookie).copy(text, 9);
  const mac = createHmac('sha256', Buffer.from(key, 'hex'));
  mac.update(`stripeapps/install state 1\n${Buffer.byteLength(purpose)}:${purpose}\n`).update(text);
  return Buffer.concat([text, mac.digest()]).toString('base64url');
}

const cookieFor = (value) => `__Host-stripe_install_${sha256(value).toString('base64url').slice(0, 8)}=${value}`;

const VALUE = sha256('a cookie that is not random').toString('base64url');
const OTHER_VALUE = sha256('another cookie that is not random').toString('base64url');
const STATE = makeState({ cookie: VALUE });
const COOKIE = cookieFor(VALUE);

const textFor = ({ state = STATE, user = USER, account = ACCOUNT } = {}) => JSON.stringify({ state, user_id: user, account_id: account });
const sign = (payload, secret = SECRET, timestamp = CLOCK) => webhooks.generateTestHeaderString({ payload, secret, timestamp });
const queryFor = ({ state = STATE, user = USER, account = ACCOUNT, signature = sign(textFor({ state, user, account })), ...more } = {}) =>
  new URLSearchParams(Object.entries({ user_id: user, account_id: account, state, install_signature: signature, ...more }).filter(([, value]) => value !== null)).toString();

const vectors = [];

function add(expect, name, query, { cookie = COOKIE, secrets = [SECRET], clock = CLOCK, ...installed } = {}) {
  if (vectors.some((vector) => vector.name === name)) throw new Error(`two vectors named "${name}"`);
  vectors.push({ name, expect, secrets, clock, query, cookie, ...installed });
}

// accept adds a redirect that must be accepted, and lets stripe-node say so too, as in
// the sample of Stripe's documentation.
function accept(name, query, options = {}) {
  const { secrets = [SECRET], clock = CLOCK } = options;
  const sent = new URLSearchParams(query);
  const payload = textFor({ state: sent.get('state'), user: sent.get('user_id'), account: sent.get('account_id') });
  const accepted = secrets.some((secret) => {
    try {
      return webhooks.signature.verifyHeader(payload, sent.get('install_signature'), secret, TOLERANCE, undefined, clock * 1000);
    } catch {
      return false;
    }
  });
  if (!accepted) throw new Error(`stripe-node refuses "${name}"`);
  add('accepted', name, query, {
    ...options, user_id: sent.get('user_id'), account_id: sent.get('account_id'), unsigned_livemode: sent.get('livemode') !== 'false',
  });
}

const refuse = (code, name, query, options) => add(code, name, query, options);
const GOOD = queryFor();

// ---- accepted

accept('an install in live mode, which is not named', GOOD);
accept('an install in test mode', queryFor({ livemode: 'false' }));
accept('the other order of parameters', GOOD.split('&').reverse().join('&'));
accept('a parameter that nobody knows', queryFor({ utm_source: 'stripe' }));
accept('a signature that is not percent-encoded', decodeURIComponent(GOOD));
accept('a roll: the backend knows both secrets', queryFor({ signature: sign(textFor(), NEXT_SECRET) }), { secrets: [NEXT_SECRET, SECRET] });
accept('a roll: old and new v1, the backend knows the old secret', queryFor({ signature: `${sign(textFor())},${sign(textFor(), NEXT_SECRET).split(',')[1]}` }));
accept('signed as long ago as the tolerance', queryFor({ signature: sign(textFor(), SECRET, CLOCK - TOLERANCE) }));
accept('at the end of the lifetime', queryFor({ signature: sign(textFor(), SECRET, CLOCK + LIFETIME) }), { clock: CLOCK + LIFETIME });
accept('beside the cookie of another install', GOOD, { cookie: `${cookieFor(OTHER_VALUE)}; ${COOKIE}; session=1` });
accept('ids of the longest form', queryFor({ user: 'u'.repeat(255), account: 'A9_'.repeat(85) }));
// fetchStripeSignature({state}) signs the same text: it is the same user, in their own browser.
accept('what an extension has had signed, with the ids of its own user', queryFor({ signature: sign(JSON.stringify({ ...{ state: STATE }, user_id: USER, account_id: ACCOUNT })) }));

// ---- refused: nothing that was begun here

refuse('install_not_started', 'an install from the Marketplace, with neither state nor signature', '');
refuse('install_not_started', 'an install from the Marketplace that names the account', `user_id=${USER}&account_id=${ACCOUNT}`);
refuse('install_not_started', 'signed without a state', queryFor({ state: null, signature: sign(JSON.stringify({ user_id: USER, account_id: ACCOUNT })) }));
refuse('install_not_started', 'signed with a state of null, which is not sent', queryFor({ state: null, signature: sign(textFor({ state: null })) }));
refuse('install_not_started', 'signed with an empty state', queryFor({ state: '' }));
refuse('install_cancelled', 'cancelled, without a state', 'error=access_denied&error_description=The+user+denied+your+request');
refuse('install_cancelled', 'cancelled and signed', queryFor({ error: 'access_denied' }));
refuse('install_failed', 'another error', 'error=server_error');

// ---- refused: the state

const forged = (options, more = {}) => queryFor({ state: makeState({ cookie: VALUE, ...options }), ...more });

refuse('install_invalid_state', 'a state of somebody else, signed by Stripe', queryFor({ state: 'xyz' }));
refuse('install_invalid_state', 'a state made with another key', forged({ key: OTHER_KEY }));
refuse('install_invalid_state', 'a state for another RedirectURI', forged({ redirectURI: 'https://app.example.com/other' }));
refuse('install_invalid_state', 'a state of OAuth', forged({ mode: LIVE, purpose: '' }));
refuse('install_invalid_state', 'padding behind the state', queryFor({ state: `${STATE}==` }));
refuse('install_invalid_state', 'the state in upper case', queryFor({ state: STATE.toUpperCase() }));
refuse('install_expired', 'a second after the lifetime', queryFor({ signature: sign(textFor(), SECRET, CLOCK + LIFETIME + 1) }), { clock: CLOCK + LIFETIME + 1 });
refuse('install_other_browser', 'no cookie', GOOD, { cookie: '' });
refuse('install_other_browser', 'the cookie of another install', GOOD, { cookie: cookieFor(OTHER_VALUE) });
refuse('install_other_browser', 'the value of another install', GOOD, { cookie: COOKIE.replace(VALUE, OTHER_VALUE) });
refuse('install_other_browser', 'the cookie twice', GOOD, { cookie: `${COOKIE}; ${COOKIE}` });

// ---- refused: the form

refuse('install_malformed', 'state twice', `${GOOD}&state=${STATE}`);
refuse('install_malformed', 'account_id twice', `account_id=acct_evil&${GOOD}`);
refuse('install_malformed', 'account_id twice, once encoded', `${GOOD}&account%5Fid=acct_evil`);
refuse('install_malformed', 'install_signature twice', `${GOOD}&install_signature=`);
refuse('install_malformed', 'a percent sign alone', `${GOOD}&x=%`);
refuse('install_malformed', 'semicolons in place of ampersands', GOOD.replaceAll('&', ';'));
refuse('install_malformed', 'no account', queryFor({ account: '' }));
refuse('install_malformed', 'no user', queryFor({ user: '' }));
refuse('install_malformed', 'an account with a quotation mark', queryFor({ account: 'acct_1","x":"' }));
refuse('install_malformed', 'a user of 256 characters', queryFor({ user: 'u'.repeat(256) }));
refuse('install_malformed', 'a livemode that is none', queryFor({ livemode: 'False' }));
refuse('install_malformed', 'more than 16384 bytes', `${GOOD}&x=${'x'.repeat(16384)}`);

// ---- refused: the signature

const signedAs = (payload, secret, timestamp) => queryFor({ signature: sign(payload, secret, timestamp) });

refuse('install_signature_refused', 'no signature', queryFor({ signature: null }));
refuse('install_signature_refused', 'an empty signature', queryFor({ signature: '' }));
refuse('install_signature_refused', 'a signature that is none', queryFor({ signature: 'signature' }));
refuse('install_signature_refused', 'the secret of another app', signedAs(textFor(), OTHER_SECRET));
refuse('install_signature_refused', 'the secret of a webhook', signedAs(textFor(), WEBHOOK_SECRET));
refuse('install_signature_refused', 'a second older than the tolerance', signedAs(textFor(), SECRET, CLOCK - TOLERANCE - 1));
refuse('install_signature_refused', 'a second further in the future than the tolerance', signedAs(textFor(), SECRET, CLOCK + TOLERANCE + 1));
refuse('install_signature_refused', 'another account than the signed one', GOOD.replace('account_id=acct_123', 'account_id=acct_evil'));
refuse('install_signature_refused', 'another user than the signed one', GOOD.replace('user_id=usr_123', 'user_id=usr_evil'));
refuse('install_signature_refused', 'user and account changed round', signedAs(textFor({ user: ACCOUNT, account: USER })));
refuse('install_signature_refused', 'the signature of another install', signedAs(textFor({ state: makeState({ cookie: OTHER_VALUE }) })));
refuse('install_signature_refused', 'the ids alone signed, as for an API request', signedAs(JSON.stringify({ user_id: USER, account_id: ACCOUNT })));
refuse('install_signature_refused', 'the state and an action signed, as for an API request', signedAs(JSON.stringify({ state: STATE, action: 'refund', user_id: USER, account_id: ACCOUNT })));
refuse('install_signature_refused', 'account_id signed before user_id', signedAs(JSON.stringify({ state: STATE, account_id: ACCOUNT, user_id: USER })));
refuse('install_signature_refused', 'the state signed behind the ids', signedAs(JSON.stringify({ user_id: USER, account_id: ACCOUNT, state: STATE })));
refuse('install_signature_refused', 'signed with spaces', signedAs(textFor().replaceAll(':', ': ')));

writeFileSync(new URL('../golden/installs.json', import.meta.url), `${JSON.stringify({ redirect_uri: REDIRECT_URI, state_key: KEY, vectors }, null, 2)}\n`);
const accepted = vectors.filter(({ expect }) => expect === 'accepted').length;
console.log(`testdata/golden/installs.json: ${accepted} accepted, ${vectors.length - accepted} refused`);
