// The application's script, which runs in the page and, to verify signatures, in its workers.

import { answerInWorker } from './signature_workers.js';
import { start } from './app.js';

if (typeof document === 'undefined') answerInWorker();
else start();
