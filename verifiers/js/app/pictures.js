#!/usr/bin/env node
// Writes a picture of everything that both pages show, at 360 and 1280 px in both languages, light and dark, and a sheet
// with all of them side by side: app/pictures/index.html. Exit code 1 where a page is wrong, a picture is
// missing, or no font here shows Chinese.
//   npm run pictures --prefix verifiers/js        TOUCHSTONE_BROWSER=firefox takes them there

import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SCENES as COURT } from '../page/test/scenes.js';
import { contactSheet, missingPictures } from '../page/test/pictures.js';
import { SCENES } from './test/scenes.js';

const at = (name) => fileURLToPath(new URL(name, import.meta.url));
const folder = at('pictures');
const scenes = { app: Object.keys(SCENES), court: Object.keys(COURT) };

rmSync(folder, { recursive: true, force: true });
const tests = ['test/reading.test.js', '../page/test/reading.test.js'].map(at);
const { status } = spawnSync(process.execPath, ['--test', '--test-reporter=dot', ...tests], {
  env: { ...process.env, TOUCHSTONE_PICTURES: folder },
  stdio: 'inherit',
});
const missing = missingPictures(folder, scenes);
for (const name of missing) process.stderr.write(`missing, or of another width: ${name}\n`);
writeFileSync(`${folder}/index.html`, contactSheet(scenes));
// Without a font the Chinese pages are boxes, and nobody can review them. fontconfig knows which fonts there are.
const fonts = spawnSync('fc-list', [':lang=zh-cn', 'family'], { encoding: 'utf8' });
const isReadable = fonts.error !== undefined || fonts.stdout.trim() !== '';
if (!isReadable) process.stderr.write('no font for Chinese here, so that its pictures show boxes: apt-get install fonts-wqy-microhei\n');
process.stdout.write(`\n${folder}/index.html: look at every row (CONTRIBUTING.md, "Before a release")\n`);
process.exitCode = status === 0 && missing.length === 0 && isReadable ? 0 : 1;
