// The Dashboard's side: it hosts the extension in a sandboxed iframe, and gives
// it the endpoint that the SDK calls. To sign, it asks Stripe (dashboard.mjs).
// For OAuth it keeps the code verifier until the user is back with the state.
import {createEndpoint, fromMessagePort} from '@remote-ui/rpc';

const params = new URLSearchParams(location.search);
const user = {user_id: 'usr_e2e', account_id: 'acct_e2e'};
const oauthContext = takeOAuthContext();
const frame = document.createElement('iframe');
frame.setAttribute('sandbox', 'allow-scripts');
frame.src = params.get('frame') ?? '/extension';
frame.addEventListener('load', () => {
  const {port1, port2} = new MessageChannel();
  createEndpoint(fromMessagePort(port1)).expose({
    supportsFetchAppEmbeddedKey: () => false,
    async fetchStripeSignature(payload?: object) {
      // signedSecondsAgo is set by the test of a signature that was kept too long.
      const ago = (globalThis as any).signedSecondsAgo ?? 0;
      const response = await fetch('/sign', {method: 'POST', body: JSON.stringify({payload, user, ago})});
      return response.text();
    },
    async createOAuthState(custom: string) {
      const verifier = base64url(crypto.getRandomValues(new Uint8Array(32)));
      const nonce = base64url(crypto.getRandomValues(new Uint8Array(16)));
      const state = `${nonce}.${base64url(new TextEncoder().encode(custom))}`;
      localStorage.setItem(state, verifier); // for the tab that the user comes back in
      const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier));
      return {state, challenge: base64url(new Uint8Array(hash))};
    },
    // What an extension renders, the Dashboard shows: here only a link.
    renderLink(href: string, text: string) {
      const link = document.createElement('a');
      Object.assign(link, {href, textContent: text, target: '_blank', rel: 'noopener'});
      document.body.append(link);
    },
  });
  port1.start();
  frame.contentWindow!.postMessage({type: 'init_extension', user, oauthContext}, '*', [port2]);
});
document.body.append(frame);

// takeOAuthContext returns what the extension is told when an OAuth provider has
// sent the user back: nothing, unless the state is one that was made here.
function takeOAuthContext() {
  const state = params.get('state');
  const verifier = state && localStorage.getItem(state);
  if (!verifier) return undefined;
  localStorage.removeItem(state);
  return {code: params.get('code') ?? undefined, error: params.get('error') ?? undefined, state, verifier};
}

function base64url(bytes: Uint8Array) {
  return btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
