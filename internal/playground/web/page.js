'use strict';

// This page plays the Dashboard: it hosts the extension, gets signatures for it,
// and shows what the backend's recorder has seen.

const extension = document.getElementById('extension');
const report = document.getElementById('report');

let asked = ''; // the button that was pressed in the extension
let before = 0; // the recorder's seq at that time
let signed = null; // what was signed for the extension since then

// functions are what the extension calls: first the SDK's, and then those that no
// Dashboard has.
const functions = {
  async fetchStripeSignature(payload) {
    const response = await ask('/playground/sign', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ payload: { ...payload }, age: asked === 'expired' ? 'expired' : 'new' }),
    });
    const body = await response.json();
    if (!response.ok) throw new Error(body.detail);
    signed = body;
    return signed.signature; // no more than Stripe gives
  },

  async begin(button) {
    asked = button;
    signed = null;
    before = (await last()).seq;
    report.setAttribute('aria-busy', 'true');
  },
  async end() {
    try {
      show(asked, await recorded());
    } finally {
      report.removeAttribute('aria-busy');
    }
  },
  resize(height) {
    extension.height = Math.min(Math.max(Number(height) || 0, 200), 1200);
  },
};

const { userId, accountId } = document.body.dataset;
const context = { userContext: { id: userId, account: { id: accountId } }, environment: { mode: 'test' } };
hostExtension(extension, { who: 'The playground', context, functions });

async function ask(path, init) {
  try {
    return await fetch(path, init);
  } catch (error) {
    throw new Error(`The page around the extension got no response: ${error.message}`);
  }
}

async function last(after = '') {
  const response = await ask(`/playground/last?after=${after}`);
  return response.json();
}

