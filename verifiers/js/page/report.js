// The report of an examination as elements of the page.

import { hex } from '../src/bytes.js';
import { printable } from '../src/printable.js';
import { say } from '../src/words.js';
import { h } from './dom.js';
import {
  BASES,
  ELEMENTS,
  ENDINGS,
  EXHIBITS,
  RESULTS,
  SECTIONS,
  STATUSES,
  TEXTS,
  VERDICTS,
  actionText,
  kindText,
  positionText,
  stepText,
  wordText,
} from './texts.js';

/** Renders in one language. */
export class Report {
  constructor(language, examination) {
    this.language = language;
    this.names = examination.names;
    this.events = examination.history ?? [];
    this.index = language === 'zh' ? 1 : 0;
  }

  t(name) {
    return TEXTS[name][this.index];
  }

  verdict(verdict, checks) {
    const wanted = { 'not-verified': 'failed', 'verified-with-reservations': 'reservation' }[verdict];
    const names = checks
      .filter(({ result }) => result === wanted)
      .map(({ element }) => ELEMENTS[element][this.language][0]);
    return VERDICTS[verdict][this.language](names);
  }

  /** Why a file isn't verified, beside the verdict. */
  reason(checks) {
    const failed = checks.find(({ result }) => result === 'failed');
    return failed && h('span', { class: 'reason', lang: 'en' }, printable(say(failed.findings[0])));
  }

  examination(checks) {
    return SECTIONS.map((section) =>
      h(
        'section',
        {},
        h('h3', {}, section[this.language]),
        h(
          'ul',
          { class: 'checks' },
          checks.filter(({ article }) => article === section.article).map((check) => this.check(check)),
        ),
      ),
    );
  }

  check({ element, result, findings }) {
    const [name, question] = ELEMENTS[element][this.language];
    return h(
      'li',
      { class: `check ${result}`, 'data-element': element, 'data-result': result },
      h('h4', {}, h('span', { class: 'badge' }, RESULTS[result][this.language]), ' ', name),
      h('p', { class: 'question' }, question),
      // Reasons of a failure are in English, as in the printed report.
      findings.map((finding) =>
        h(
          'p',
          { class: 'finding', lang: finding[0] === 'refused' ? 'en' : null },
          printable(say(finding, this.language)),
        ),
      ),
    );
  }

  time(ms) {
    const date = new Date(Number(ms));
    if (Number.isNaN(date.getTime())) return `${ms} ms`;
    const utc = `${date.toISOString().replace('T', ' ').replace('Z', '')} UTC`;
    const beijing = new Date(date.getTime() + 8 * 3_600_000).toISOString().replace('T', ' ').replace('Z', '');
    return this.language === 'zh' ? `${utc}（${this.t('beijing')} ${beijing}）` : utc;
  }

  organisation(id) {
    const name = this.names.get(id);
    return name === undefined || name === id ? printable(id) : `${printable(name)} (${printable(id)})`;
  }

  facts(facts) {
    const rows = [
      ['chain', [printable(facts.chain_name), code(facts.chain_id)]],
      [
        'asOf',
        [
          `${this.t('blockHeight')} ${facts.height}${this.language === 'zh' ? '，' : ', '}${this.time(facts.time_ms)}`,
          code(facts.block_id),
        ],
      ],
      ...(facts.history === null ? this.depositRows(facts) : this.itemRows(facts)),
      ...this.rightRows(facts),
      ...facts.stamps.map((stamp) => [
        'stamp',
        [
          `${this.t('noLater')} ${this.time(stamp.no_later_than_ms)}`,
          printable(`${stamp.authority} (${stamp.url})`),
          this.t(stamp.trusted ? 'rootTrusted' : 'rootUntrusted'),
          code(stamp.root_sha256),
        ],
      ]),
      ['validators', facts.validators.map((validator) => this.validator(validator))],
    ];
    return h(
      'dl',
      { class: 'facts' },
      rows.map(([name, values]) =>
        h(
          'div',
          {},
          h('dt', {}, this.t(name)),
          values.map((value) => h('dd', {}, value)),
        ),
      ),
    );
  }

