// The extension: it runs in the sandboxed iframe, signs with Stripe's own SDK,
// and calls the backend as the documentation says.
import fetchStripeSignature from '@stripe/ui-extension-sdk/signature';
import {createEndpoint, fromMessagePort} from '@remote-ui/rpc';

// What is behind the SDK's entry in the Dashboard: the endpoint on the port that
// comes with init_extension, and what the extension is told of its context.
declare global {
  var __StripeExtExports: {endpoint: unknown};
}

type User = {user_id: string; account_id: string};
let signedIn: (user: User) => void;
const user = new Promise<User>((resolve) => (signedIn = resolve));
addEventListener('message', ({data, ports}) => {
  if (data.type !== 'init_extension') return;
  globalThis.__StripeExtExports = {endpoint: createEndpoint(fromMessagePort(ports[0]))};
  ports[0].start();
  signedIn(data.user);
});

type Request = {
  url: string;
  method?: string;
  payload?: Record<string, unknown>; // what is signed, with the ids
  instead?: Record<string, unknown>; // what is sent instead of it: tampered
  unsigned?: boolean;
  idsInHeaders?: boolean; // and no body
  text?: string; // the body, whatever is signed
};

// What a page's script can see of an answer, or that it sees none.
type Answer = {status?: number; type?: string; redirected?: boolean; body?: any; error?: string};

async function call({url, method = 'POST', payload, instead, unsigned, idsInHeaders, text}: Request): Promise<Answer> {
  const ids = await user;
  const headers: Record<string, string> = {};
  if (!unsigned) headers['Stripe-Signature'] = await fetchStripeSignature(payload as any);
  let body: string | undefined;
  if (idsInHeaders) {
    headers['Stripe-User-Id'] = ids.user_id;
    headers['Stripe-Account-Id'] = ids.account_id;
  } else {
    headers['Content-Type'] = 'application/json';
    body = text ?? JSON.stringify({...(instead ?? payload), ...ids});
  }
  try {
    const response = await fetch(url, {method, headers, body, signal: AbortSignal.timeout(10_000)});
    const answer = await response.text();
    const json = response.headers.get('Content-Type')?.includes('json');
    return {status: response.status, type: response.type, redirected: response.redirected, body: json ? JSON.parse(answer) : answer};
  } catch (error) {
    return {error: String(error)};
  }
}

Object.assign(globalThis, {call});
