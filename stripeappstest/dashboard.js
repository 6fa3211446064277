'use strict';

// The page of a Dashboard. Before this comes host.js, which has hostExtension.

const { userId, accountId, mode } = document.body.dataset;
const oauthContext = takeOAuthContext();

const functions = {
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
const context = { userContext: { id: userId, account: { id: accountId } }, environment: { mode }, oauthContext };
hostExtension(frame, { who: "stripeappstest's Dashboard", context, functions });
document.body.append(frame);

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
