// Makes the golden signed payloads with the real stripe-node, as Stripe's
// servers make them: the payload is the text of
// JSON.stringify({...payload, user_id, account_id}), the header what stripe-node
// generates for it. Nothing here is random and no clock is read, so that every
// run writes the same bytes. events.mjs, which npm runs next, makes the golden events.
//
//   npm ci && npm run generate

import { writeFileSync } from 'node:fs';
import Stripe from 'stripe';

const { webhooks } = new Stripe('sk_test_not_used_no_request_is_made');

const SECRET = 'absec_test_secret';
const NEXT_SECRET = 'absec_test_secret_after_the_roll';
const OTHER_SECRET = 'absec_test_secret_of_another_app';
const SIGNED_AT = 1700000000;
const TOLERANCE = 300;
const USER = 'usr_123';
const ACCOUNT = 'acct_123';
const IDS = { user_id: USER, account_id: ACCOUNT };

const textFor = (payload = {}, ids = IDS) => JSON.stringify({ ...payload, ...ids });
const header = (payload, secret = SECRET, timestamp = SIGNED_AT) =>
  webhooks.generateTestHeaderString({ payload, secret, timestamp });
const v1 = (payload, secret = SECRET, timestamp = SIGNED_AT) => header(payload, secret, timestamp).split(',')[1];

const vectors = [];

function add(expect, name, payload, { secrets = [SECRET], clock = SIGNED_AT, signature = header(payload) } = {}, identity = {}) {
  if (vectors.some((vector) => vector.name === name)) throw new Error(`two vectors named "${name}"`);
  vectors.push({ name, expect, secrets, clock, header: signature, payload, ...identity });
}

// accept adds a vector that must be accepted, and lets stripe-node say so too. It does
// not know the white space that RFC 9110 allows around the commas of a list.
function accept(name, payload, options = {}, ids = IDS) {
  const { secrets = [SECRET], clock = SIGNED_AT, signature = header(payload) } = options;
  const accepted = secrets.some((secret) => {
    try {
      return webhooks.signature.verifyHeader(payload, signature.replace(/[ \t]*,[ \t]*/g, ','), secret, TOLERANCE, undefined, clock * 1000);
    } catch {
      return false;
    }
  });
  if (!accepted) throw new Error(`stripe-node refuses "${name}"`);
  add('accepted', name, payload, options, ids);
}

const refuse = (code, name, payload, options) => add(code, name, payload, options);

// ---- accepted: what JSON.stringify writes, and other languages write otherwise

