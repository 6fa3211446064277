'use strict';

// The Dashboard's side: it hosts the extension in a sandboxed iframe, and gives it
// the endpoint that @stripe/ui-extension-sdk calls. That speaks @remote-ui/rpc:
// [0, [id, name, args]] is a call, and [1, [id, error, value]] its result.

const CALL = 0;
const RESULT = 1;

const { userId, accountId, mode } = document.body.dataset;
const oauthContext = takeOAuthContext();

const api = {
  // The SDK would otherwise ask api.stripe.com itself.
  supportsFetchAppEmbeddedKey: () => false,

  async fetchStripeSignature(payload) {
    const response = await fetch('/sign', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ ...payload }, withoutFunctions),
    });
    if (!response.ok) throw new Error((await response.json()).detail);
    return response.text();
  },

  // The verifier is kept for the tab that the user comes back in.
  async createOAuthState(custom) {
    const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
    const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
    const state = `${nonce}.${base64url(utf8(custom ?? ''))}`;
    localStorage.setItem(state, verifier);
    const hash = await crypto.subtle.digest('SHA-256', utf8(verifier));
    return { state, challenge: base64url(new Uint8Array(hash)) };
  },
};

const frame = document.createElement('iframe');
frame.setAttribute('sandbox', 'allow-scripts');
Object.assign(frame, { title: 'Extension', width: 480, height: 800, src: '/extension/' });
frame.addEventListener('load', () => {
  const context = {
    userContext: { id: userId, account: { id: accountId } },
    environment: { mode },
    oauthContext,
  };
  post({ type: 'init_stripeappstest', context }); // for stripeappstest.js
  post({ type: 'init_extension', user: { user_id: userId, account_id: accountId }, ...context });
});
document.body.append(frame);

// post sends a message with a port to the endpoint. An opaque origin cannot be
// named; frame-src lets nothing else into the frame.
function post(message) {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = ({ data }) => {
    if (Array.isArray(data) && data[0] === CALL) answer(port1, ...data[1]);
  };
  frame.contentWindow.postMessage(message, '*', [port2]);
}

async function answer(port, id, name, args) {
  try {
    if (!Object.hasOwn(api, name)) throw new Error(`stripeappstest's Dashboard does not play ${name}`);
    port.postMessage([RESULT, [id, undefined, await api[name](...args)]]);
  } catch ({ name, message, stack }) {
    port.postMessage([RESULT, [id, { name, message, stack }]]);
  }
}

// The SDK sends {"_@f": id} in place of a function, for which JSON has nothing.
function withoutFunctions(_, value) {
  return value !== null && typeof value === 'object' && Object.hasOwn(value, '_@f') ? undefined : value;
}

// takeOAuthContext returns what the extension is told when an OAuth provider has
// sent the user back: nothing, unless the state is one that was made here.
function takeOAuthContext() {
  if (location.pathname === '/') return undefined;
  const params = new URLSearchParams(location.search);
  const state = params.get('state');
  const verifier = state && localStorage.getItem(state);
  if (!verifier) return undefined;
  localStorage.removeItem(state);
  return { code: params.get('code') ?? undefined, error: params.get('error') ?? undefined, state, verifier };
}

function utf8(text) {
  return new TextEncoder().encode(text);
}

function base64url(bytes) {
  return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))
    .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
