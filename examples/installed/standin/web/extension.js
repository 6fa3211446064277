'use strict';

// What a real extension does is in askForBalance. Here frame.js gives it what Stripe's
// SDK would: extensionContext and fetchStripeSignature.

const { backend } = document.body.dataset;

async function askForBalance() {
  const { userContext, environment } = await extensionContext;
  const payload = { action: 'balance', livemode: environment.mode === 'live' };
  const signature = await fetchStripeSignature(payload);
  return fetch(`${backend}/api/balance`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', 'Stripe-Signature': signature },
    body: JSON.stringify({ ...payload, user_id: userContext.id, account_id: userContext.account.id }),
  });
}

// page has what no Dashboard has: it shows what goes over the wire.
const page = globalThis.__StripeExtExports.endpoint.call;

const button = document.getElementById('balance');
const result = document.getElementById('result');
let busy = false;

button.addEventListener('click', async () => {
  if (busy) return;
  busy = true; // not disabled: that would take the focus away
  try {
    const response = await askForBalance();
    const body = await response.json();
    if (response.ok) {
      const [{ amount, currency }] = body.available;
      show('passed', new Intl.NumberFormat('en', { style: 'currency', currency }).format(amount / 100));
    } else {
      show('refused', `${response.status} ${body.code}: ${body.detail}`);
    }
    await page.answered({ status: response.status, code: body.code, detail: body.detail });
  } catch (error) {
    show('refused', `No response: ${error.message}`);
  }
  busy = false;
});

function show(state, text) {
  result.className = `result ${state}`;
  result.textContent = text.replaceAll("'", '’');
}

// The page cannot look into this iframe to see how high it is.
new ResizeObserver(([entry]) => {
  page.resize(Math.ceil(entry.borderBoxSize[0].blockSize));
}).observe(document.querySelector('main'));
