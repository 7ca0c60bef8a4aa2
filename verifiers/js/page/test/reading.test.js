// The court's page as everyone reads it: wide and narrow, in both languages, light and dark, by keyboard and on paper.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { goldenPath } from '../../test/support/repository.js';
import { BROWSER, VIEWS, checkReadable, violations } from './browser.js';
import { judge, open } from './opened.js';
import { contactSheet, keepPicture, missingPictures, pictureName, viewName } from './pictures.js';
import { SCENES } from './scenes.js';

for (const view of VIEWS) {
  test(`everyone can read it: ${viewName(view)}`, async () => {
    // axe-core is put in as a script of the test's, which the page's policy would refuse.
    const page = await open({ ...view, bypassCSP: true });
    assert.equal(
      await page.evaluate(() => document.documentElement.lang),
      view.locale === 'zh-CN' ? 'zh-CN' : 'en',
    );
    for (const [i, [scene, { files, verdict }]] of Object.entries(SCENES).entries()) {
      if (files.length > 0) assert.equal((await judge(page, files)).verdict, verdict, scene);
      await page.evaluate(() =>
        document.querySelectorAll('details').forEach((details) => {
          details.open = true;
        }),
      );
      await checkReadable(page, scene, view, i);
      await keepPicture(page, 'court', scene, view);
    }
    const before = await page.textContent('h1');
    await page.click('#language');
    assert.notEqual(await page.textContent('h1'), before);
    await checkReadable(page, 'the other language', view);
    assert.deepEqual(page.faults, []);
    // The checker bites.
    await page.evaluate(() => document.querySelector('label[for=chain]').remove());
    assert.notDeepEqual(await violations(page), []);
  });
}

test('a sheet of pictures is whole only with each picture, in its width', () => {
  const folder = mkdtempSync(join(tmpdir(), 'touchstone-pictures-'));
  try {
    const scenes = { court: Object.keys(SCENES) };
    const png = (width) => Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'), Buffer.from([0, 0, width >> 8, width & 255, 0, 0, 0, 9])]);
    const all = scenes.court.flatMap((scene) => VIEWS.map((view) => [pictureName('court', scene, view), view.viewport.width]));
    assert.equal(missingPictures(folder, scenes).length, all.length);
    for (const [name, width] of all) writeFileSync(join(folder, name), png(width));
    assert.deepEqual(missingPictures(folder, scenes), []);
    assert.deepEqual(all.filter(([name]) => !contactSheet(scenes).includes(encodeURI(name))), []);
    writeFileSync(join(folder, all[0][0]), png(2 * all[0][1]));
    assert.deepEqual(missingPictures(folder, scenes), [all[0][0]]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('the keyboard reaches everything, and the verdict gets the focus', async () => {
  const page = await open();
  await judge(page, goldenPath('item.evidence'));
  assert.equal(await page.evaluate(() => document.activeElement.id), 'verdict');
  await page.focus('#language');
  const reached = new Set(['language']);
  for (let i = 0; i < 40; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }
  for (const wanted of ['language', 'files', 'chain', 'genesis', 'roots', 'print', 'clear', 'SUMMARY']) {
    assert.ok(reached.has(wanted), `${wanted} can't be reached`);
  }
});

test('it prints', async () => {
  const page = await open();
  await judge(page, goldenPath('item.evidence'));
  if (BROWSER === 'chromium') {
    await page.emulateMedia({ media: 'print' });
    assert.ok(!(await page.isVisible('form')));
    assert.ok(await page.isVisible('[data-verdict]'));
  }
  assert.match((await page.pdf({ format: 'A4' })).toString('latin1', 0, 5), /^%PDF-/);
});
