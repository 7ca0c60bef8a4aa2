// An item's record as elements of the page.

import { hex } from '../src/bytes.js';
import { printable } from '../src/printable.js';
import { h } from '../page/dom.js';
import { Report } from '../page/report.js';
import { BASES, kindText, positionText, stepText } from '../page/texts.js';
import { recordedActivation } from './activation.js';
import { chart, map } from './graphics.js';
import { standing } from './journey.js';
import { sayFinding } from './rules_texts.js';
import {
  DISPOSITIONS,
  MEASURES,
  ROLE_NAMES,
  STAGE_NAMES,
  TEXTS,
  UNITS,
  VERDICTS,
  VERDICT_SENTENCES,
  pick,
} from './texts.js';
import { localTime, utcDay, utcTime } from './times.js';

const BASIS_NAMES = { 1: 'own-word', 2: 'prefix', 3: 'handover' };
const OUTCOMES = { 1: 'accepted', 2: 'rejected', 3: 'acceptedWith', 4: 'withdrawn' };

const code = (value) => h('code', {}, printable(value));

export class View {
  constructor(language) {
    this.language = language;
  }

  t(name) {
    return pick(TEXTS[name], this.language);
  }

  get colon() {
    return this.language === 'zh' ? '：' : ': ';
  }

  get comma() {
    return this.language === 'zh' ? '，' : ', ';
  }

  heading(name) {
    return h('h2', {}, this.t(name));
  }

  rows(rows) {
    return h(
      'dl',
      { class: 'facts' },
      rows.filter(Boolean).map(([name, ...values]) =>
        h(
          'div',
          {},
          h('dt', {}, name),
          values.flat().map((value) => h('dd', {}, value)),
        ),
      ),
    );
  }

  /** The verdict, then what it rests on, the worst first; each with an advice. */
  verdict({ verdict, version, findings }, record) {
    const parts = findings.map((finding) => this.finding(finding, record));
    return h(
      'section',
      { class: `verdict ${verdict}`, id: 'verdict', tabindex: '-1', 'data-verdict': verdict, 'aria-labelledby': 'verdict-word' },
      h('h2', { id: 'verdict-word' }, pick(VERDICTS[verdict], this.language)),
      h('p', {}, pick(VERDICT_SENTENCES[verdict], this.language)),
      parts.length > 0 && h('ul', { class: 'reasons' }, parts),
      record &&
        h(
          'p',
          { class: 'as-of' },
          `${this.t('asOf')} ${utcTime(record.timeMs)}${this.comma}${this.t('block')} ${record.height}${this.comma}${this.t('rules')} ${version}`,
        ),
    );
  }

  finding({ code: name, level, values }, record) {
    const shown = { ...values };
    if (values.event) shown.when = utcDay(values.event.eventMs);
    if (values.timeMs) shown.when = utcTime(values.timeMs);
    if (values.organisation && record) shown.organisation = record.name(values.organisation);
    for (const [key, value] of Object.entries(shown)) if (typeof value === 'string') shown[key] = printable(value);
    const { sentence, advice } = sayFinding({ code: name, values: shown }, this.language);
    return h(
      'li',
      { class: `reason-of ${level}`, 'data-code': name },
      h('strong', {}, sentence),
      level !== 'note' && [' ', h('span', { class: 'advice' }, advice)],
    );
  }

  /** The thing: what its maker stated of it. */
  thing(record) {
    const { data, beginning, item } = record;
    const stated = (name, value, shown = printable(value ?? '')) =>
      value !== null && [this.t(name), h('span', {}, shown, ' ', h('small', {}, this.t('makersWord')))];
    const hidden = recordedActivation(data.members);
    const more = data.members.filter(([, value]) => value !== hidden && ![data.lot, data.expiry, data.origin].includes(String(value)));
    return [
      this.heading('thing'),
      this.rows([
        [this.t('code'), code(item)],
        beginning && [
          this.t('made'),
          `${localTime(beginning.event.eventMs, beginning.event.offset)}${this.comma}${printable(beginning.organisation)}`,
        ],
        stated('lot', data.lot),
        stated('expiry', data.expiry),
        stated('origin', data.origin, this.country(data.origin)),
        more.length > 0 && [
          this.t('moreData'),
          more.map(([name, value]) => `${printable(name.split(/[:/#]/).pop())}${this.colon}${printable(String(value))}`),
        ],
        ...this.custody(record),
      ]),
    ];
  }

