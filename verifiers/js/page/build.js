#!/usr/bin/env node
// Builds the pages: touchstone-verify.html for a court, touchstone-app.html for everyone. Each is one file with everything
// inside. The same sources give the same bytes.
//   node page/build.js           writes them
//   node page/build.js --check   requires that the files are what the sources give

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

/** Sources, policy beside that of scripts and styles, libraries inside, and bounds of the size. */
export const PAGES = {
  verify: {
    target: here('../touchstone-verify.html'),
    html: 'page.html',
    script: 'page.js',
    styles: ['style.css'],
    policy: [],
    libraries: ['@noble/curves', '@noble/hashes'],
    maxBytes: 400 * 1024,
    maxCompressed: 400 * 1024,
  },
  app: {
    target: here('../touchstone-app.html'),
    html: '../app/app.html',
    script: '../app/main.js',
    styles: ['style.css', '../app/app.css'],
    // The node that serves it names in a header which servers it may ask; no icon is asked for.
    // Its workers run its own script, out of the page.
    policy: ['connect-src http: https:', 'img-src data:', 'worker-src blob:'],
    libraries: ['@noble/curves', '@noble/hashes', '@scure/bip39'],
    maxBytes: 400 * 1024,
    maxCompressed: 150 * 1024,
  },
};

const source = (content) => `'sha256-${createHash('sha256').update(content).digest('base64')}'`;

/** The licences of what is built in, whole. */
function licences(libraries) {
  const texts = libraries.map((name) => {
    const licence = readFileSync(here(`../node_modules/${name}/LICENSE`), 'utf8').trim();
    return `${name}\n\n${licence}`;
  });
  return `Touchstone is licensed under the Apache License 2.0. This page contains:\n\n${texts.join('\n\n')}`;
}

/** A page's bytes. */
export async function buildPage(page = PAGES.verify) {
  const bundle = async (entry, more) => {
    const built = await build({
      entryPoints: [here(entry)],
      bundle: true,
      minify: true,
      write: false,
      charset: 'utf8',
      legalComments: 'none',
      ...more,
    });
    return built.outputFiles[0].text.trim();
  };
  const script = await bundle(page.script, { format: 'iife', target: 'es2020' });
  const style = (await Promise.all(page.styles.map((entry) => bundle(entry)))).join('');
  if (/<\/script|<!--/i.test(script) || /<\/style/i.test(style))
    throw new Error('the content would end its element');
  const policy = [
    "default-src 'none'",
    `script-src ${source(script)}`,
    `style-src ${source(style)}`,
    ...page.policy,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
  const parts = { CSP: policy, LICENCES: licences(page.libraries), STYLE: style, SCRIPT: script };
  const html = readFileSync(here(page.html), 'utf8').replace(/@@(\w+)@@/g, (_, name) => parts[name]);
  const bytes = Buffer.from(html);
  const compressed = gzipSync(bytes, { level: 9 }).length;
  if (bytes.length > page.maxBytes || compressed > page.maxCompressed)
    throw new Error(`${page.html} has ${bytes.length} bytes, ${compressed} compressed: more than it may`);
  return bytes;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const page of Object.values(PAGES)) {
    const bytes = await buildPage(page);
    if (process.argv[2] === '--check') {
      if (!readFileSync(page.target).equals(bytes)) {
        process.stderr.write(`${page.target} is not what its sources give: run node page/build.js\n`);
        process.exitCode = 1;
      }
    } else {
      writeFileSync(page.target, bytes);
      const hash = createHash('sha256').update(bytes).digest('hex');
      const compressed = gzipSync(bytes, { level: 9 }).length;
      process.stdout.write(`${page.target}: ${bytes.length} bytes, ${compressed} compressed, SHA-256 ${hash}\n`);
    }
  }
}
