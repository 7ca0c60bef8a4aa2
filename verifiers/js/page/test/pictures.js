// Pictures of all that the pages show, by scene, width, language and colours: made by the tests that everyone can read
// them, where TOUCHSTONE_PICTURES names a folder, and put side by side on a sheet for whoever reviews a release.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BROWSER, VIEWS } from './browser.js';

const FOLDER = process.env.TOUCHSTONE_PICTURES ?? null;
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');

export const viewName = ({ viewport, locale, colorScheme }) => `${viewport.width} px, ${locale}, ${colorScheme}`;

/** The file of a picture. */
export const pictureName = (page, scene, view, browser = BROWSER) =>
  `${browser} ${page} ${scene} ${viewName(view)}.png`.replace(/[ ,]+/g, '-');

/** Keeps a picture of the whole page, where pictures are wanted. */
export async function keepPicture(page, what, scene, view) {
  if (FOLDER === null) return;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, pictureName(what, scene, view)), await page.screenshot({ fullPage: true }));
}

/** The pictures of a folder that aren't there, or aren't as wide as their view. `scenes`: names of scenes by page. */
export function missingPictures(folder, scenes, browser = BROWSER) {
  return Object.entries(scenes).flatMap(([page, names]) =>
    names.flatMap((scene) =>
      VIEWS.filter((view) => {
        const file = join(folder, pictureName(page, scene, view, browser));
        if (!existsSync(file)) return true;
        const bytes = readFileSync(file);
        return !bytes.subarray(0, 8).equals(PNG) || bytes.readUInt32BE(16) !== view.viewport.width;
      }).map((view) => pictureName(page, scene, view, browser)),
    ),
  );
}

/** All pictures on one page: a row for each scene, a column for each view. */
export function contactSheet(scenes, browser = BROWSER) {
  const rows = Object.entries(scenes).flatMap(([page, names]) =>
    names.map((scene) => {
      const cells = VIEWS.map((view) => {
        const file = encodeURI(pictureName(page, scene, view, browser));
        return `<td><a href="${file}"><img src="${file}" alt="${scene}, ${viewName(view)}" loading="lazy"></a></td>`;
      });
      return `<tr><th scope="row">${page}: ${scene}</th>${cells.join('')}</tr>`;
    }),
  );
  const heads = VIEWS.map((view) => `<th scope="col">${viewName(view)}</th>`).join('');
  return `<!doctype html>
<meta charset="utf-8">
<title>Touchstone: pictures of all views, ${browser}</title>
<style>body { font: 16px system-ui } td { vertical-align: top; padding: 4px } img { width: 280px; border: 1px solid #888 }</style>
<table><tr><td></td>${heads}</tr>
${rows.join('\n')}
</table>
`;
}
