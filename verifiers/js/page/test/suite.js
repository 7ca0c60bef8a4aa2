#!/usr/bin/env node
// Runs the tests of several files in one process, one after the other, so that they share a browser.
//   node --test-reporter=spec page/test/suite.js FILE…

import { pathToFileURL } from 'node:url';

for (const file of process.argv.slice(2)) await import(pathToFileURL(file));
