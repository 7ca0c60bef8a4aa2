// The application: asks for a thing's evidence, examines all of it on this device, and only then shows it.

import { equal, hex } from '../src/bytes.js';
import { prepareSignatures } from '../src/ed25519.js';
import { Examination } from '../src/examination.js';
import { ELEMENTS as ELEMENT_NAMES } from '../page/texts.js';
import { h } from '../page/dom.js';
import {
  NoAnswer,
  askEvidence,
  askJobs,
  askMembers,
  askQueries,
  askSecond,
  askStatus,
  lotOf,
  readAddress,
  readCode,
  tellOpening,
  tellScan,
} from './answers.js';
import { lookUpDesign, lookUpFiles } from './designs.js';
import { DesignsView } from './designs_view.js';
import { readFindings } from './journey.js';
import { NodeView } from './node_view.js';
import { OpeningView } from './opening_view.js';
import { ItemRecord } from './record.js';
import { openingsOf, readOpenings, recordedActivation } from './activation.js';
import { BEHIND_MS, assess, namesOneThing } from './rules.js';
import { ScansView } from './scans_view.js';
import { useWorkersFor } from './signature_workers.js';
import { TEXTS, pick } from './texts.js';
import { TraceGraph } from './trace.js';
import { TraceView } from './trace_view.js';
import { chainDigits, chainWords, forgetChain, pinChain, pinnedChain } from './trust.js';
import { View } from './view.js';

const state = {
  language: /^zh\b/i.test(navigator.language) ? 'zh' : 'en',
  target: null, // item and what is printed beside it; null on the first page
  stage: 'start', // start, working, done, files, node
  outcome: null, // of the last look-up
  notKept: false,
  countsScans: false, // whether this node says so
  openings: null, // where this node says that openings are recorded
};

const $ = (id) => document.getElementById(id);
const t = (name) => pick(TEXTS[name], state.language);

/** Examines an evidence file, under the pinned chain; throws `NoAnswer` where nothing may be shown. */
async function examineAbout(bytes, isAsked, pinned) {
  useWorkersFor(bytes);
  await prepareSignatures();
  const examination = new Examination(bytes, { chainId: pinned, roots: [] });
  const verdict = await examination.run();
  const shown = examination.chainId ?? null;
  if (pinned !== null && shown !== null && !equal(shown, pinned)) throw new NoAnswer('other-chain', { chainId: shown });
  if (verdict === 'not-verified') {
    const failed = examination.rows.find(({ result }) => result === 'failed');
    throw new NoAnswer('answer-invalid', { failed: failed.element });
  }
  const { item, design } = examination.evidence;
  if (!isAsked(item, design)) throw new NoAnswer('other-item', { item: item ?? hex(design) });
  return examination;
}

const examine = (bytes, item, pinned) => examineAbout(bytes, (found) => found === item, pinned);
const examineDesign = (bytes, id, pinned) =>
  examineAbout(bytes, (_, found) => found !== null && hex(found) === id, pinned);

/** What the first other member that is listed answers: its record, or how it failed; null where none is listed. */
async function askAnother(item, pinned) {
  let members;
  try {
    ({ members, countsScans: state.countsScans, openings: state.openings } = await askMembers());
  } catch (error) {
    if (error instanceof NoAnswer || error instanceof SyntaxError || error instanceof TypeError) return null;
    throw error;
  }
  const [member] = members;
  if (member === undefined) return null;
  const { name } = member;
  try {
    const bytes = await askSecond(member, { item });
    try {
      return { name, bytes, record: new ItemRecord(await examine(bytes, item, pinned)) };
    } catch (error) {
      if (error instanceof NoAnswer) return { name, fault: 'refused' };
      throw error;
    }
  } catch (error) {
    if (error instanceof NoAnswer) return { name, fault: 'silent' };
    throw error;
  }
}

/** What this node answers about something else than it was asked first, under the same chain and no older. */
async function askBeside(item, own) {
  const record = new ItemRecord(await examine(await askEvidence({ item }), item, own.examination.chainId));
  // From an old block it could leave out what an answer of now has.
  if (record.timeMs < own.timeMs - BEHIND_MS) throw new NoAnswer('stale');
  return record;
}

/** Recalls of the item's lot, as its own evidence proves them. */
async function askLot(record, own, printed) {
  const lot = lotOf(record.item, record.data.lot ?? printed.lot);
  if (lot === null) return { state: 'unknown', findings: [] };
  try {
    const { events } = await askBeside(lot, own);
    const findings = readFindings(events).filter(({ disposition }) => disposition === 'recalled');
    return { state: 'asked', findings };
  } catch (error) {
    if (error instanceof NoAnswer) return { state: 'no-answer', findings: [] };
    throw error;
  }
}

