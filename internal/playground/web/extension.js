'use strict';

// What a real extension does is in send, echo and whoami. Here frame.js gives it
// what Stripe's SDK would: extensionContext and fetchStripeSignature.

const requests = {
  signed: () => echo(),
  tampered: () => echo({ change: { user_id: 'usr_somebody_else' } }),
  expired: () => echo(), // the page around this has it signed as of some time ago
  unsigned: () => echo({ sign: false }),
  headers: whoami,
};

async function echo({ sign = true, change = {} } = {}) {
  const { userContext } = await extensionContext;
  const payload = { action: 'hello', note: document.getElementById('note').value };
  const headers = { 'Content-Type': 'application/json' };
  if (sign) headers['Stripe-Signature'] = await fetchStripeSignature(payload);
  // Stripe signs this text, with the two ids at its end.
  const body = JSON.stringify({ ...payload, user_id: userContext.id, account_id: userContext.account.id, ...change });
  return fetch('/api/echo', { method: 'POST', headers, body });
}

async function whoami() {
  const { userContext } = await extensionContext;
  const signature = await fetchStripeSignature();
  return fetch('/api/whoami', {
    headers: { 'Stripe-User-Id': userContext.id, 'Stripe-Account-Id': userContext.account.id, 'Stripe-Signature': signature },
  });
}

// page has what no Dashboard has: it shows what goes over the wire.
const page = globalThis.__StripeExtExports.endpoint.call;

async function send(button) {
  show('busy', 'Sending…', '');
  try {
    await page.begin(button);
    const response = await requests[button]();
    const body = await response.json();
    if (response.ok) {
      show('passed', `${response.status} Verified`, `as ${body.user_id} of ${body.account_id}`);
    } else {
      show('refused', `${response.status} Refused`, `${body.code}: ${body.detail}`);
    }
  } catch (error) {
    show('refused', 'No response', `${error.message}. Is the quickstart running, and does its CORSConfig allow this?`);
  }
  await page.end().catch(() => {}); // without a backend there is nothing to show
}

function show(state, title, detail) {
  const line = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const result = document.getElementById('result');
  result.className = `result ${state}`;
  result.replaceChildren(line('strong', title), line('p', detail.replaceAll("'", '’')));
}

const buttons = document.querySelectorAll('button[data-send]');
let busy = false;
for (const button of buttons) {
  button.addEventListener('click', async () => {
    if (busy) return;
    busy = true; // not disabled: that would take the focus away
    for (const other of buttons) other.classList.toggle('last', other === button);
    await send(button.dataset.send);
    busy = false;
  });
}

document.getElementById('note').addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.isComposing || event.repeat) return;
  event.preventDefault();
  document.querySelector('[data-send=signed]').click();
});

if (parent === window) {
  busy = true; // nobody would reply
  show('refused', 'Not in its frame', `Open ${location.origin}/ instead: that page plays the Dashboard.`);
} else {
  // The page cannot look into this iframe to see how high it is.
  new ResizeObserver(([entry]) => {
    page.resize(Math.ceil(entry.target.getBoundingClientRect().height));
  }).observe(document.getElementById('app'));
}