  validator({ organisation, power, signed }) {
    const share = `${this.t('power')} ${power}`;
    const parts = [share, this.t(signed ? 'signed' : 'unsigned')].join(this.language === 'zh' ? '，' : ', ');
    return `${this.organisation(organisation)}: ${parts}`;
  }

  itemRows(facts) {
    const { item, events, inside } = facts.history;
    return [
      ['item', [code(item)]],
      ['events', [`${events.length}${this.semicolon}${this.t('noOthers')}`]],
      inside.length > 0 && ['insideNow', inside.map(code)],
      ...(facts.custody === null ? [] : this.custodyRows(facts.custody)),
      facts.handovers.length > 0 && ['handovers', facts.handovers.map((one) => this.handover(one))],
    ].filter(Boolean);
  }

  custodyRows({ holder, basis, discrepancy, ended, offer, claims, stock }) {
    return [
      holder !== null && [
        'custody',
        [
          `${this.organisation(holder)}${this.semicolon}${BASES[basis]?.[this.index] ?? ''}`,
          discrepancy,
        ].filter(Boolean),
      ],
      offer && ['onOffer', [`${this.organisation(offer.to)}, ${this.time(offer.deadline_ms)}`]],
      claims.length > 0 && [
        'claims',
        claims.map(({ item, organisation, reason }) =>
          h(
            'span',
            {},
            this.organisation(organisation),
            ': ',
            printable(reason ?? this.t('displaced')),
            ' ',
            code(item),
          ),
        ),
      ],
      stock && [
        'stock',
        stock.holdings.map(
          ({ organisation, millionths }) =>
            `${this.organisation(organisation)}: ${amount(millionths)} ${printable(stock.unit)}`,
        ),
      ],
      ended && ['ended', [ENDINGS[ended.how]?.[this.index] ?? '']],
    ].filter(Boolean);
  }

  handover({ height, transaction, time_ms: time, organisation, offer, answer, claim }) {
    const who = `${this.time(time)} (${positionText({ height, transaction }, this.language)}) ${this.organisation(organisation)}: `;
    const status = (value) => (value === null ? this.t('unknownOutcome') : STATUSES[value][this.index]);
    let what;
    if (offer)
      what = `${this.t('offers')} ${this.organisation(offer.to)}${this.semicolon}${status(offer.status)}`;
    else if (answer) what = `${this.t('answers')} ${status(answer.status)}`;
    else what = `${this.t('claimsIt')} ${printable(claim.reason)}`;
    const discrepancy = offer?.discrepancy ?? answer?.discrepancy ?? null;
    return printable(`${who}${what}`) + (discrepancy === null ? '' : ` (${printable(discrepancy)})`);
  }

  get semicolon() {
    return this.language === 'zh' ? '；' : '; ';
  }

  depositRows(facts) {
    const { deposit } = facts;
    const id = ['designId', [code(deposit.id)]];
    if (!deposit.recorded) return [id, ['deposited', [this.t('notDeposited')]]];
    const word = h('small', {}, this.t('holdersWord'));
    return [
      id,
      deposit.title && [
        'designTitle',
        [
          printable(deposit.title),
          !deposit.title_is_recorded && !deposit.content && word.cloneNode(true),
        ].filter(Boolean),
      ],
      ...(deposit.content?.fields ?? [])
        .filter(({ name }) => name !== 'title')
        .map(({ name, value }) => [`field-${name}`, [printable(value)]]),
      [
        'deposited',
        [`${this.t('noLater')} ${this.time(deposit.time_ms)} ± ${Number(facts.time_error_ms) / 1000} s`],
      ],
      deposit.disclosed_ms !== null && ['disclosedAt', [this.time(deposit.disclosed_ms)]],
      ['owner', [this.organisation(deposit.organisation)]],
      deposit.right && [
        'right',
        [`${this.organisation(deposit.right.owner)}, ${this.time(deposit.right.owners.at(-1).since_ms)}`],
      ],
      deposit.vouching && ['vouched', this.vouching(deposit.vouching)],
      ['ownerKey', [code(deposit.owner_key)]],
      ['commitment', [code(deposit.commitment)]],
      ...deposit.files.map(({ sha256, name }, i) => [
        'fileOf',
        [
          h('span', {}, 'SHA-256 ', code(sha256)),
          deposit.content?.views[i] && h('span', {}, this.t(`view-${deposit.content.views[i]}`)),
          name && h('span', {}, printable(name), ' ', word.cloneNode(true)),
        ].filter(Boolean),
      ]),
    ].filter(Boolean);
  }

