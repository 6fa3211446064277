'use strict';

// hostExtension plays the Dashboard for the extension in frame, a sandboxed
// iframe: it gives it the endpoint that @stripe/ui-extension-sdk calls, with
// these functions and no others, and tells it this context. who says which
// Dashboard it is, in errors.
//
// The endpoint speaks @remote-ui/rpc: [0, [id, name, args]] is a call, and
// [1, [id, error, value]] its result.
function hostExtension(frame, { who, context, functions }) {
  const CALL = 0;
  const RESULT = 1;

  // The SDK would otherwise ask api.stripe.com itself.
  const api = { supportsFetchAppEmbeddedKey: () => false, ...functions };

  frame.addEventListener('load', connect);
  if (frame.contentWindow) connect(); // it may have been loaded before

  function connect() {
    const { userContext } = context;
    post({ type: 'init_stripeappstest', context }); // for frame.js
    post({ type: 'init_extension', user: { user_id: userContext.id, account_id: userContext.account.id }, ...context });
  }

  // post sends a message with a port to the endpoint. An opaque origin cannot be
  // named; the page's frame-src lets nothing else into the frame.
  function post(message) {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = ({ data }) => {
      if (Array.isArray(data) && data[0] === CALL) reply(port1, ...data[1]);
    };
    frame.contentWindow.postMessage(message, '*', [port2]);
  }

  async function reply(port, id, name, args) {
    try {
      if (!Object.hasOwn(api, name)) throw new Error(`${who} does not play ${name}`);
      port.postMessage([RESULT, [id, undefined, await api[name](...args)]]);
    } catch ({ name, message, stack }) {
      port.postMessage([RESULT, [id, { name, message, stack }]]);
    }
  }
}
