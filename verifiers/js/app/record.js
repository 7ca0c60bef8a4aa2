// What an examined evidence file about an item says to the rules and to the page.

import { types } from '../src/messages.js';
import { decode } from '../src/protobuf.js';
import { text } from '../src/bytes.js';
import { comparePositions } from '../src/links.js';
import { assignStages, groupByStage, readEvents, readFindings, readMasterData, readSensors, standing } from './journey.js';

const ORGANISATION = 'organisation/';
const ENDINGS = { 1: 'sold', 2: 'consumed', 3: 'destroyed', 4: 'decommissioned' };

/** The organisations whose records the file proves, by id. */
function organisationsOf({ evidence }) {
  const found = new Map();
  for (const { key, value } of evidence.states) {
    let name;
    try {
      name = text(key);
    } catch {
      continue;
    }
    if (value !== null && name.startsWith(ORGANISATION)) {
      const record = decode(types.Organisation, value);
      found.set(record.id, record);
    }
  }
  return found;
}

export class ItemRecord {
  /** `examination` has run, and holds. */
  constructor(examination) {
    this.examination = examination;
    this.item = examination.evidence.item;
    this.timeMs = Number(examination.header.time_ms);
    this.height = examination.header.height;
    this.organisations = organisationsOf(examination);
    this.events = readEvents(examination);
    const roles = (id) => this.organisations.get(id)?.roles ?? [];
    this.stages = groupByStage(this.events, assignStages(this.events, roles));
    this.sensors = readSensors(this.events);
    this.findings = readFindings(this.events);
    this.data = readMasterData(this.events);
  }

  /** The name of an organisation, or its id. */
  name(id) {
    return this.organisations.get(id)?.name || id;
  }

  /** Who recorded the item's beginning, with its company prefixes; null where nobody did. */
  get beginning() {
    const event = standing(this.events).findLast(({ begins }) => begins);
    if (event === undefined) return null;
    return {
      event,
      organisation: this.name(event.organisation),
      prefixes: this.organisations.get(event.organisation)?.gs1_prefixes ?? [],
    };
  }

  get ended() {
    const end = this.examination.held?.ended ?? null;
    if (end === null) return null;
    const event = this.events.find(({ entry }) => comparePositions(entry.position, end.position) === 0);
    return { how: ENDINGS[end.how] ?? null, event: event ?? null };
  }

  /** Elements with a reservation; time stamps of roots that this page doesn't know apart from those that contradict. */
  get reservations() {
    return this.examination.rows
      .filter(({ result }) => result === 'reservation')
      .map(({ element, findings }) => {
        const isKnown = element !== 'time-stamps' || findings.some(([name]) => name === 'earlyStamp');
        return isKnown ? element : 'time-stamp-roots';
      });
  }
}