accept('the two ids alone', textFor());
accept('strings, a number, a boolean and null, with non-ASCII text', textFor({ note: 'a<b>&é😀', n: 1, ok: true, x: null }));
accept('the characters < > and & as they are', textFor({ html: '<script>alert("x")</script> & more' }));
accept('U+2028 and U+2029 as they are', textFor({ text: 'line\u2028paragraph\u2029end' }));
accept('emoji outside the basic plane', textFor({ text: '😀👩‍👩‍👧‍👦🏳️‍🌈' }));
accept('a lone high surrogate, written as an escape', textFor({ text: '\ud83d' }));
accept('a lone low surrogate, written as an escape', textFor({ text: 'a\ude00b' }));
accept('a surrogate pair in the wrong order', textFor({ text: '\ude00\ud83d' }));
accept('control characters, short and long escapes', textFor({ text: '\b\f\n\r\t\u0000\u001f\u007f\u0080' }));
accept('quotes, slashes and backslashes', textFor({ text: '"\\/\'`', path: 'C:\\new\\table' }));
accept('an escaped quote before what looks like the ids', textFor({ text: '","user_id":"usr_evil","account_id":"acct_evil"}' }));
accept('integer-like keys, which JavaScript puts first and in order', textFor({ b: 1, 10: 'ten', 9: 'nine', a: 2 }));
accept('minus zero, which becomes 0', textFor({ n: -0 }));
accept('large and small numbers: 1e21, 1e-7, 2^53', textFor({ a: 1e21, b: 1e20, c: 1e-7, d: 1e-6, e: 2 ** 53, f: 5e-324, g: 1.7976931348623157e308 }));
accept('fractions and a whole number with a fraction part', textFor({ a: 0.1, b: 1.0, c: 0.1 + 0.2, d: -1.5 }));
accept('NaN and Infinity, which become null', textFor({ a: NaN, b: Infinity }));
accept('undefined members, which vanish', textFor({ a: undefined, b: 1 }));
accept('an array given as the payload, which becomes an object', textFor(['first', 'second']));
accept('a date, which becomes text', textFor({ at: new Date(Date.UTC(2023, 10, 14)) }));
accept('empty keys and values', textFor({ '': '', a: {}, b: [] }));
accept('a nested object that holds other ids', textFor({ on_behalf_of: { user_id: 'usr_evil', account_id: 'acct_evil' } }));
accept('an array of objects that hold other ids', textFor({ rows: [{ user_id: 'usr_1' }, { account_id: 'acct_1' }, [IDS]] }));
accept('names that no decoder takes for the ids', textFor({ ' user_id': 'a', 'user.id': 'b', user_ids: 'c', account: 'd', usér_id: 'e' }));
accept('roles, as fetchStripeSignature checks them', textFor({ stripe_roles: [{ type: 'builtIn', name: 'Administrator' }] }));
accept('state next to another member', textFor({ state: 'xyz', action: 'connect' }));
accept('state inside a nested object', textFor({ install: { state: 'xyz' } }));
accept('an action and a mode', textFor({ action: 'refund', livemode: true, amount: 1250, currency: 'eur' }));
accept('keys beyond ASCII', textFor({ größe: 1, 名前: '名', 'ключ': null, '😀': true }));
accept('__proto__ and constructor as ordinary keys', textFor(JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":2}')));
accept('one hundred members', textFor(Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`field_${i}`, i]))));
accept('nested sixty-four levels deep', textFor({ deep: JSON.parse('['.repeat(64) + ']'.repeat(64)) }));
accept('a payload of 16 KiB', textFor({ text: 'x'.repeat(16384) }));
accept('ids of the longest form', textFor({}, { user_id: 'u'.repeat(255), account_id: 'A9_'.repeat(85) }), {}, { user_id: 'u'.repeat(255), account_id: 'A9_'.repeat(85) });

// ---- accepted: secrets, schemes and clocks

const plain = textFor({ amount: 1250 });

accept('a roll: old and new v1, the backend knows the old secret', plain, { signature: `${header(plain)},${v1(plain, NEXT_SECRET)}` });
accept('a roll: old and new v1, the backend knows the new secret', plain, { secrets: [NEXT_SECRET], signature: `${header(plain)},${v1(plain, NEXT_SECRET)}` });
accept('a roll: old and new v1, the backend knows both', plain, { secrets: [NEXT_SECRET, SECRET], signature: `${header(plain)},${v1(plain, NEXT_SECRET)}` });
accept('the roll is over at Stripe, the backend still knows both', plain, { secrets: [NEXT_SECRET, SECRET], signature: header(plain, NEXT_SECRET) });
accept('the roll has not begun at Stripe, the backend knows both', plain, { secrets: [NEXT_SECRET, SECRET] });
accept('an unknown scheme after v1', plain, { signature: `${header(plain)},v0=${'0'.repeat(64)}` });
accept('unknown schemes around v1', plain, { signature: `v2=abc,${header(plain)},x=` });
accept('v1 before t', plain, { signature: `${v1(plain)},t=${SIGNED_AT}` });
accept('the right v1 behind fifteen wrong ones', plain, { signature: `t=${SIGNED_AT},${`v1=${'0'.repeat(64)},`.repeat(15)}${v1(plain)}` });
accept('a space after the comma, as whoever joins field lines puts it', plain, { signature: header(plain).replace(',', ', ') });
accept('white space around commas and before an unknown scheme', plain, { signature: `${header(plain).replace(',', ' ,\t')} , v0=1` });
accept('exactly as old as the tolerance', plain, { clock: SIGNED_AT + TOLERANCE });
accept('exactly as far in the future as the tolerance', plain, { clock: SIGNED_AT - TOLERANCE });