  country(value) {
    if (value === null) return '';
    try {
      const name = /^[A-Z]{2}$/.test(value) && new Intl.DisplayNames([this.language === 'zh' ? 'zh-CN' : 'en'], { type: 'region' }).of(value);
      return name || printable(value);
    } catch {
      return printable(value);
    }
  }

  custody(record) {
    const { held, inside } = record.examination;
    if (held === undefined) return [];
    const { custody, offer, claims } = held;
    const basis = custody && BASES[BASIS_NAMES[custody.basis]];
    return [
      [
        this.t('custody'),
        custody === null
          ? this.t('nobody')
          : [`${printable(record.name(custody.holder))}${this.comma}${basis ? pick(basis, this.language) : ''}`, custody.discrepancy && printable(custody.discrepancy)].filter(Boolean),
      ],
      inside.length > 0 && [this.t('inside'), inside.map(code)],
      offer && [this.t('onOffer'), `${printable(record.name(offer.to))}${this.comma}${utcTime(offer.deadline_ms)}`],
      claims.length > 0 && [
        this.t('claims'),
        claims.map(({ organisation, reason }) => `${printable(record.name(organisation))}${this.colon}${printable(reason || '…')}`),
      ],
    ];
  }

  journey(record) {
    return [
      this.heading('journey'),
      h('p', { class: 'hint' }, this.t('journeyNote')),
      h(
        'ol',
        { class: 'stages' },
        record.stages.map(({ stage, events }) =>
          h(
            'li',
            { class: 'stage', 'data-stage': stage },
            h('h3', {}, pick(STAGE_NAMES[stage], this.language)),
            h(
              'ul',
              { class: 'events' },
              events.map((event) => this.event(event, record)),
            ),
          ),
        ),
      ),
    ];
  }

  event(event, record) {
    const step = event.step === '' ? kindText(event.type, this.language) : stepText(event.step, this.language);
    const found = DISPOSITIONS[event.disposition];
    const isWrong = event.declaredWrongBy !== null;
    return h(
      'li',
      { class: isWrong ? 'event declared-wrong' : 'event', 'data-step': event.step },
      h(
        'p',
        { class: 'what' },
        isWrong ? h('s', {}, printable(step)) : h('strong', {}, printable(step)),
        found && h('span', { class: `badge ${event.disposition}` }, pick(found, this.language)),
        isWrong && h('span', { class: 'badge' }, this.t('wrong')),
        event.isDeclaration && h('span', { class: 'badge' }, this.t('corrects')),
        event.isOfClass && h('span', { class: 'badge' }, this.t('ofClass')),
      ),
      h(
        'p',
        { class: 'who' },
        h('span', { class: 'when' }, localTime(event.eventMs, event.offset)),
        ` · ${this.organisation(event.organisation, record)}`,
      ),
      event.statement && h('p', { class: 'statement' }, this.statement(event.statement, record)),
      event.certificates.map((one) => h('p', { class: 'certificate' }, code(one))),
      this.eventDetails(event),
    );
  }

  organisation(id, record) {
    const roles = (record.organisations.get(id)?.roles ?? []).map((role) => ROLE_NAMES[role]).filter(Boolean);
    const list = roles.map((role) => pick(role, this.language)).join(this.language === 'zh' ? '、' : ', ');
    return `${printable(record.name(id))}${list === '' ? '' : this.language === 'zh' ? `（${list}）` : ` (${list})`}`;
  }

  statement({ kind, to, outcome, discrepancy, reason }, record) {
    if (kind === 'offer') return `${this.t('offeredTo')} ${printable(record.name(to))}`;
    if (kind === 'claim') return `${this.t('claimed')}${this.colon}${printable(reason)}`;
    const text = OUTCOMES[outcome] === undefined ? '' : this.t(OUTCOMES[outcome]);
    return discrepancy === '' ? text : `${text}${this.colon}${printable(discrepancy)}`;
  }

  /** Containers and places are folded away, with the exact statement. */
  eventDetails({ entry, via, place, container, document, source, recordedMs }) {
    return h(
      'details',
      {},
      h('summary', {}, this.t('details')),
      this.rows([
        via.length > 0 && [this.t('while'), via.map(code)],
        container !== null && via.at(-1) !== container && [this.t('inside'), code(container)],
        place.ids.length > 0 && [this.t('place'), place.ids.map(code)],
        [this.t('recorded'), `${utcTime(recordedMs)} (${positionText(entry.position, this.language)})`],
        ['SHA-256', code(hex(entry.content_hash))],
      ]),
      h('p', {}, this.t('exact')),
      h('pre', { tabindex: '0', lang: 'en' }, printable(source, true)),
      document.errorDeclaration?.reason && h('p', {}, code(String(document.errorDeclaration.reason))),
    );
  }

