// One browser for all tests of a process: starting one costs as much as several tests.

import { after } from 'node:test';
import { launch } from './browser.js';

let browser = null;
after(async () => (await browser)?.close());

export const sharedBrowser = () => (browser ??= launch());
