// Signatures of a large file are verified by workers, beside the page: a phone has several processors, and a call of the
// browser's cryptography costs the page more than the verification. The workers run this page's own script; what they
// answer is what `verifySignature` says here, and where they fail it is asked here.

import { prepareSignatures, useRemote, verifyHere } from '../src/ed25519.js';

/** Below so many bytes of evidence starting a worker costs more than it saves. */
const WORTH_IT = 200_000;
/** Signatures that are sent together. */
const BATCH = 128;
const MOST_WORKERS = 4;
const KEY = 32;
const SIGNATURE = 64;

const isPage = typeof document !== 'undefined';
/** This page's script, while it runs for the first time. */
const OWN_SCRIPT = isPage ? (document.currentScript?.textContent ?? null) : null;

function pack(batch) {
  const size = batch.reduce((sum, { message }) => sum + KEY + SIGNATURE + 4 + message.length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { key, signature, message } of batch) {
    bytes.set(key, at);
    bytes.set(signature, at + KEY);
    view.setUint32(at + KEY + SIGNATURE, message.length);
    bytes.set(message, at + KEY + SIGNATURE + 4);
    at += KEY + SIGNATURE + 4 + message.length;
  }
  return bytes.buffer;
}

function* unpack(buffer) {
  const view = new DataView(buffer);
  for (let at = 0; at < buffer.byteLength; ) {
    const length = view.getUint32(at + KEY + SIGNATURE);
    const start = at + KEY + SIGNATURE + 4;
    yield [new Uint8Array(buffer, at, KEY), new Uint8Array(buffer, at + KEY, SIGNATURE), new Uint8Array(buffer, start, length)];
    at = start + length;
  }
}

/** What this script does in a worker: it answers each batch with a byte for each signature. */
export function answerInWorker() {
  self.onmessage = async ({ data: { id, buffer } }) => {
    await prepareSignatures();
    const held = await Promise.all([...unpack(buffer)].map((one) => verifyHere(...one)));
    self.postMessage({ id, held: Uint8Array.from(held, Number) });
  };
}

class Workers {
  constructor(url, count) {
    this.queue = [];
    this.sent = new Map();
    this.next = 0;
    this.workers = Array.from({ length: count }, () => {
      const worker = new Worker(url);
      worker.onmessage = ({ data: { id, held } }) => {
        const batch = this.sent.get(id);
        if (batch === undefined) return;
        this.sent.delete(id);
        batch.forEach(({ resolve }, i) => resolve(held[i] === 1));
      };
      worker.onerror = (event) => {
        event.preventDefault();
        this.fail();
      };
      worker.onmessageerror = () => this.fail();
      return worker;
    });
  }

  /** Resolves to whether a signature holds. */
  verify(key, signature, message) {
    if (key.length !== KEY || signature.length !== SIGNATURE) return false;
    return new Promise((resolve, reject) => {
      this.queue.push({ key, signature, message, resolve, reject });
      if (this.queue.length >= BATCH) this.send();
      else if (this.queue.length === 1) queueMicrotask(() => this.send());
    });
  }

  send() {
    const batch = this.queue;
    if (batch.length === 0) return;
    this.queue = [];
    const id = this.next++;
    this.sent.set(id, batch);
    const buffer = pack(batch);
    this.workers[id % this.workers.length].postMessage({ id, buffer }, [buffer]);
  }

  /** Workers that don't run leave the work to the page. */
  fail() {
    useRemote(null);
    const open = [...this.sent.values(), this.queue].flat();
    this.sent.clear();
    this.queue = [];
    for (const { key, signature, message, resolve, reject } of open)
      Promise.resolve(verifyHere(key, signature, message)).then(resolve, reject);
  }
}

let tried = false;

/** Uses workers from now on, if the evidence is large and the browser has them. */
export function useWorkersFor(bytes) {
  if (tried || bytes.length < WORTH_IT || OWN_SCRIPT === null || typeof Worker === 'undefined') return;
  tried = true;
  try {
    const url = URL.createObjectURL(new Blob([OWN_SCRIPT], { type: 'text/javascript' }));
    const policy = globalThis.trustedTypes?.createPolicy('touchstone-own-script', { createScriptURL: (own) => own });
    const count = Math.max(1, Math.min(MOST_WORKERS, (navigator.hardwareConcurrency ?? 2) - 1));
    const workers = new Workers(policy === undefined ? url : policy.createScriptURL(url), count);
    useRemote((key, signature, message) => workers.verify(key, signature, message));
  } catch {
    // A browser that refuses to start them, by its policy say.
    useRemote(null);
  }
}