  findings(record) {
    if (record.findings.length === 0) return null;
    return [
      this.heading('findings'),
      h(
        'ul',
        {},
        record.findings.map(({ disposition, event }) =>
          h(
            'li',
            {},
            h('strong', {}, pick(DISPOSITIONS[disposition], this.language)),
            `${this.comma}${localTime(event.eventMs, event.offset)}${this.comma}${this.organisation(event.organisation, record)}`,
          ),
        ),
      ),
    ];
  }

  certificates(record) {
    const named = [...new Set(standing(record.events).flatMap(({ certificates }) => certificates))];
    if (named.length === 0) return null;
    return [
      this.heading('certificates'),
      h('p', { class: 'hint' }, this.t('certificatesNote')),
      h('ul', {}, named.map((one) => h('li', {}, code(one)))),
    ];
  }

  sensors({ sensors }) {
    if (sensors.length === 0) return null;
    return [
      this.heading('sensors'),
      sensors.map((series) => {
        const unit = UNITS[series.unit] ?? series.unit;
        const kind = MEASURES[series.kind] ? pick(MEASURES[series.kind], this.language) : printable(series.kind);
        const title = unit === '' ? kind : `${kind} (${printable(unit)})`;
        const cell = (value) => h('td', {}, value === null ? '' : String(value));
        return h(
          'figure',
          {},
          h('figcaption', {}, title),
          chart(series, title, utcDay),
          h(
            'details',
            {},
            h('summary', {}, this.t('details')),
            h(
              'div',
              { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
              h(
                'table',
                {},
                h('thead', {}, h('tr', {}, ['reading', 'until', 'least', 'middle', 'most'].map((name) => h('th', { scope: 'col' }, this.t(name))))),
                h(
                  'tbody',
                  {},
                  series.points.map(({ from, to, low, middle, high }) =>
                    h('tr', {}, h('td', {}, utcTime(from)), h('td', {}, utcTime(to)), cell(low), cell(middle), cell(high)),
                  ),
                ),
              ),
            ),
          ),
        );
      }),
    ];
  }

  places(record) {
    const spots = [];
    for (const { place, eventMs, offset } of standing(record.events)) {
      const last = spots[spots.length - 1];
      if (place.latitude === null || (last && last.latitude === place.latitude && last.longitude === place.longitude)) continue;
      spots.push({ ...place, when: localTime(eventMs, offset) });
    }
    if (spots.length === 0) return null;
    return [
      this.heading('places'),
      h('p', { class: 'hint' }, this.t('placesNote')),
      map(spots, this.t('places')),
      h('ol', {}, spots.map(({ ids, when }) => h('li', {}, `${when} `, code(ids[0])))),
    ];
  }

  unknowns(record, lotState) {
    const has = (stage) => record.stages.some((group) => group.stage === stage);
    const names = [
      'unknownHand',
      'unknownTrue',
      record.data.origin === null && 'unknownOrigin',
      record.data.expiry === null && 'unknownExpiry',
      record.sensors.length === 0 && 'unknownSensors',
      standing(record.events).every(({ place }) => place.latitude === null) && 'unknownPlaces',
      !has('customs') && 'unknownCustoms',
      !has('inspection') && 'unknownInspection',
      lotState === 'unknown' && 'unknownLot',
      lotState === 'no-answer' && 'unknownLotAnswer',
    ].filter(Boolean);
    return [this.heading('unknown'), h('ul', { class: 'unknowns' }, names.map((name) => h('li', {}, this.t(name))))];
  }

  proof({ examination }) {
    const report = new Report(this.language, examination);
    return [
      this.heading('proof'),
      h('details', { class: 'proof' }, h('summary', {}, this.t('proofShow')), report.examination(examination.rows)),
    ];
  }

  /** The whole record; `opening` is the element about a label's cover, `trace` the one that follows it to other things. */
  record(record, lotState, opening, trace) {
    const has = record.events.length > 0;
    return [
      has && this.thing(record),
      has && opening,
      has && this.findings(record),
      has && this.journey(record),
      has && trace,
      has && this.sensors(record),
      has && this.places(record),
      has && this.certificates(record),
      has && this.unknowns(record, lotState),
      this.proof(record),
    ];
  }
}
