// The application as everyone reads it: wide and narrow, in both languages, light and dark, by keyboard, by screen reader
// and on paper.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BROWSER, VIEWS, checkReadable } from '../../page/test/browser.js';
import { keepPicture, viewName } from '../../page/test/pictures.js';
import { node, open, outcome } from './opened.js';
import { SCENES, Stage } from './scenes.js';
import { LAMP_PATH, WAY, ledgerOf } from './story.js';

for (const view of VIEWS) {
  test(`everyone can read it: ${viewName(view)}`, async (t) => {
    const stage = await Stage.start();
    t.after(stage.server.stop);
    // axe-core is put in as a script of the test's, which the page's policy would refuse.
    const page = await open(`${stage.server.url}/app/`, { ...view, bypassCSP: true });
    assert.equal(await page.evaluate(() => document.documentElement.lang), view.locale === 'zh-CN' ? 'zh-CN' : 'en');
    for (const [i, [scene, { verdict, show }]] of Object.entries(SCENES).entries()) {
      await show(page, stage);
      if (verdict) assert.equal((await outcome(page)).verdict, verdict, scene);
      await checkReadable(page, scene, view, i);
      await keepPicture(page, 'app', scene, view);
    }
    await page.goto(`${stage.server.url}/01/09521321000018/21/2`);
    await outcome(page);
    const before = await page.textContent('h1');
    await page.click('#language');
    assert.notEqual(await page.textContent('h1'), before);
    // What its words name is Chinese, and nothing is left in the other language.
    await checkReadable(page, 'other language', view);
    assert.deepEqual(page.faults, []);
  });
}

test('the keyboard reaches everything', async (t) => {
  const server = await node(t, ledgerOf(WAY));
  const page = await open(`${server.url}${LAMP_PATH}`);
  await outcome(page);
  await page.focus('#language');
  const reached = new Set(['language']);
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab');
    reached.add(await page.evaluate(() => document.activeElement.id || document.activeElement.tagName));
  }
  for (const wanted of ['language', 'print', 'save', 'retry', 'home', 'pin', 'SUMMARY'])
    assert.ok(reached.has(wanted), `${wanted} can't be reached`);
});

test('it prints', async (t) => {
  const server = await node(t, ledgerOf(WAY));
  const page = await open(`${server.url}${LAMP_PATH}`);
  await outcome(page);
  if (BROWSER === 'chromium') {
    await page.emulateMedia({ media: 'print' });
    assert.ok(!(await page.isVisible('#print')));
    assert.ok(await page.isVisible('[data-verdict]'));
  }
  assert.match((await page.pdf({ format: 'A4' })).toString('latin1', 0, 5), /^%PDF-/);
});