// ---- refused: nothing, or nothing of the form

refuse('not_signed', 'no signature', plain, { signature: '' });
refuse('malformed_signature', 'a bare word', plain, { signature: 'signature' });
refuse('malformed_signature', 'v1 without t', plain, { signature: v1(plain) });
refuse('malformed_signature', 't twice', plain, { signature: `t=${SIGNED_AT},${header(plain)}` });
refuse('malformed_signature', 't with a plus sign', plain, { signature: `t=+${SIGNED_AT},${v1(plain)}` });
refuse('malformed_signature', 't with a minus sign', plain, { signature: `t=-${SIGNED_AT},${v1(plain)}` });
refuse('malformed_signature', 't with a leading zero', plain, { signature: `t=0${SIGNED_AT},${v1(plain)}` });
refuse('malformed_signature', 't in milliseconds with a fraction', plain, { signature: `t=${SIGNED_AT}.5,${v1(plain)}` });
refuse('malformed_signature', 't that fits no integer', plain, { signature: `t=${'9'.repeat(30)},${v1(plain)}` });
refuse('malformed_signature', 't without a value', plain, { signature: `t=,${v1(plain)}` });
refuse('malformed_signature', 'a space before the equals sign', plain, { signature: header(plain).replace('=', ' =') });
refuse('malformed_signature', 'a space at the end', plain, { signature: `${header(plain)} ` });
refuse('malformed_signature', 'a header that was sent twice and joined', plain, { signature: `${header(plain)}, ${header(plain)}` });
refuse('malformed_signature', 'a comma at the end', plain, { signature: `${header(plain)},` });
refuse('malformed_signature', 'a part without a value', plain, { signature: `${header(plain)},v0` });
refuse('malformed_signature', 'a part with two equals signs', plain, { signature: `${header(plain)},v0=a=b` });
refuse('malformed_signature', 'semicolons instead of commas', plain, { signature: header(plain).replace(',', ';') });
refuse('malformed_signature', 'v1 in upper-case hex', plain, { signature: `t=${SIGNED_AT},v1=${v1(plain).slice(3).toUpperCase()}` });
refuse('malformed_signature', 'v1 one digit short', plain, { signature: header(plain).slice(0, -1) });
refuse('malformed_signature', 'v1 one byte short', plain, { signature: header(plain).slice(0, -2) });
refuse('malformed_signature', 'v1 one digit long', plain, { signature: `${header(plain)}0` });
refuse('malformed_signature', 'v1 without a value', plain, { signature: `t=${SIGNED_AT},v1=` });
refuse('malformed_signature', 'v1 that is not hex', plain, { signature: `t=${SIGNED_AT},v1=${'g'.repeat(64)}` });
refuse('malformed_signature', 'a right v1 beside a malformed one', plain, { signature: `${header(plain)},v1=00` });
refuse('malformed_signature', 'seventeen v1', plain, { signature: `${header(plain)},${Array(16).fill(v1(plain)).join(',')}` });
refuse('malformed_signature', 'longer than 4096 bytes', plain, { signature: `${header(plain)},x=${'y'.repeat(4096)}` });
refuse('no_match', 'only an unknown scheme', plain, { signature: header(plain).replace('v1=', 'v0=') });
refuse('no_match', 'the scheme in upper case', plain, { signature: header(plain).replace('v1=', 'V1=') });

// ---- refused: outside the tolerance