  /** The disputes that the file shows, and who may do what with the design. */
  rightRows({ disputes, authorisations }) {
    const shown = (disputes?.shown ?? []).map((one) => [
      'dispute',
      [
        code(one.id),
        printable(`${one.complainant} / ${one.respondent} / ${one.platform}: ${one.listing}`),
        `${this.time(one.noticed_ms)}: ${this.word('noticed')}`,
        ...this.referral(one),
        ...(one.review?.panels ?? [])
          .filter(({ verdict }) => verdict !== null)
          .map(({ verdict, uphold, dismiss, beacon }) => {
            const counted = `${this.t('panelDrawn')} ${uphold}, ${dismiss}`;
            return `${this.word(verdict)}${this.semicolon}${counted}${this.pulse(beacon)}`;
          }),
        ...one.handovers.map(({ from, to, state }) =>
          printable(`${this.t('handedOver')} ${from} → ${to}: ${this.word(state)}`),
        ),
        ...one.checks.map((check) => {
          const found = this.word(check.verdict ?? check.state);
          return printable(`${this.time(check.at_ms)}: ${this.word(check.kind)}, ${check.by}: ${found}`);
        }),
        one.outcome === null ? this.word(one.phase) : `${this.time(one.ended_ms)}: ${this.word(one.outcome)}`,
        ...one.sanctions.map((sanction) => this.sanction(sanction)),
      ],
    ]);
    const asked = authorisations.map((one) => [
      'asked',
      [
        printable(
          `${one.seller}, ${this.word(one.act)}, ${one.territory}, ${this.time(one.time_ms)}: ${this.word(one.answer)}`,
        ),
        ...(one.licence === null ? [] : [code(one.licence)]),
      ],
    ]);
    const parties = (disputes?.parties ?? []).map((one) => [
      'sanctionsOf',
      [
        printable(one.organisation),
        one.registered_as !== null && printable(`${this.t('registeredAs')} ${one.registered_as}`),
        ...[...one.held, ...(one.registered?.held ?? [])].map((held) => this.sanction(held)),
      ].filter(Boolean),
    ]);
    return [...shown, ...parties, ...asked];
  }

  /** Which pulse of a public beacon a panel was drawn by. */
  pulse(beacon) {
    if (beacon === null) return '';
    const told = this.t(beacon.pulse_index === null ? 'pulseMissing' : 'pulseTaken');
    return `${this.semicolon}${told} ${this.time(beacon.pulse_ms)}`;
  }

  /** What an assistance centre was asked and said, and what rulings had found of the parties' statements before. */
  referral({ referral: asked, complainant, complainant_before: first, respondent, respondent_before: second }) {
    const said = asked && (asked.by_default ? this.t('noOpinion') : this.word(asked.opinion ?? 'waits'));
    const before = (party, found) =>
      found && printable(`${party}: ${this.t('foundFalse')} ${found.notices}, ${found.declarations}`);
    return [
      asked && printable(`${this.t('centreAsked')} ${asked.by} → ${asked.centre}: ${said}`),
      before(complainant, first),
      before(respondent, second),
    ].filter(Boolean);
  }

  /** A sanction as its dispute shows it, or as a party's list does. */
  sanction({ kind, from_ms: from, until_ms: until, party, outcome = null }) {
    const term = `${this.word(kind)}, ${this.time(from)} – ${this.time(until)}`;
    const became = outcome === null ? '' : `${this.semicolon}${this.word(outcome)}`;
    return printable(party === undefined ? term : `${this.t('sanctioned')} ${party}: ${term}${became}`);
  }

  word(name) {
    return wordText(name, this.language);
  }

  /** Who vouched for the owner, for how long, how that was checked, and whether it was taken back. */
  vouching({ voucher, name, check, check_words: words, from_ms: from, until_ms: until, ...later }) {
    const { withdrawn_ms: withdrawn, withdrawn_reason: reason } = later;
    const lines = [
      `${this.organisation(voucher)}: ${printable(name)}, ${this.time(from)} – ${this.time(until)}`,
      `${this.t('checkedBy')} ${this.t(`check-${check}`)}${words ? ` (${printable(words)})` : ''}`,
      withdrawn !== null && `${this.t('vouchWithdrawn')} ${this.time(withdrawn)}: ${printable(reason)}`,
    ];
    return lines.filter(Boolean).map((line) => h('span', {}, line));
  }

