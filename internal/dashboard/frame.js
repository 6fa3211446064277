'use strict';

// For extensions that do not make the SDK's endpoint themselves: its functions as
// globals, and the endpoint, for the SDK where it is bundled into a script.
{
  const CALL = 0;
  const RESULT = 1;
  const waiting = new Map(); // the calls without a result
  let calls = 0;

  const connected = new Promise((resolve) => {
    addEventListener('message', (event) => {
      if (event.source !== parent || event.data?.type !== 'init_stripeappstest') return;
      event.stopImmediatePropagation(); // this is not the extension's
      const [port] = event.ports;
      port.onmessage = ({ data: [type, [id, error, value]] }) => {
        if (type !== RESULT) return;
        const { settle, fail } = waiting.get(id);
        waiting.delete(id);
        if (error) fail(Object.assign(new Error(), error));
        else settle(value);
      };
      resolve({ port, context: event.data.context });
    });
  });

  // JSON leaves out what cannot be sent, such as functions, as it does when the
  // extension writes its body.
  const call = async (name, ...args) => {
    const text = JSON.stringify(args);
    const { port } = await connected;
    return new Promise((settle, fail) => {
      const id = String(++calls);
      waiting.set(id, { settle, fail });
      port.postMessage([CALL, [id, name, JSON.parse(text)]]);
    });
  };

  Object.assign(globalThis, {
    fetchStripeSignature: (payload) => call('fetchStripeSignature', payload),
    createOAuthState: (state) => call('createOAuthState', state),
    extensionContext: connected.then(({ context }) => context),
    __StripeExtExports: {
      endpoint: { call: new Proxy({}, { get: (_, name) => (...args) => call(name, ...args) }) },
    },
  });
}
