// The extension: it runs in the sandboxed iframe, signs with Stripe's own SDK,
// and calls the backend as the documentation says.
import {createOAuthState} from '@stripe/ui-extension-sdk/oauth';
import fetchStripeSignature from '@stripe/ui-extension-sdk/signature';
import {createEndpoint, fromMessagePort} from '@remote-ui/rpc';

// What is behind the SDK's entry in the Dashboard: the endpoint on the port that
// comes with init_extension, and what the extension is told of its context.
declare global {
  var __StripeExtExports: {endpoint: any};
}

type User = {user_id: string; account_id: string};
type OAuthContext = {code?: string; error?: string; state: string; verifier: string};
type Context = {user: User; oauthContext?: OAuthContext};
let initialize: (context: Context) => void;
const context = new Promise<Context>((resolve) => (initialize = resolve));
addEventListener('message', ({data, ports}) => {
  if (data.type !== 'init_extension') return;
  globalThis.__StripeExtExports = {endpoint: createEndpoint(fromMessagePort(ports[0]))};
  ports[0].start();
  initialize(data);
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

// What a page's script can see of a response, or that it sees none.
type Seen = {status?: number; type?: string; redirected?: boolean; body?: any; error?: string};

async function call({url, method = 'POST', payload, instead, unsigned, idsInHeaders, text}: Request): Promise<Seen> {
  const {user: ids} = await context;
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
  return ask(url, {method, headers, body});
}

async function ask(url: string, init: RequestInit): Promise<Seen> {
  try {
    const response = await fetch(url, {...init, signal: AbortSignal.timeout(10_000)});
    const text = await response.text();
    const json = response.headers.get('Content-Type')?.includes('json');
    return {status: response.status, type: response.type, redirected: response.redirected, body: json ? JSON.parse(text) : text};
  } catch (error) {
    return {error: String(error)};
  }
}

type App = {provider: string; clientID: string; redirectURI: string};

// renderSignIn renders the link to the provider, with what the documentation
// passes to it, and encoded no more than there.
async function renderSignIn({provider, clientID, redirectURI}: App, custom?: string) {
  const {state, challenge} = await createOAuthState(custom);
  const url = `${provider}/oauth/authorize?response_type=code&client_id=${clientID}&redirect_uri=${redirectURI}&state=${state}&code_challenge=${challenge}&code_challenge_method=S256`;
  await globalThis.__StripeExtExports.endpoint.call.renderLink(url, 'Sign in');
  return {url, state, challenge};
}

// exchangeInQuery sends the code as the documentation does: everything is in the
// URL, and the body is empty.
async function exchangeInQuery({provider, clientID, redirectURI}: App, {code, verifier}: OAuthContext) {
  const url = `${provider}/oauth/token?code=${code}&grant_type=authorization_code&code_verifier=${verifier}&client_id=${clientID}&redirect_uri=${redirectURI}`;
  const response = await ask(url, {method: 'POST', headers: {'Content-Type': 'application/x-www-form-urlencoded'}});
  return {url, ...response};
}

// post sends a form as RFC 6749 has it, and as every other client does.
const post = (url: string, form: Record<string, string>) => ask(url, {method: 'POST', body: new URLSearchParams(form)});

const postJSON = (url: string, value: unknown) =>
  ask(url, {method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(value)});

const get = (url: string, headers?: Record<string, string>) => ask(url, {headers});

const oauthContext = async () => (await context).oauthContext;

Object.assign(globalThis, {call, oauth: {renderSignIn, oauthContext, exchangeInQuery, post, postJSON, get}});
