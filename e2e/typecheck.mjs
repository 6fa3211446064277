// Checks the TypeScript of every Markdown file of the repository against Stripe's SDK,
// as strictly as the compiler can. The blocks of a document are one module, on the
// lines on which they are; it imports what it uses.
import {execFileSync, spawnSync} from 'node:child_process';
import {mkdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';

const out = 'out/typecheck'; // in this folder, so that node_modules is found
const documents = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {cwd: '..', encoding: 'utf8'});

// typescriptOf returns a text with all lines empty that are not in a block of ts or tsx.
function typescriptOf(text) {
  let inside = false;
  return text.split('\n').map((line) => {
    if (!line.startsWith('```')) return inside ? line : '';
    inside = !inside && /^```tsx?$/.test(line);
    return '';
  }).join('\n');
}

rmSync(out, {recursive: true, force: true});
const files = [];
for (const name of documents.trim().split('\n')) {
  const module = typescriptOf(readFileSync(join('..', name), 'utf8'));
  if (!module.trim()) continue;
  const file = join(out, name + '.tsx');
  mkdirSync(dirname(file), {recursive: true});
  writeFileSync(file, module);
  files.push(file);
}
if (files.length === 0) throw new Error('no document has TypeScript: what is looked for is a line ```ts');

const options = '--noEmit --strict --noUnusedLocals --noImplicitReturns --exactOptionalPropertyTypes --skipLibCheck --pretty false --ignoreConfig ' +
  '--jsx react-jsx --module esnext --moduleResolution bundler --target es2022 --lib es2022,dom,dom.iterable --types react';
const tsc = spawnSync('node_modules/.bin/tsc', [...options.split(' '), ...files], {encoding: 'utf8'});
if (tsc.error) throw tsc.error;
// "out/typecheck/README.md.tsx(62,5): error …" is about README.md:62:5.
process.stderr.write((tsc.stdout + tsc.stderr).replaceAll(/^out\/typecheck\/(.*)\.tsx\((\d+),(\d+)\)/gm, '$1:$2:$3'));
if (tsc.status === 0) console.log(`TypeScript of ${files.length} documents: no errors`);
process.exit(tsc.status ?? 1);
