// The Dashboard's side: it hosts the extension in a sandboxed iframe, and gives
// it the endpoint that the SDK calls. To sign, it asks Stripe (dashboard.mjs).
import {createEndpoint, fromMessagePort} from '@remote-ui/rpc';

const params = new URLSearchParams(location.search);
const user = {user_id: 'usr_e2e', account_id: 'acct_e2e'};
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
  });
  port1.start();
  frame.contentWindow!.postMessage({type: 'init_extension', user}, '*', [port2]);
});
document.body.append(frame);
