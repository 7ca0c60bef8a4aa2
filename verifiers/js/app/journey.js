// An item's history as a person reads it: stages of its way, what each event says, sensor readings, places,
// findings, and which events are declared wrong. It reads a history that an examination has proven, and decides
// nothing about it.

import { canonicalIdentifier } from '../src/identifiers.js';
import { Refusal } from '../src/refusal.js';

/** Stages in the order in which goods mostly pass them; the page shows those that a history has, as they came. */
export const STAGES = [
  'production',
  'packing',
  'loading-port',
  'voyage',
  'import-port',
  'warehouse',
  'customs',
  'inspection',
  'distribution',
  'retail',
  'last-mile',
  'end',
];

// Numbers of the enum Role (docs/format.md).
const ROLE = { customs: 7, inspection: 8, laboratory: 9 };

/** Dispositions of CBV 2.0 that a buyer should hear of, the worst first. */
export const FINDINGS = ['recalled', 'stolen', 'non_conformant', 'damaged', 'needs_replacement', 'mismatch_instance'];

export const textOf = (value) => (typeof value === 'string' ? value : '');
export const listOf = (value) => (Array.isArray(value) ? value : []);

/** The bare word of a term of the Core Business Vocabulary, in whichever of its three spellings it comes. */
export function word(term) {
  const last = textOf(term)
    .split(/[:/#]/)
    .pop();
  return last.slice(last.indexOf('-') + 1);
}

/** The canonical form of an identifier, or the text as it stands where it has none. */
export function identifier(value) {
  try {
    return canonicalIdentifier(textOf(value));
  } catch (error) {
    if (error instanceof Refusal) return textOf(value);
    throw error;
  }
}

const namesItem = (list, item) => listOf(list).some((one) => identifier(one) === item);

/** The events of an examined history, each with what the page says of it. */
export function readEvents(examination) {
  const { item } = examination.evidence;
  const events = (examination.history ?? []).map(({ entry, content, via }) => {
    const source = new TextDecoder().decode(content.bytes);
    const document = JSON.parse(source);
    const capture = content.transaction.capture_events;
    return {
      entry,
      source,
      document,
      via,
      organisation: entry.organisation,
      recordedMs: Number(entry.time_ms),
      eventMs: Date.parse(textOf(document.eventTime)),
      offset: textOf(document.eventTimeZoneOffset),
      type: textOf(document.type),
      action: textOf(document.action),
      step: word(document.bizStep),
      disposition: word(document.disposition),
      place: placeOf(document),
      container: document.parentID == null ? null : identifier(document.parentID),
      begins: beginsLife(document, item),
      isDeclaration: document.errorDeclaration != null,
      declaredWrongBy: null,
      isOfClass: false,
      statement: capture.offer
        ? { kind: 'offer', to: capture.offer.to }
        : capture.answer
          ? { kind: 'answer', outcome: capture.answer.outcome, discrepancy: capture.answer.discrepancy }
          : capture.claim
            ? { kind: 'claim', reason: capture.claim.reason }
            : null,
      certificates: certificatesOf(document),
    };
  });
  markDeclaredWrong(events);
  markOfClass(events, item);
  return events;
}

/** Whether an event brings the item into being (docs/custody.md, "Life"). */
function beginsLife(document, item) {
  if (document.type === 'ObjectEvent') return document.action === 'ADD' && namesItem(document.epcList, item);
  return document.type === 'TransformationEvent' && namesItem(document.outputEPCList, item);
}

/**
 * A declaration is about the last event before it with its `eventID` by the same organisation. Histories are long, and
 * declarations may be many.
 */
function markDeclaredWrong(events) {
  const last = new Map();
  events.forEach((event, by) => {
    const id = textOf(event.document.eventID);
    if (id === '') return;
    const name = JSON.stringify([event.organisation, id]);
    if (!event.isDeclaration) last.set(name, event);
    else if (last.has(name)) last.get(name).declaredWrongBy = by;
  });
}

const THINGS = ['epcList', 'childEPCs', 'inputEPCList', 'outputEPCList'];
const CLASSES = ['quantityList', 'childQuantityList', 'inputQuantityList', 'outputQuantityList'];

const namesThing = (document, id) =>
  namesItem([textOf(document.parentID)], id) || THINGS.some((list) => namesItem(document[list], id));
const namesClass = (document, id) =>
  CLASSES.some((list) => namesItem(listOf(document[list]).map((one) => one?.epcClass), id));

/**
 * A URI from outside GS1 doesn't tell whether it names a thing or a class, and everybody's events name classes: those that
 * name a thing as a class alone don't count, nor those that name a container around it so.
 */
function markOfClass(events, item) {
  const named = ({ via }) => via.at(-1) ?? item;
  const ofClass = events.filter(
    (event) => namesClass(event.document, named(event)) && !namesThing(event.document, named(event)),
  );
  const isThing = ofClass.length > 0 && events.some(({ document }) => namesThing(document, item));
  // What something was packed in is a thing.
  for (const event of ofClass) event.isOfClass = isThing || event.via.length > 0;
}

function certificatesOf(document) {
  const stated = document.certificationInfo == null ? [] : [document.certificationInfo].flat();
  const named = listOf(document.bizTransactionList)
    .filter((one) => ['cert', 'testres', 'poc'].includes(word(one?.type)))
    .map((one) => one.bizTransaction);
  return [...new Set([...stated, ...named].map(textOf).filter(Boolean))];
}

const GEO = /^geo:(-?\d{1,2}(?:\.\d+)?),(-?\d{1,3}(?:\.\d+)?)(?:[,;]|$)/i;

/** Where an event happened: its identifiers, and coordinates where it states them (RFC 5870). */
function placeOf(document) {
  const ids = [document.readPoint?.id, document.bizLocation?.id].map(textOf).filter(Boolean);
  for (const id of ids) {
    const match = GEO.exec(id);
    if (match === null) continue;
    const [latitude, longitude] = [Number(match[1]), Number(match[2])];
    if (Math.abs(latitude) <= 90 && Math.abs(longitude) <= 180) return { ids, latitude, longitude };
  }
  return { ids, latitude: null, longitude: null };
}

/** The events that stand: neither declarations nor declared wrong, and about the thing itself. */
export const standing = (events) =>
  events.filter((event) => !event.isDeclaration && event.declaredWrongBy === null && !event.isOfClass);

/** The site of an event: its business location, else its read point's without the part inside the site; or null. */
function siteOf({ document }) {
  const id = textOf(document.bizLocation?.id) || textOf(document.readPoint?.id);
  return id === '' ? null : identifier(id).replace(/\/254\/[^/]*$/, '');
}

/** Stages of which a whole site is part: who receives and unpacks there does so for it. */
const SITES = ['warehouse', 'retail'];
const LEAVING = ['shipping', 'departing', 'transporting'];

/** Gives each event its stage. `rolesOf` gives the numbers of an organisation's roles. */
export function assignStages(events, rolesOf) {
  const stages = stagesOfThing(events.filter(({ isOfClass }) => !isOfClass), rolesOf);
  // What names the thing as a class alone begins no stage: it is shown in the one of the event before it.
  let at = 0;
  return events.map(({ isOfClass }) => stages[isOfClass ? Math.max(at - 1, 0) : at++]);
}

function stagesOfThing(events, rolesOf) {
  const stages = stagesOfSteps(events, rolesOf);
  const sites = events.map(siteOf);
  const numbers = [...events.keys()];
  const before = nearestOfSite(numbers, sites, stages);
  const after = nearestOfSite(numbers.reverse(), sites, stages);
  return stages.map((stage, i) => {
    if (stage !== 'distribution' || sites[i] === null || LEAVING.includes(events[i].step)) return stage;
    return after[i] ?? before[i] ?? stage;
  });
}

/** For each event, the stage of a whole site that comes last before it, in this order, while the site is the same. */
function nearestOfSite(order, sites, stages) {
  const nearest = new Array(sites.length).fill(null);
  let [site, stage] = [null, null];
  for (const i of order) {
    if (sites[i] !== site) [site, stage] = [sites[i], null];
    nearest[i] = stage;
    if (SITES.includes(stages[i])) stage = stages[i];
  }
  return nearest;
}

/** The stage that each event's step says. */
function stagesOfSteps(events, rolesOf) {
  const steps = events.map(({ step }) => step);
  const loading = steps.indexOf('loading');
  const unloading = loading < 0 ? -1 : steps.indexOf('unloading', loading + 1);
  const voyage = unloading < 0 ? null : boundsOfVoyage(events, loading, unloading);
  const answered = events.findIndex(({ statement }) => statement?.kind === 'answer');
  const parcel = beginOfLastMile(events);
  let arrived = unloading < 0;
  return events.map((event, i) => {
    const roles = rolesOf(event.organisation);
    const { step, disposition } = event;
    if (event.begins) return 'production';
    if (['sampling', 'inspecting'].includes(step)) {
      const isTest =
        step === 'sampling' ||
        listOf(event.document.bizTransactionList).some((one) => word(one?.type) === 'testres') ||
        !roles.includes(ROLE.customs);
      return isTest ? 'inspection' : 'customs';
    }
    if (roles.includes(ROLE.customs) && !roles.includes(ROLE.laboratory)) return 'customs';
    if (['destroying', 'decommissioning'].includes(step) || event.action === 'DELETE' && event.type === 'ObjectEvent')
      return 'end';
    if (parcel >= 0 && i >= parcel) return 'last-mile';
    if (step === 'retail_selling' || step === 'stocking' || disposition === 'sellable_accessible') return 'retail';
    if (unloading >= 0 && !arrived) {
      const stage = stageOfVoyage(voyage, i, step);
      if (i > unloading && stage === null) arrived = true;
      if (stage !== null) return stage;
    }
    if (step === 'storing' || disposition === 'sellable_not_accessible') return 'warehouse';
    const before = loading >= 0 ? i < loading : answered < 0 || i <= answered;
    if (before && event.type === 'AggregationEvent') return 'packing';
    if (before && step === 'shipping') return 'packing';
    if (step === 'transporting' || step === 'sensor_reporting') return 'voyage';
    return 'distribution';
  });
}

const AT_PORT = ['arriving', 'accepting', 'receiving', 'loading', 'departing', 'unloading'];

/** The first number from `from` on whose event doesn't fit. */
function endOfRun(events, from, fits) {
  const end = events.findIndex((event, i) => i >= from && !fits(event));
  return end < 0 ? events.length : end;
}

/** The first number from which on all events up to `to`, which isn't among them, fit. */
const beginOfRun = (events, to, fits) => events.slice(0, to).findLastIndex((event) => !fits(event)) + 1;

/** Where the parts of the way between leaving the maker and leaving the port of import begin and end. */
function boundsOfVoyage(events, loading, unloading) {
  // Goods are stored at the port, or in a warehouse before it: the site tells.
  const port = siteOf(events[loading]);
  const isAtPort = (event) => AT_PORT.includes(event.step) || (event.step === 'storing' && siteOf(event) === port);
  return {
    loading,
    unloading,
    port: beginOfRun(events, loading + 1, isAtPort),
    departed: endOfRun(events, loading + 1, ({ step }) => step === 'departing'),
    arrived: beginOfRun(events, unloading, ({ step }) => step === 'arriving'),
    left: endOfRun(events, unloading, ({ step }) => ['unloading', 'departing'].includes(step)),
  };
}

/** Loading port, voyage or import port; null for what is none of these. */
function stageOfVoyage({ loading, unloading, port, departed, arrived, left }, i, step) {
  if (i <= loading) return i >= port ? 'loading-port' : null;
  if (i < unloading) {
    if (i < departed) return 'loading-port';
    return i >= arrived ? 'import-port' : 'voyage';
  }
  return i < left && step !== '' ? 'import-port' : null;
}

/** Where the way to the buyer's door begins: at the parcel's packing, or its departure; -1 where it isn't recorded. */
function beginOfLastMile(events) {
  const delivered = events.findLastIndex(
    ({ step, disposition }) => disposition === 'retail_sold' && step !== 'retail_selling',
  );
  for (let i = delivered - 1; i >= 0; i--) {
    const { type, action } = events[i];
    if (type === 'AggregationEvent' && action === 'ADD') return i;
  }
  return delivered < 0 ? -1 : delivered;
}

/** Runs of events of one stage, in the history's order. */
export function groupByStage(events, stages) {
  const groups = [];
  events.forEach((event, i) => {
    const last = groups[groups.length - 1];
    if (last !== undefined && last.stage === stages[i]) last.events.push(event);
    else groups.push({ stage: stages[i], events: [event] });
  });
  return groups;
}

/** Readings by what is measured and its unit, each in the order of time. */
export function readSensors(events) {
  const series = new Map();
  for (const event of standing(events)) {
    for (const element of listOf(event.document.sensorElementList)) {
      const metadata = element?.sensorMetadata ?? {};
      for (const report of listOf(element?.sensorReport)) readReport(series, event, metadata, report);
    }
  }
  for (const { points } of series.values()) points.sort((a, b) => a.from - b.from);
  return [...series.values()];
}

function readReport(series, event, metadata, report) {
  const number = (value) => (typeof value === 'number' && Number.isFinite(value) ? value : null);
  const [value, mean, least, most] = [report.value, report.meanValue, report.minValue, report.maxValue].map(number);
  const middle = value ?? mean;
  const low = least ?? middle ?? most;
  const high = most ?? middle ?? least;
  if (low === null) return;
  const at = Date.parse(report.time ?? metadata.time);
  const from = [Date.parse(metadata.startTime), at, event.eventMs].find((ms) => !Number.isNaN(ms));
  const to = [Date.parse(metadata.endTime), from].find((ms) => !Number.isNaN(ms));
  const kind = word(report.type) || textOf(report.exception);
  const unit = textOf(report.uom);
  const name = `${kind} ${unit}`;
  if (!series.has(name)) series.set(name, { kind, unit, points: [] });
  series.get(name).points.push({ from, to, low, high, middle, exception: textOf(report.exception) });
}

/**
 * Findings and recalls that stand, and conformities. Who recorded one takes it back, and nobody else: every member may
 * write about a lot, and who holds a stolen thing about that.
 */
export function readFindings(events) {
  const found = [];
  // What stands of each organisation's, by disposition: histories are long, and findings may be many.
  const standingOf = new Map();
  for (const event of standing(events)) {
    const nameOf = (disposition) => JSON.stringify([event.organisation, disposition]);
    const set = listOf(event.document.persistentDisposition?.set).map(word);
    for (const disposition of new Set([event.disposition, ...set])) {
      if (!FINDINGS.includes(disposition) && disposition !== 'conformant') continue;
      const one = { disposition, event };
      found.push(one);
      const name = nameOf(disposition);
      if (!standingOf.has(name)) standingOf.set(name, new Set());
      standingOf.get(name).add(one);
    }
    for (const taken of listOf(event.document.persistentDisposition?.unset).map(word)) standingOf.delete(nameOf(taken));
  }
  return found.filter((one) => standingOf.get(JSON.stringify([one.event.organisation, one.disposition]))?.has(one));
}

/** The local names of master data that label and record may both state. */
const LOT = ['lotNumber', 'batch', 'batchNumber', 'hasBatchLotNumber'];
const EXPIRY = ['itemExpirationDate', 'expirationDate', 'expirationDateTime'];
const ORIGIN = ['countryOfOrigin', 'countryOfOriginCode'];

/** Master data of the item's beginning, by full member name, and what the rules need of it. */
export function readMasterData(events) {
  const beginning = standing(events).findLast(({ begins }) => begins);
  const members = Object.entries(beginning?.document.ilmd ?? {}).filter(
    ([, value]) => typeof value === 'string' || typeof value === 'number',
  );
  const find = (names) => {
    const found = members.find(([name]) => names.includes(name.split(/[:/#]/).pop()));
    return found === undefined ? null : String(found[1]);
  };
  return { members, lot: find(LOT), expiry: find(EXPIRY), origin: find(ORIGIN) };
}
