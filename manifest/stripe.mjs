// Brings stripe.json up to date with what Stripe publishes: the names and patterns
// in its JSON Schemas of manifests. What stripe.json has from elsewhere stays as it
// is, but for the names that the schemas have by now.
//
//	git clone --depth 1 https://github.com/stripe/stripe-apps ../stripe-apps
//	node manifest/stripe.mjs ../stripe-apps/schema 2026-11-25
//
// The second argument is the date of the schemas; without it, it is today. What is
// taken from where says stripe.json itself: each `from` is a file of `source` with
// a JSON pointer (RFC 6901). CI does not run this: it would need the network.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, date = new Date().toISOString().slice(0, 10)] = process.argv.slice(2);
if (!folder || !/^\d{4}-\d\d-\d\d$/.test(date)) {
  console.error('usage: node manifest/stripe.mjs FOLDER-OF-SCHEMAS [YYYY-MM-DD]');
  process.exit(2);
}

// at returns what a `from` refers to. stripe-app.schema.yaml is JSON too.
function at(from) {
  const [file, pointer] = from.split('#');
  let value = JSON.parse(readFileSync(join(folder, file), 'utf8'));
  for (const token of pointer.split('/').slice(1)) {
    value = value[token.replaceAll('~1', '/').replaceAll('~0', '~')];
    if (value === undefined) throw new Error(`${from}: the schema has no ${token} there any more`);
  }
  return value;
}

// names are those of an enum, of several consts, or of an object's properties.
function names(value) {
  if (Array.isArray(value)) return value.flatMap(names);
  if (typeof value === 'string') return [value];
  return 'const' in value ? [value.const] : Object.keys(value);
}

const path = join(import.meta.dirname, 'stripe.json');
const published = JSON.parse(readFileSync(path, 'utf8'));
published.date = date;
for (const list of Object.values(published.lists)) {
  if (list.from) list.names = names(at(list.from));
  for (const more of list.also ?? []) more.names = more.names.filter((name) => !list.names?.includes(name));
  if (list.also) list.also = list.also.filter((more) => more.names.length > 0);
}
for (const entry of Object.values(published.patterns)) entry.pattern = at(entry.from);
writeFileSync(path, JSON.stringify(published, null, 2) + '\n');