  history() {
    return h(
      'ol',
      { class: 'history' },
      this.events.map((event) => this.event(event)),
    );
  }

  event({ entry, content, via }) {
    const source = eventText(content.bytes);
    const document = readDocument(source);
    const place = document.bizLocation?.id ?? document.readPoint?.id;
    const line = [
      kindText(text(document.type), this.language),
      stepText(text(document.bizStep), this.language),
      actionText(text(document.action), this.language),
    ]
      .filter(Boolean)
      .join(' · ');
    return h(
      'li',
      {},
      h(
        'p',
        { class: 'event' },
        h('strong', {}, printable(line)),
        document.errorDeclaration && h('span', { class: 'badge' }, this.t('wrong')),
      ),
      h(
        'p',
        {},
        `${this.t('recordedAt')} ${this.time(entry.time_ms)}: ${this.organisation(entry.organisation)} ` +
          `(${positionText(entry.position, this.language)})`,
      ),
      document.eventTime &&
        h(
          'p',
          {},
          `${this.t('happenedAt')} ${printable(
            `${text(document.eventTime)} ${text(document.eventTimeZoneOffset)}`,
          )}`,
        ),
      place && h('p', {}, `${this.t('at')} `, code(text(place))),
      typeof document.parentID === 'string' && h('p', {}, `${this.t('container')} `, code(document.parentID)),
      things(document) > 0 && h('p', {}, `${this.t('things')}: ${things(document)}`),
      via.length > 0 &&
        h(
          'p',
          {},
          `${this.t('via')} `,
          via.map((container) => [code(container), ' ']),
        ),
      h(
        'details',
        {},
        h('summary', {}, this.t('exact')),
        h('p', {}, 'SHA-256 ', code(hex(entry.content_hash))),
        h('pre', { tabindex: '0' }, printable(source, true)),
      ),
    );
  }

  /** Names and fingerprints of the files that were handed in. */
  files(evidence, exhibits) {
    return h(
      'dl',
      { class: 'facts' },
      h(
        'div',
        {},
        h('dt', {}, this.t('evidenceFile')),
        h('dd', {}, printable(evidence.name)),
        h('dd', {}, 'SHA-256 ', code(evidence.fingerprint)),
      ),
      exhibits.length > 0 &&
        h(
          'div',
          {},
          h('dt', {}, this.t('originalsGiven')),
          exhibits.map(({ name, sha256, verdict }) =>
            h(
              'dd',
              { class: `exhibit ${verdict}`, 'data-exhibit': verdict },
              h('span', { class: 'badge' }, EXHIBITS[verdict][this.index]),
              ' ',
              printable(name),
              ' ',
              code(sha256),
            ),
          ),
        ),
    );
  }
}

/** How many identifiers and quantities an event names. */
function things(document) {
  const lists = [
    'epcList',
    'childEPCs',
    'quantityList',
    'childQuantityList',
    'inputEPCList',
    'outputEPCList',
    'inputQuantityList',
    'outputQuantityList',
  ];
  return lists.reduce((sum, name) => sum + (Array.isArray(document[name]) ? document[name].length : 0), 0);
}

const code = (value) => h('code', {}, printable(value));

/** Millionths of a unit as a decimal number. */
function amount(millionths) {
  const digits = millionths.toString().padStart(7, '0');
  const fraction = digits.slice(-6).replace(/0+$/, '');
  return digits.slice(0, -6) + (fraction === '' ? '' : `.${fraction}`);
}

/** The event as its submitter wrote it; what isn't UTF-8 shows as U+FFFD. */
const eventText = (bytes) => new TextDecoder().decode(bytes);

const text = (value) => (typeof value === 'string' ? value : '');

/** The event to summarise; the exact bytes stand below it. */
function readDocument(source) {
  try {
    const document = JSON.parse(source);
    return document !== null && typeof document === 'object' ? document : {};
  } catch {
    return {};
  }
}
