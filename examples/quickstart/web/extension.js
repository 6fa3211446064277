'use strict';

// What a real extension does is in send and its two requests. The page around
// this iframe plays @stripe/ui-extension-sdk and the Dashboard.

const userID = document.body.dataset.userId; // userContext.id
const accountID = document.body.dataset.accountId; // userContext.account.id
const pageOrigin = location.origin; // of the URL; this document's own one is null

const requests = {
  signed: () => echo({ age: 'new' }),
  tampered: () => echo({ age: 'new', user: 'usr_somebody_else' }),
  expired: () => echo({ age: 'expired' }),
  unsigned: () => echo({}),
  headers: whoami,
};

async function echo({ age, user = userID }) {
  const payload = { action: 'hello', note: document.getElementById('note').value };
  const headers = { 'Content-Type': 'application/json' };
  if (age) headers['Stripe-Signature'] = await fetchStripeSignature(payload, age);
  // Stripe signs this text, with the two ids at its end.
  const body = JSON.stringify({ ...payload, user_id: user, account_id: accountID });
  return fetch('/api/echo', { method: 'POST', headers, body });
}

async function whoami() {
  const signature = await fetchStripeSignature(undefined, 'new');
  return fetch('/api/whoami', {
    headers: { 'Stripe-User-Id': userID, 'Stripe-Account-Id': accountID, 'Stripe-Signature': signature },
  });
}

async function send(kind) {
  show('busy', 'Sending…', '');
  await ask('begin', { kind });
  try {
    const response = await requests[kind]();
    const answer = await response.json();
    if (response.ok) {
      show('passed', `${response.status} Verified`, `as ${answer.user_id} of ${answer.account_id}`);
    } else {
      show('refused', `${response.status} Refused`, `${answer.code}: ${answer.detail}`);
    }
  } catch (error) {
    show('refused', 'No answer', `${error.message}. Is the quickstart running, and does its CORSConfig allow this?`);
  }
  await ask('end', { kind });
}

// fetchStripeSignature has the SDK's name. Only the age is ours.
async function fetchStripeSignature(payload, age) {
  const { signature, error } = await ask('sign', { payload, age });
  if (error) throw new Error(error);
  return signature;
}

// ask asks the page around this iframe, and waits for its reply.
const waiting = new Map();
let asked = 0;

function ask(question, rest) {
  const id = ++asked;
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    parent.postMessage({ id, question, ...rest }, pageOrigin);
  });
}

addEventListener('message', (event) => {
  if (event.source !== parent || event.origin !== pageOrigin) return;
  waiting.get(event.data.id)?.(event.data);
  waiting.delete(event.data.id);
});

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
  show('refused', 'Not in its frame', `Open ${pageOrigin}/ instead: that page plays the Dashboard.`);
} else {
  // The page cannot look into this iframe to see how high it is.
  new ResizeObserver(([entry]) => {
    parent.postMessage({ question: 'resize', height: Math.ceil(entry.target.getBoundingClientRect().height) }, pageOrigin);
  }).observe(document.getElementById('app'));
}