/** Who opened the label's cover before, as the ledger proves it; null where its maker recorded no code. */
async function askOpenings(record, own) {
  const recorded = recordedActivation(record.data.members);
  if (recorded === null) return null;
  const item = openingsOf(recorded);
  try {
    const { events } = await askBeside(item, own);
    return { recorded, state: 'asked', openings: readOpenings(events, recorded) };
  } catch (error) {
    if (error instanceof NoAnswer) return { recorded, state: 'no-answer', openings: [] };
    throw error;
  }
}

/** What compares the code under the label's cover, and has its opening recorded where this node says by whom. */
function openingOf({ record, own, opened }, facts) {
  if (opened === null) return null;
  const url = state.openings;
  const door = url && {
    host: new URL(url).host,
    tell: (code) => tellOpening(url, record.item, code),
    look: () => askOpenings(record, own),
  };
  const told = (first, isOwn) => {
    facts.opening = isOwn ? null : first;
    render();
    $(isOwn ? 'opening-status' : 'verdict')?.focus();
  };
  return new OpeningView({ recorded: opened.recorded, opened, door, told, guarded });
}

/** Everything about an item: the newer of two answers, and what follows from all. */
async function lookUp({ item, printed }) {
  const pinned = pinnedChain();
  const asked = askAnother(item, pinned);
  // Another member's failure is looked at below, also where this node's answer comes to nothing.
  asked.catch(() => {});
  const [bytes] = await Promise.all([askEvidence({ item }), prepareSignatures()]);
  const start = performance.now();
  const own = new ItemRecord(await examine(bytes, item, pinned));
  const ms = performance.now() - start;
  const second = await asked;
  // The second's chain is the first's, or it is no second opinion: whoever makes a chain chooses its time.
  if (second?.record && !equal(second.record.examination.chainId, own.examination.chainId)) {
    second.fault = 'refused';
    delete second.record;
  }
  const isNewer = second?.record !== undefined && second.record.timeMs > own.timeMs + BEHIND_MS;
  const record = isNewer ? second.record : own;
  const [lot, opened] = [await askLot(record, own, printed), await askOpenings(record, own)];
  return { record, bytes: isNewer ? second.bytes : bytes, ms, second, lot, opened, pinned, own, printed };
}

/** What leads from a record to other things: each is asked for under the same chain. */
function traceOf(record) {
  const { chainId } = record.examination;
  const ask = async (item) => new ItemRecord(await examine(await askEvidence({ item }), item, chainId));
  return new TraceView(new TraceGraph(record), ask, guarded);
}

/** What tells this node of a scan, where it counts them and the code names one thing. */
function scansOf({ item, events }, facts) {
  if (!state.countsScans || !namesOneThing(item) || events.length === 0) return null;
  const told = (codes) => {
    facts.scans = codes;
    render();
    $('verdict').focus();
  };
  return new ScansView((cell) => tellScan(item, cell), told, guarded);
}

/** The facts that the rules ask for. */
function factsOf({ record, own, second, lot, opened, pinned, printed }) {
  const withEvent = ({ disposition, event }) => ({ disposition, event, organisation: event.organisation });
  return {
    item: record.item,
    recorded: record.events.length > 0,
    beginning: record.beginning,
    ended: record.ended,
    findings: [
      ...record.findings.map(withEvent),
      ...lot.findings.map((one) => ({ ...withEvent(one), lot: true })),
    ],
    printed,
    recordedLot: record.data.lot,
    recordedExpiry: record.data.expiry,
    reservations: record.reservations,
    pinned: pinned !== null,
    timeMs: own.timeMs,
    now: Date.now(),
    opening: opened?.openings[0] ?? null,
    unanswered: [lot.state === 'no-answer' && 'lot', opened?.state === 'no-answer' && 'opening'].filter(Boolean),
    scans: null,
    second: second && { name: second.name, fault: second.fault, timeMs: second.record?.timeMs ?? null },
  };
}

let latest = 0;

async function run() {
  const turn = ++latest;
  state.stage = 'working';
  state.outcome = null;
  render();
  let outcome;
  try {
    const found = await lookUp(state.target);
    const facts = factsOf(found);
    const views = { trace: traceOf(found.record), scans: scansOf(found.record, facts), opening: openingOf(found, facts) };
    outcome = { ...found, facts, ...views };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    outcome = { refusal: error };
  }
  if (turn !== latest) return;
  state.outcome = outcome;
  state.stage = 'done';
  render();
  $('verdict')?.focus();
}

/** The refusal's values, with an element's name in the reader's language. */
function refusalFacts({ code, values }) {
  const element = values.failed && ELEMENT_NAMES[values.failed][state.language][0];
  return { unchecked: { code, values: element ? { ...values, element } : values } };
}

