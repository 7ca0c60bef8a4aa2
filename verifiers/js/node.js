// The library in Node: rule 4 of "Signatures" is computed by node:crypto, where that passes the trial.

import { useImplementation } from './src/ed25519.js';
import { nodeCrypto } from './src/node_crypto.js';

useImplementation(nodeCrypto);

export * from './index.js';