refuse('too_old', 'one second older than the tolerance', plain, { clock: SIGNED_AT + TOLERANCE + 1 });
refuse('too_old', 'a day old', plain, { clock: SIGNED_AT + 86400 });
refuse('too_old', 't of zero', plain, { signature: `t=0,${v1(plain)}` });
refuse('too_new', 'one second further in the future than the tolerance', plain, { clock: SIGNED_AT - TOLERANCE - 1 });
refuse('too_new', 't in milliseconds', plain, { signature: header(plain, SECRET, SIGNED_AT * 1000) });
refuse('too_new', 't further away than any clock counts', plain, { signature: `t=999999999999999999,${v1(plain)}` });

// ---- refused: not what was signed

const flip = (hex, digit) => hex.slice(0, digit) + (parseInt(hex[digit], 16) ^ 1).toString(16) + hex.slice(digit + 1);

refuse('no_match', 'the first bit of v1 flipped', plain, { signature: `t=${SIGNED_AT},v1=${flip(v1(plain).slice(3), 0)}` });
refuse('no_match', 'the last bit of v1 flipped', plain, { signature: `t=${SIGNED_AT},v1=${flip(v1(plain).slice(3), 63)}` });
refuse('no_match', 'another time than the signed one', plain, { signature: `t=${SIGNED_AT + 1},${v1(plain)}` });
refuse('no_match', 'the secret of another app', plain, { signature: header(plain, OTHER_SECRET) });
refuse('no_match', 'a roll, and the backend knows neither secret', plain, { secrets: [OTHER_SECRET], signature: `${header(plain)},${v1(plain, NEXT_SECRET)}` });
refuse('no_match', 'one byte of the payload changed', plain.replace('1250', '1251'), { signature: header(plain) });
refuse('no_match', 'the payload cut short', plain.slice(0, -1), { signature: header(plain) });
refuse('no_match', 'an empty payload', '', { signature: header(plain) });
refuse('no_match', 'a line break behind the payload', `${plain}\n`, { signature: header(plain) });
refuse('no_match', 'a byte order mark before the payload', `\ufeff${plain}`, { signature: header(plain) });
refuse('no_match', 'pretty-printed', JSON.stringify({ amount: 1250, ...IDS }, null, 2), { signature: header(plain) });
refuse('no_match', 'a space after each colon, as Python writes', plain.replaceAll(':', ': '), { signature: header(plain) });
refuse('no_match', 'the keys in another order', JSON.stringify({ ...IDS, amount: 1250 }), { signature: header(plain) });
refuse('no_match', 'account_id before user_id', JSON.stringify({ amount: 1250, account_id: ACCOUNT, user_id: USER }), { signature: header(plain) });
refuse('no_match', '< > and & escaped, as Go writes', textFor({ html: '<&>' }).replace('<&>', '\\u003c\\u0026\\u003e'), { signature: header(textFor({ html: '<&>' })) });
refuse('no_match', 'non-ASCII escaped, as Python writes', textFor({ name: 'é' }).replace('é', '\\u00e9'), { signature: header(textFor({ name: 'é' })) });
refuse('no_match', 'another user', textFor({ amount: 1250 }, { ...IDS, user_id: 'usr_evil' }), { signature: header(plain) });
refuse('only_ids_signed', 'the ids signed, an amount added before them', plain, { signature: header(textFor()) });
refuse('only_ids_signed', 'the ids signed, an amount added behind them', JSON.stringify({ ...IDS, amount: 1250 }), { signature: header(textFor()) });
refuse('no_match', 'the ids signed, the body pretty-printed', JSON.stringify(IDS, null, 2), { signature: header(textFor()) });

// ---- refused: signed, but not an identity

const signed = (code, name, payload) => refuse(code, name, payload);