function renderStart() {
  return [
    h('h2', {}, t('lookHeading')),
    h(
      'form',
      { id: 'look', onsubmit: guarded(submit) },
      h('label', { for: 'code' }, t('codeLabel')),
      h('input', { type: 'text', id: 'code', autocomplete: 'off', spellcheck: 'false', autocapitalize: 'off', required: true }),
      h('p', { class: 'actions' }, h('button', { type: 'submit' }, t('look'))),
    ),
    new DesignsView(state.language).chooser(guarded(takeFiles)),
    h('p', {}, h('a', { href: '/app/?node', id: 'node' }, t('nodeLink'))),
  ];
}

/** Looks up designs by files that were chosen or dropped. */
async function takeFiles(files) {
  if (files.length === 0) return;
  const turn = ++latest;
  Object.assign(state, { target: null, stage: 'working', outcome: null });
  render();
  const pinned = pinnedChain();
  let outcome;
  try {
    const read = await Promise.all(files.map(async (file) => ({ name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) })));
    outcome = { found: await lookUpFiles(read, (bytes, id) => examineDesign(bytes, id, pinned)), pinned };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    outcome = { refusal: error };
  }
  if (turn !== latest) return;
  state.outcome = outcome;
  state.stage = outcome.refusal ? 'done' : 'files';
  render();
  $('verdict')?.focus();
}

/** Shows the design that a certificate's code leads to. */
async function showDesign(id) {
  const turn = ++latest;
  Object.assign(state, { target: null, stage: 'working', outcome: null });
  render();
  const pinned = pinnedChain();
  let outcome;
  try {
    outcome = { found: await lookUpDesign(id, (bytes) => examineDesign(bytes, id, pinned)), pinned };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    outcome = { refusal: error };
  }
  if (turn !== latest) return;
  state.outcome = outcome;
  state.stage = outcome.refusal ? 'done' : 'files';
  render();
  $('verdict')?.focus();
}

function renderFiles() {
  const { found, pinned } = state.outcome;
  const examination = (found.linked ?? found.files.flatMap(({ designs }) => designs)[0])?.examination;
  return [
    new DesignsView(state.language).found(found),
    examination && renderTrust({ record: { examination }, pinned }),
    h('p', { class: 'actions' }, h('button', { type: 'button', id: 'home', onclick: guarded(goHome) }, t('home'))),
  ];
}

const NODE_PAUSE_MS = 2000;

/** Shows this node, and asks it again as long as it is shown. */
async function watchNode() {
  const turn = ++latest;
  let shown = null;
  while (turn === latest) {
    let outcome;
    try {
      const [status, jobs, queries] = await Promise.all([askStatus(), askJobs(), askQueries()]);
      outcome = { status, jobs, queries };
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      outcome = { refusal: error };
    }
    if (turn !== latest) return;
    // What is on the page is left alone while it is right: a reader may stand in it.
    const told = JSON.stringify([outcome, outcome.refusal?.code, state.language]);
    Object.assign(state, { target: null, stage: outcome.refusal ? 'done' : 'node', outcome });
    if (told !== shown) render();
    shown = told;
    await new Promise((resolve) => setTimeout(resolve, NODE_PAUSE_MS));
  }
}

const renderNode = () => [
  new NodeView(state.language).node(state.outcome),
  h('p', { class: 'actions' }, h('button', { type: 'button', id: 'home', onclick: guarded(goHome) }, t('home'))),
];

async function submit(event) {
  event.preventDefault();
  const { value } = $('code');
  try {
    state.target = readCode(value);
    window.history.pushState(null, '', `/app/?${new URLSearchParams({ code: value.trim() })}`);
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    state.outcome = { refusal: error };
    state.stage = 'done';
    render();
    return;
  }
  await run();
}

function fingerprint(title, chainId) {
  return [
    h('p', {}, title),
    h('ol', { class: 'words' }, chainWords(chainId, state.language).map((one) => h('li', {}, one))),
    h('p', {}, `${t('trustDigits')}: `, h('code', { class: 'digits' }, chainDigits(chainId))),
  ];
}

/** Which chain it is: asked once, then remembered. */
function renderTrust({ record, refusal, pinned }) {
  if (refusal?.code === 'other-chain') {
    return h(
      'section',
      { class: 'trust' },
      h('h2', {}, t('trustHeading')),
      fingerprint(t('trustPinned'), pinnedChain() ?? refusal.values.chainId),
      fingerprint(t('trustOther'), refusal.values.chainId),
      h('p', { class: 'actions' }, h('button', { type: 'button', id: 'forget', onclick: guarded(forget) }, t('trustForgetFormer'))),
    );
  }
  if (!record) return null;
  const { chainId } = record.examination;
  if (pinned !== null) {
    return h(
      'details',
      { class: 'pinned' },
      h('summary', {}, t('trustKept')),
      fingerprint(t('trustWords'), chainId),
      h('p', { class: 'actions' }, h('button', { type: 'button', id: 'forget', onclick: guarded(forget) }, t('trustForget'))),
    );
  }
  return h(
    'section',
    { class: 'trust', id: 'trust' },
    h('h2', {}, t('trustHeading')),
    h('p', {}, t('trustAsk')),
    fingerprint(t('trustWords'), chainId),
    state.notKept && h('p', { role: 'status' }, t('trustNotKept')),
    h('p', { class: 'actions' }, h('button', { type: 'button', id: 'pin', onclick: guarded(() => pin(chainId)) }, t('trustYes'))),
  );
}

