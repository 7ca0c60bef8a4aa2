// The court's page: examines an evidence file that is dropped on it, without the network.

import { hex } from '../src/bytes.js';
import { prepareSignatures } from '../src/ed25519.js';
import { Examination, versionOf } from '../src/examination.js';
import { compareExhibits } from '../src/exhibits.js';
import { describeFacts } from '../src/facts.js';
import { sha256 } from '../src/hashes.js';
import { printable } from '../src/printable.js';
import { chainOf, readPem } from '../src/trust.js';
import { h } from './dom.js';
import { Report } from './report.js';
import { TEXTS } from './texts.js';

const DER_SEQUENCE = 0x30;

const state = {
  language: /^zh\b/i.test(navigator.language) ? 'zh' : 'en',
  evidence: null, // name, bytes, fingerprint
  originals: [], // name, hash
  chainId: '',
  genesis: null, // SHA-256 of the document
  roots: [], // DER
  outcome: null, // of the last examination: verdict, checks, facts; or notice
};

const $ = (id) => document.getElementById(id);
const t = (name) => TEXTS[name][state.language === 'zh' ? 1 : 0];

const readFile = async (file) => new Uint8Array(await file.arrayBuffer());

/** Takes files from the first input or from a drop: one is the evidence, the others are originals. */
async function takeFiles(files) {
  for (const file of files) {
    const bytes = await readFile(file);
    if (versionOf(bytes) !== null) {
      state.evidence = { name: file.name, bytes, fingerprint: hex(sha256(bytes)) };
    } else {
      state.originals = state.originals.filter(({ name }) => name !== file.name);
      state.originals.push({ name: file.name, hash: sha256(bytes) });
    }
  }
  await examine();
}

async function takeGenesis(files) {
  state.genesis = null;
  if (files.length > 0) {
    const bytes = await readFile(files[0]);
    try {
      state.genesis = chainOf(bytes);
    } catch {
      notice('badGenesis');
      return;
    }
  }
  await examine();
}

async function takeRoots(files) {
  const roots = [];
  for (const file of files) {
    const bytes = await readFile(file);
    if (bytes[0] === DER_SEQUENCE) roots.push(bytes);
    else {
      try {
        roots.push(...readPem(new TextDecoder().decode(bytes)));
      } catch {
        notice('badRoots');
        return;
      }
    }
  }
  state.roots = roots;
  await examine();
}

function notice(name, detail = '') {
  state.outcome = { notice: name, detail };
  render();
}

/** The trusted chain id: null where none is given, undefined where what is given is wrong. */
function trustedChain() {
  const digits = state.chainId.replace(/\s/g, '').toLowerCase();
  if (digits === '') return state.genesis;
  if (!/^[0-9a-f]{64}$/.test(digits)) return void notice('badChain');
  if (state.genesis !== null && hex(state.genesis) !== digits) return void notice('bothChains');
  return Uint8Array.from(digits.match(/../g), (pair) => parseInt(pair, 16));
}

let latest = 0;

async function examine() {
  const turn = ++latest;
  if (state.evidence === null) {
    if (state.originals.length > 0) notice('noEvidence');
    return;
  }
  const chainId = trustedChain();
  if (chainId === undefined) return;
  notice('working');
  // Lets the browser show it.
  await new Promise((resolve) => {
    setTimeout(resolve, 20);
  });
  await prepareSignatures();
  const start = performance.now();
  const examination = new Examination(state.evidence.bytes, { chainId, roots: state.roots });
  const verdict = await examination.run();
  if (turn !== latest) return;
  state.outcome = {
    verdict,
    examination,
    // For the bench.
    ms: performance.now() - start,
    exhibits: compareExhibits(examination, state.originals).files,
    facts: examination.holds ? describeFacts(examination) : null,
  };
  render();
  $('verdict').focus();
}

function renderOutcome() {
  const { outcome, evidence } = state;
  if (outcome === null) return [h('p', {}, t('nothing'))];
  if (outcome.notice) return [h('p', { class: 'notice' }, t(outcome.notice) + outcome.detail)];
  const { verdict, examination, exhibits, facts } = outcome;
  const { rows } = examination;
  const report = new Report(state.language, examination);
  return [
    h(
      'p',
      {
        id: 'verdict',
        class: `verdict ${verdict}`,
        'data-verdict': verdict,
        'data-ms': outcome.ms.toFixed(1),
        tabindex: '-1',
      },
      report.verdict(verdict, rows),
      report.reason(rows),
    ),
    report.files(evidence, exhibits),
    facts && [h('h2', {}, t('proven')), report.facts(facts)],
    h('h2', {}, t('examination')),
    report.examination(rows),
    h('section', {}, h('h2', {}, t('cantShow')), h('p', {}, t('cantShowText'))),
    facts?.history && facts.history.events.length > 0 && [h('h2', {}, t('history')), report.history()],
  ];
}

function render() {
  document.documentElement.lang = state.language === 'zh' ? 'zh-CN' : 'en';
  document.title = t('title');
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = t(element.dataset.text);
  $('language').lang = state.language === 'zh' ? 'en' : 'zh-CN';
  // What the browser would say beside its own button, in its own language.
  for (const element of document.querySelectorAll('[data-chosen]')) {
    const names = [...$(element.dataset.chosen).files].map(({ name }) => printable(name));
    element.textContent = names.length === 0 ? t('noneChosen') : names.join(', ');
  }
  $('outcome').replaceChildren(...renderOutcome().flat(Infinity).filter(Boolean));
  $('print').hidden = !state.outcome?.verdict;
}

/** A fault of the page is shown as that, never as a verdict. */
const guarded =
  (action) =>
  async (...values) => {
    try {
      await action(...values);
    } catch (error) {
      latest++;
      const unreadable = error instanceof DOMException;
      notice(unreadable ? 'unreadable' : 'fault', error.message);
    }
  };

function start() {
  $('language').addEventListener('click', () => {
    state.language = state.language === 'zh' ? 'en' : 'zh';
    render();
  });
  $('files').addEventListener(
    'change',
    guarded((event) => takeFiles([...event.target.files])),
  );
  $('genesis').addEventListener(
    'change',
    guarded((event) => takeGenesis([...event.target.files])),
  );
  $('roots').addEventListener(
    'change',
    guarded((event) => takeRoots([...event.target.files])),
  );
  $('chain').addEventListener(
    'change',
    guarded((event) => {
      state.chainId = event.target.value;
      return examine();
    }),
  );
  $('print').addEventListener('click', () => window.print());
  $('clear').addEventListener('click', () => {
    latest++;
    Object.assign(state, {
      evidence: null,
      originals: [],
      chainId: '',
      genesis: null,
      roots: [],
      outcome: null,
    });
    $('form').reset();
    render();
  });
  $('form').addEventListener('submit', (event) => event.preventDefault());
  document.addEventListener('dragover', (event) => {
    event.preventDefault();
    document.body.classList.add('dragging');
  });
  document.addEventListener('dragleave', (event) => {
    if (event.relatedTarget === null) document.body.classList.remove('dragging');
  });
  document.addEventListener(
    'drop',
    guarded((event) => {
      event.preventDefault();
      document.body.classList.remove('dragging');
      return takeFiles([...event.dataTransfer.files]);
    }),
  );
  window.addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  render();
  // Ready before a file comes.
  prepareSignatures();
}

start();