async function recorded() {
  let document;
  for (let tries = 0; tries < 10; tries++) {
    document = await last(before);
    if (document.request) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return document;
}

// Everything below shows one document of /playground/last. All text is set as
// text, never as HTML.

function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

const titles = {
  signed: 'Signed', tampered: 'Tampered', expired: 'Expired', unsigned: 'Unsigned', headers: 'By headers',
};

function show(kind, { request, preflight, cached, checks }) {
  const parts = [verdict(kind, request, preflight, checks), checkList(checks)];
  parts.push(part('Preflight', preflightAside(preflight, cached), ...preflightLines(preflight, cached)));
  if (request) {
    const covered = signed ? 'highlighted: what the signature covers' : 'no signature covers any of it';
    parts.push(part('Request', covered, requestBlock(request, markHeader(request), signed && sentNodes(request))));
    parts.push(part('Signed text', signed ? 'HMAC-SHA256 with the app’s secret' : '', ...signedText(request)));
    parts.push(part('Response', '', responseBlock(request)));
  }
  report.replaceChildren(...parts);
}

function verdict(kind, request, preflight, checks) {
  const title = el('strong', '', titles[kind] ?? kind);
  const line = (state, chip, ...text) => el('div', `verdict ${state}`, el('span', 'chip', chip), el('p', '', title, ': ', ...text));
  if (!request) {
    return line('refused', 'Stopped', 'no request arrived. ',
      preflight ? 'The browser stopped it after the preflight.' : 'The browser or the network stopped it.');
  }
  const target = el('code', '', `${request.method} ${request.target}`);
  const refused = checks.find((check) => check.state === 'refused');
  if (refused) return line('refused', 'Refused', target, ` stopped at ${refused.name}.`);
  return line('passed', 'Passed', target, ' reached the handler.');
}

function checkList(checks) {
  const list = el('ol', 'checks');
  list.setAttribute('aria-label', 'The checks of the chain, in their order');
  for (const { name, state, why } of checks) {
    list.append(el('li', state.replace(' ', '-'),
      el('span', 'check-name', name), el('span', 'chip', state), el('span', 'why', typeset(why))));
  }
  return list;
}

// typeset is for the backend's prose. What was sent is shown as it is.
const typeset = (prose) => prose.replaceAll("'", '’');

function part(title, aside, ...children) {
  return el('section', 'part', el('h3', '', title, aside ? el('span', 'aside', aside) : null), ...children);
}

function preflightAside(preflight, cached) {
  if (!preflight) return '';
  return cached ? 'an earlier one' : 'sent by the browser on its own';
}

function preflightLines(preflight, cached) {
  const lines = [];
  if (cached) {
    lines.push(el('p', 'said', 'Cached by the browser: it has asked before, and keeps the response for as long as Access-Control-Max-Age says.',
      preflight ? ' What it got then:' : ''));
  } else if (!preflight) {
    lines.push(el('p', 'said', 'None has arrived.'));
  }
  if (preflight) {
    lines.push(el('div', cached ? 'pair old' : 'pair',
      requestBlock(preflight), responseBlock(preflight)));
  }
  return lines;
}

const plain = (name, value) => [value];

function requestBlock({ method, target, proto, request }, mark = plain, body = null) {
  const own = request.header.filter((field) => !isOfBrowser(field));
  const others = request.header.filter(isOfBrowser);
  return el('div', 'block',
    el('div', 'start', `${method} ${target} ${proto}`),
    ...headerLines(own, mark),
    others.length ? el('details', '', el('summary', '', `${others.length} more headers, the browser’s own`), ...headerLines(others, plain)) : null,
    bodyLine(request, body));
}

function responseBlock({ proto, status, reason, response }) {
  return el('div', 'block', el('div', 'start', `${proto} ${status} ${reason}`), ...headerLines(response.header, plain), bodyLine(response));
}

// headerLines lists header lines. mark gets a name and a value and returns nodes
// for the value.
function headerLines(header, mark) {
  return inOrder(header).map(({ name, value }) => el('div', 'line', el('span', 'name', name, ': '), ...mark(name, value)));
}

function bodyLine({ body, tooLarge }, nodes) {
  if (tooLarge) return el('div', 'body', '(a body over 8 KiB, which is not kept)');
  return body ? el('div', nodes ? 'body exact' : 'body', ...(nodes || breakable(body))) : null;
}

const isOfBrowser = ({ name }) => /^(Accept|Connection|Sec-|User-Agent|Cache-Control|Pragma|Referer|Dnt|Priority)/.test(name);

// inOrder puts first what this is about.
function inOrder(header) {
  const rank = ({ name }) => {
    if (name === 'Host') return 0;
    if (name === 'Origin' || name.startsWith('Access-Control-')) return 1;
    if (/^(Stripe-|Content-Type|Content-Length)/.test(name)) return 2;
    return 3;
  };
  return [...header].sort((a, b) => rank(a) - rank(b));
}

const mark = (text, className = '') => el('mark', className, ...breakable(text));

// breakable lets lines end after a comma: JSON has few spaces.
const breakable = (text) => text.split(/(?<=,)/).flatMap((part) => [part, el('wbr')]).slice(0, -1);

const isByHeaders = (request) => request.path === '/api/whoami';

// markHeader marks what is signed in the request's headers.
function markHeader(request) {
  return (name, value) => {
    if (signed && name === 'Stripe-Signature') {
      const [, start, time, rest] = /^(t=)(\d+)(.*)$/.exec(value) ?? ['', value, '', ''];
      return [start, mark(time), rest];
    }
    if (signed && isByHeaders(request) && /^Stripe-(User|Account)-Id$/.test(name)) return [mark(value)];
    return [value];
  };
}

const sentNodes = (request) => comparedNodes(request.request.body, signed.signed);

// comparedNodes marks text, and what of it differs from other.
function comparedNodes(text, other) {
  if (text === other) return [mark(text)];
  const shorter = Math.min(text.length, other.length);
  let start = 0;
  while (start < shorter && text[start] === other[start]) start++;
  let end = 0;
  while (end < shorter - start && text.at(-1 - end) === other.at(-1 - end)) end++;
  const last = text.length - end;
  return [mark(text.slice(0, start)), mark(text.slice(start, last), 'changed'), mark(text.slice(last))];
}

function signedText(request) {
  if (!signed) return [el('p', 'said', 'Nothing was signed. The request says who sends it, and the backend has no reason to believe it.')];
  const time = /^t=(\d+)/.exec(signed.signature)[1];
  const row = (name, nodes) => el('div', 'row', name ? el('span', 'name', name) : null, el('div', 'body exact', mark(time), '.', ...nodes));
  const at = new Date(time * 1000).toISOString().replace('.000', '');
  const notSigned = ` The time is ${at}. The method, the path and all other headers are not signed: anybody could change them.`;

  if (isByHeaders(request)) {
    return [el('div', 'block', row('', [mark(signed.signed)])),
      el('p', 'said', 'The backend puts this text together from the time and the two headers.', notSigned)];
  }
  const sent = request.request.body;
  if (sent === signed.signed) return [el('div', 'block', row('', [mark(sent)])), el('p', 'said', 'The time, a full stop and the body, exactly as it was sent.', notSigned)];
  return [
    el('div', 'block', row('Signed by Stripe', comparedNodes(signed.signed, sent)), row('Sent by the extension', comparedNodes(sent, signed.signed))),
    el('p', 'said', 'One changed character is enough for another HMAC.', notSigned),
  ];
}
