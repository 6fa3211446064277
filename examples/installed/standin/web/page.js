'use strict';

// This page plays the Dashboard: it hosts the extension, and gets signatures for it.

const { userId, accountId } = document.body.dataset;

const extension = document.getElementById('extension');

hostExtension(extension, {
  who: 'The stand-in for Stripe',
  context: { userContext: { id: userId, account: { id: accountId } }, environment: { mode: 'test' } },
  functions: {
    async fetchStripeSignature(payload) {
      const response = await post('/sign', { ...payload });
      if (!response.ok) throw new Error(await response.text());
      return response.text();
    },

    // No Dashboard has these: what the app has responded, for the page, and how high
    // the extension is.
    async answered(answer) {
      await post('/answered', answer);
      await refresh();
    },
    resize(height) {
      extension.height = Math.min(Math.max(Number(height) || 0, 100), 400);
    },
  },
});

const post = (path, body) =>
  fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) });

// refresh shows the page as it is now, all but the extension's frame.
async function refresh() {
  const response = await fetch('/');
  const now = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const part of document.querySelectorAll('[data-part]')) {
    const other = now.getElementById(part.id);
    part.className = other.className;
    if (part.dataset.part === 'content') part.replaceChildren(...other.childNodes);
  }
}