signed('install_signature', "an install link's signature", textFor({ state: 'xyz' }));
signed('install_signature', "an install link's signature with an empty state", textFor({ state: '' }));
signed('install_signature', "an install link's signature with a state of null", textFor({ state: null }));
signed('no_identity', 'an empty object', '{}');
signed('no_identity', 'not JSON', 'hello');
signed('no_identity', 'an array', JSON.stringify([IDS]));
signed('no_identity', 'a string', JSON.stringify(textFor()));
signed('no_identity', 'null', 'null');
signed('no_identity', 'account_id alone', JSON.stringify({ account_id: ACCOUNT }));
signed('no_identity', 'user_id alone', JSON.stringify({ user_id: USER }));
signed('no_identity', 'account_id first', JSON.stringify({ account_id: ACCOUNT, user_id: USER }));
signed('no_identity', 'a member behind the ids', JSON.stringify({ ...IDS, amount: 1250 }));
signed('no_identity', 'a member between the ids', JSON.stringify({ user_id: USER, amount: 1250, account_id: ACCOUNT }));
signed('no_identity', 'the ids in a nested object only', JSON.stringify({ amount: 1250, ids: IDS }));
signed('no_identity', 'user_id twice', `{"user_id":"usr_evil",${textFor().slice(1)}`);
signed('no_identity', 'user_id twice, once with an escape', `{"user\\u005fid":"usr_evil",${textFor().slice(1)}`);
signed('no_identity', 'both ids twice', `${textFor({}, { user_id: 'usr_evil', account_id: 'acct_evil' }).slice(0, -1)},${textFor().slice(1)}`);
// Names that some JSON decoder takes for a known one: by Unicode's folding, or without _ and -.
for (const name of ['userid', 'user-id', 'user_id_', 'USER-ID', 'accountId', 'AccountID', 'ACTION', 'act\u0130on', 'act\u0131on', 'action_', '_action', 'live-mode', 'liveMode', 'livemode-', 'stripeRoles', '\u017ftripe_roles']) {
  signed('no_identity', `a member ${JSON.stringify(name)}, which some decoders take for a known one`, textFor({ [name]: true }));
}
signed('no_identity', 'an action written with an escape, as JSON.stringify never does', `{"\\u0061ction":"refund",${textFor().slice(1)}`);
signed('no_identity', 'another member twice', `{"amount":1,"amount":2,${textFor().slice(1)}`);
signed('no_identity', 'USER_ID beside user_id', textFor({ USER_ID: 'usr_evil' }));
signed('no_identity', 'Account_Id beside account_id', textFor({ Account_Id: 'acct_evil' }));
signed('no_identity', 'user_id with a long s, which Go folds to s', textFor({ uſer_id: 'usr_evil' }));
signed('no_identity', 'two members whose names differ by case only', textFor({ amount: 1, Amount: 2 }));
signed('no_identity', 'an empty user_id', textFor({}, { ...IDS, user_id: '' }));
signed('no_identity', 'an empty account_id', textFor({}, { ...IDS, account_id: '' }));
signed('no_identity', 'a user_id of null', textFor({}, { ...IDS, user_id: null }));
signed('no_identity', 'a number as account_id', textFor({}, { ...IDS, account_id: 123 }));
signed('no_identity', 'a user_id with a line break', textFor({}, { ...IDS, user_id: 'usr_1\nusr_2' }));
signed('no_identity', 'a user_id of 256 characters', textFor({}, { ...IDS, user_id: 'u'.repeat(256) }));
signed('no_identity', 'a second document behind the first', textFor() + textFor());
signed('no_identity', 'text behind the document', `${textFor()};`);
signed('no_identity', 'a comma behind the last member', textFor().replace(/}$/, ',}'));
signed('no_identity', 'a member without a value', `{"amount",${textFor().slice(1)}`);
signed('no_identity', 'nested 300 levels deep', textFor({ deep: JSON.parse('['.repeat(300) + ']'.repeat(300)) }));

writeFileSync(new URL('../golden/vectors.json', import.meta.url), `${JSON.stringify(vectors, null, 2)}\n`);
const accepted = vectors.filter(({ expect }) => expect === 'accepted').length;
console.log(`testdata/golden/vectors.json: ${accepted} accepted, ${vectors.length - accepted} refused`);