async function pin(chainId) {
  state.notKept = !pinChain(chainId);
  if (state.notKept) {
    render();
    return;
  }
  await run();
}

async function forget() {
  forgetChain();
  await run();
}

function save() {
  const { bytes, record } = state.outcome;
  const link = h('a', {
    href: URL.createObjectURL(new Blob([bytes], { type: 'application/octet-stream' })),
    download: `${record.item.replace(/^https:\/\/id\.gs1\.org\//, '').replace(/[^A-Za-z0-9.-]+/g, '-')}.evidence`,
  });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function renderOutcome() {
  const { outcome } = state;
  const view = new View(state.language);
  const facts = outcome.refusal ? refusalFacts(outcome.refusal) : outcome.facts;
  const assessed = assess(facts);
  const button = (id, onclick) => h('button', { type: 'button', id, onclick: guarded(onclick) }, t(id));
  return [
    view.verdict(assessed, outcome.record),
    h(
      'p',
      { class: 'actions' },
      outcome.record && [button('print', () => window.print()), button('save', save)],
      state.target && button('retry', run),
      button('home', goHome),
    ),
    renderTrust(outcome),
    outcome.scans?.render(state.language, facts.scans),
    outcome.record &&
      view.record(outcome.record, outcome.lot.state, outcome.opening?.render(state.language), outcome.trace.render(state.language)),
    state.target === null && renderStart(),
  ];
}

function goHome() {
  latest++;
  Object.assign(state, { target: null, stage: 'start', outcome: null });
  window.history.pushState(null, '', '/app/');
  render();
  $('code').focus();
}

function render() {
  document.documentElement.lang = state.language === 'zh' ? 'zh-CN' : 'en';
  document.title = t('title');
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = t(element.dataset.text);
  $('language').lang = state.language === 'zh' ? 'en' : 'zh-CN';
  const content = {
    start: renderStart,
    working: () => [h('p', { class: 'notice', role: 'status' }, t('working'))],
    done: renderOutcome,
    files: renderFiles,
    node: renderNode,
  }[state.stage]();
  $('main').replaceChildren(...content.flat(Infinity).filter(Boolean));
  $('main').dataset.ms = state.outcome?.ms?.toFixed(1) ?? '';
}

/** A fault of the page is shown as that, never as a verdict. */
const guarded =
  (action) =>
  async (...values) => {
    try {
      await action(...values);
    } catch (error) {
      latest++;
      $('main').replaceChildren(h('p', { class: 'notice', role: 'alert' }, `${t('fault')} ${error.message}`));
      throw error;
    }
  };

/** Takes what the address says: a Digital Link, or a code that was typed in. */
async function open() {
  latest++;
  try {
    const typed = new URLSearchParams(window.location.search).get('code');
    const isApp = window.location.pathname.startsWith('/app');
    state.target = isApp ? (typed === null ? null : readCode(typed)) : readAddress(window.location);
    if (!isApp && state.target === null) throw new NoAnswer('bad-code');
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    Object.assign(state, { target: null, stage: 'done', outcome: { refusal: error } });
    render();
    return;
  }
  if (state.target !== null) {
    await run();
    return;
  }
  if (window.location.pathname.startsWith('/app')) {
    const query = new URLSearchParams(window.location.search);
    if (query.has('node')) return watchNode();
    const design = query.get('design');
    if (/^[0-9a-f]{64}$/.test(design)) return showDesign(design);
  }
  Object.assign(state, { stage: 'start', outcome: null });
  render();
}

/** Begins. */
export function start() {
  $('language').addEventListener('click', () => {
    state.language = state.language === 'zh' ? 'en' : 'zh';
    render();
  });
  window.addEventListener('popstate', guarded(open));
  // A file that is dropped anywhere on the page is looked up; the browser must not open it.
  window.addEventListener('dragover', (event) => event.preventDefault());
  window.addEventListener('drop', (event) => {
    event.preventDefault();
    guarded(takeFiles)([...event.dataTransfer.files]);
  });
  window.addEventListener('beforeprint', () => {
    for (const details of document.querySelectorAll('details')) details.open = true;
  });
  guarded(open)();
}
