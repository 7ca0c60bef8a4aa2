#!/usr/bin/env node
// Builds touchstone-verify.html: one file with everything inside. The same sources give the same bytes.
//   node page/build.js           writes it
//   node page/build.js --check   requires that the file is what the sources give

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const TARGET = here('../touchstone-verify.html');
const MAX_BYTES = 400 * 1024;

const source = (content) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

/** The licences of what is built in, whole. */
function licences() {
  const texts = ['@noble/curves', '@noble/hashes'].map((name) => {
    const licence = readFileSync(here(`../node_modules/${name}/LICENSE`), 'utf8').trim();
    return `${name}\n\n${licence}`;
  });
  return `Touchstone is licensed under the Apache License 2.0. This page contains:\n\n${texts.join('\n\n')}`;
}

/** The page's bytes. */
export async function buildPage() {
  const bundle = (entry, more) =>
    build({
      entryPoints: [here(entry)],
      bundle: true,
      minify: true,
      write: false,
      charset: 'utf8',
      legalComments: 'none',
      ...more,
    });
  const script = (await bundle('page.js', { format: 'iife', target: 'es2020' })).outputFiles[0].text.trim();
  const style = (await bundle('style.css')).outputFiles[0].text.trim();
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style))
    throw new Error('the content would end its element');
  const policy = [
    "default-src 'none'",
    `script-src ${source(script)}`,
    `style-src ${source(style)}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  const parts = { CSP: policy, LICENCES: licences(), STYLE: style, SCRIPT: script };
  const page = readFileSync(here('page.html'), 'utf8').replace(/@@(\w+)@@/g, (_, name) => parts[name]);
  const bytes = Buffer.from(page);
  if (bytes.length > MAX_BYTES) throw new Error(`the page has ${bytes.length} bytes, more than ${MAX_BYTES}`);
  return bytes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const bytes = await buildPage();
  if (process.argv[2] === '--check') {
    if (!readFileSync(TARGET).equals(bytes)) {
      process.stderr.write('touchstone-verify.html is not what its sources give: run node page/build.js\n');
      process.exitCode = 1;
    }
  } else {
    writeFileSync(TARGET, bytes);
    process.stdout.write(
      `${TARGET}: ${bytes.length} bytes, SHA-256 ${createHash('sha256').update(bytes).digest('hex')}\n`,
    );
  }
}
