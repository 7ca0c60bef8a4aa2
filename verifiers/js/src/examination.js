// The examination of an evidence file, element by element (docs/evidence.md, "The examination"). It reads
// no clock, no network and no file.

import { be64, compare, concat, equal, hex, text, utf8 } from './bytes.js';
import { ValidatorSets, checkCertifiedHeader, checkEnvelope } from './chain.js';
import { readContent, united } from './content.js';
import { readCustody } from './custody.js';
import { readDisputes, readQuestions } from './disputes.js';
import { readDrafts } from './drafts.js';
import { readGenesis } from './genesis.js';
import { isDoubtful, readHandovers } from './handovers.js';
import { designCommitment, designId, sha256OfMany } from './hashes.js';
import { Histories } from './history.js';
import { canonicalIdentifier } from './identifiers.js';
import { checkWholeLink, emptyLink } from './links.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { MissingValue, Refusal, demand } from './refusal.js';
import { checkTimeStamps } from './stamps.js';
import { StateTree, checkTransactionPath } from './trees.js';

/** How files begin; those of the first version may lack records that *custody* and *handovers* ask for. */
const MAGICS = { 1: utf8('touchstone/evidence/v1\n'), 2: utf8('touchstone/evidence/v2\n') };
const MAGIC_LENGTH = MAGICS[2].length;
const MAX_FILE = 268_435_456;
const CHECKSUM = 32;
// Number of the enum KeyDispute: a report rests on the word of a key that may be a thief's.
const CONTESTED = 1;

const PASSED = 'passed';
const RESERVATION = 'reservation';
const NOT_GIVEN = 'not-given';
const FAILED = 'failed';
const NOT_CHECKED = 'not-checked';

/** Elements in their order, with the article of the rules that asks for each. */
export const ELEMENTS = [
  ['file', 16],
  ['genesis', 17],
  ['validators', 17],
  ['anchor', 16],
  ['state', 16],
  ['blocks', 16],
  ['transactions', 16],
  ['completeness', 16],
  ['keys', 17],
  ['custody', 17],
  ['handovers', 17],
  ['time', 17],
  ['time-stamps', 17],
  ['independence', 17],
  ['opening', 18],
  ['disputes', 17],
  ['authorisations', 17],
];

// Findings are names and values of words.js.
const passed = (name, values) => ({ result: PASSED, findings: [[name, values]] });
const reserved = (...findings) => ({ result: RESERVATION, findings });
const notGiven = (name) => ({ result: NOT_GIVEN, findings: [[name]] });
const refused = (reason) => ({ result: FAILED, findings: [['refused', { reason }]] });

/** So many elements are under way together: the browser verifies signatures beside this program. */
const AT_ONCE = 512;

/** Runs `work` over a list, some at a time; the results in the list's order. */
async function each(list, work) {
  const results = new Array(list.length);
  let next = 0;
  const worker = async () => {
    while (next < list.length) {
      const i = next++;
      results[i] = await work(list[i]);
    }
  };
  const stop = (error) => {
    next = list.length;
    throw error;
  };
  await Promise.all(Array.from({ length: Math.min(AT_ONCE, list.length) }, () => worker().catch(stop)));
  return results;
}

export class Examination {
  /**
   * `trust.chainId`: the trusted chain id or null; `trust.roots`: trusted root certificates in DER.
   */
  constructor(bytes, trust) {
    this.bytes = bytes;
    this.trust = trust;
    this.rows = [];
    this.asked = new Set();
    this.stamps = [];
    this.disputed = null;
    this.answers = [];
    this.names = new Map();
    this.items = new Map();
  }

  /** Examines all elements; the first that fails ends it. */
  async run() {
    const checks = {
      file: this.file,
      genesis: this.genesis,
      validators: this.validators,
      anchor: this.anchor,
      state: this.state,
      blocks: this.blocks,
      transactions: this.transactions,
      completeness: this.completeness,
      keys: this.keys,
      custody: this.custody,
      handovers: this.handovers,
      time: this.time,
      'time-stamps': this.timeStamps,
      independence: this.independence,
      opening: this.opening,
      disputes: this.disputes,
      authorisations: this.authorisations,
    };
    let failed = false;
    for (const [element, article] of ELEMENTS) {
      let row = { result: NOT_CHECKED, findings: [['notChecked']] };
      if (!failed) {
        try {
          row = await checks[element].call(this);
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          row = refused(error.message);
        }
      }
      failed = failed || row.result === FAILED;
      this.rows.push({ element, article, ...row });
    }
    if (!failed) failed = this.failForUnaskedStates();
    this.holds = !failed;
    if (failed) return 'not-verified';
    const toWeigh = this.rows.some(({ result }) => result === RESERVATION);
    return toWeigh ? 'verified-with-reservations' : 'verified';
  }

  failForUnaskedStates() {
    const unasked = this.evidence.states.find(({ key }) => !this.asked.has(hex(key)));
    if (unasked === undefined) return false;
    const row = this.rows.find(({ element }) => element === 'state');
    Object.assign(row, refused(`nothing asks for the state value at ${printableKey(unasked.key)}`));
    return true;
  }

  async file() {
    const { bytes } = this;
    demand(bytes.length <= MAX_FILE, 'the file is larger than 268435456 bytes');
    this.version = versionOf(bytes);
    demand(
      this.version !== null && bytes.length >= MAGIC_LENGTH + CHECKSUM,
      'this is not an evidence file of a version that is known here',
    );
    const end = bytes.length - CHECKSUM;
    demand(
      equal(await sha256OfMany(bytes.subarray(0, end)), bytes.subarray(end)),
      'the checksum differs: the file is damaged',
    );
    this.evidence = decode(types.Evidence, bytes.subarray(MAGIC_LENGTH, end));
    return passed('whole');
  }

  genesis() {
    this.document = readGenesis(this.evidence.genesis);
    this.chainId = this.document.chainId;
    this.sets = new ValidatorSets(this.document.validators, this.chainId);
    const trusted = this.trust.chainId;
    if (trusted === null) return reserved(['compareChain', { chainId: hex(this.chainId) }]);
    demand(equal(trusted, this.chainId), 'the file is of another chain than the trusted one');
    return passed('trustedChain', { chainId: hex(this.chainId) });
  }

  async validators() {
    for (const change of this.evidence.validator_set_changes) await this.sets.apply(change);
    const { length } = this.evidence.validator_set_changes;
    return length === 0 ? passed('genesisValidators') : passed('validatorChanges', { count: length });
  }

  async anchor() {
    const header = await checkCertifiedHeader(this.evidence.anchor, this.sets);
    demand(this.sets.current.height < header.height, 'a change of the validators is not below the anchor');
    this.header = header;
    return passed('anchor', {
      id: hex(header.id),
      height: header.height,
      signed: this.evidence.anchor.certificate.signatures.length,
      total: this.sets.at(header.height).validators.length,
    });
  }

  state() {
    this.values = new Map();
    const tree = new StateTree(this.header.state_root);
    let last = null;
    for (const { key, value, proof } of this.evidence.states) {
      demand(last === null || compare(last, key) < 0, 'the keys of the state do not ascend');
      last = key;
      tree.check(key, value, proof);
      this.values.set(hex(key), value);
    }
    return passed('state', { count: this.values.size });
  }

  /** The value at a key, or null where it is absent; marks it as asked for. */
  ask(...parts) {
    const key = concat(...parts.map((part) => (typeof part === 'string' ? utf8(part) : part)));
    const name = hex(key);
    if (!this.values.has(name)) {
      throw new MissingValue(`the state value at ${printableKey(key)} is not in the file`);
    }
    this.asked.add(name);
    return this.values.get(name);
  }

  organisation(id) {
    const value = this.ask('organisation/', id);
    demand(value !== null, () => `the organisation ${id} is not enrolled`);
    const record = decode(types.Organisation, value);
    this.names.set(id, record.name);
    return record;
  }

  async blocks() {
    this.headers = new Map();
    let last = 0n;
    const headers = await each(this.evidence.blocks, (block) => checkCertifiedHeader(block, this.sets));
    for (const header of headers) {
      demand(header.height > last, "the blocks' heights do not ascend");
      last = header.height;
      if (header.height === this.header.height) {
        demand(equal(header.id, this.header.id), "the block at the anchor's height is another than the anchor");
      } else {
        const id = this.ask('block/', be64(header.height));
        demand(
          id !== null && equal(id, header.id),
          () => `the block at height ${header.height} is not the chain's`,
        );
      }
      this.headers.set(header.height, header);
    }
    return passed('blocks', { count: headers.length });
  }

  async transactions() {
    let last = null;
    const used = new Set();
    for (const { height, index, envelope, siblings } of this.evidence.transactions) {
      demand(
        last === null || last.height < height || (last.height === height && last.index < index),
        'the transactions do not ascend',
      );
      last = { height, index };
      const header = this.headers.get(height);
      demand(header !== undefined, "a transaction's block is not in the file");
      used.add(height);
      checkTransactionPath(header, envelope, index, siblings);
    }
    this.signed = await each(this.evidence.transactions, async ({ height, index, envelope }) => ({
      ...(await checkEnvelope(envelope, this.chainId)),
      height,
      index,
      block: this.headers.get(height),
    }));
    demand(used.size === this.headers.size, 'a block holds no transaction of the file');
    return passed('transactions', { count: this.signed.length });
  }

  completeness() {
    const { item, design } = this.evidence;
    demand(item !== null || design !== null, 'the file is about nothing');
    return item !== null ? this.itemHistory(item) : this.designRecord(design);
  }

  itemHistory(item) {
    demand(canonicalIdentifier(item) === item, "the item's identifier is not in canonical form");
    const links = new Map();
    let last = null;
    for (const { item: name, entries } of this.evidence.links) {
      const key = utf8(name);
      demand(last === null || compare(last, key) < 0, 'the links do not ascend');
      last = key;
      const value = this.ask('item/', name);
      const record = value === null ? null : decode(types.Item, value);
      links.set(name, checkWholeLink(record === null ? emptyLink : record.link, entries));
      this.items.set(name, record);
    }
    const histories = new Histories(links, this.signed);
    histories.checkContents();
    const { history, inside, own, shared } = histories.of(item);
    for (const name of links.keys()) {
      demand(histories.neededLinks.has(name), () => `the link of ${name} is not needed`);
    }
    for (const { height, index } of this.signed) {
      demand(
        histories.neededTransactions.has(`${height}/${index}`),
        () => `transaction ${index} of block ${height} holds nothing that is needed`,
      );
    }
    Object.assign(this, { history, inside, own });
    const { height } = this.header;
    return history.length === 0
      ? passed('nothingRecorded', { height })
      : passed('itemComplete', { own, shared, height });
  }

  designRecord(id) {
    demand(id.length === 32, "a design's id has not 32 bytes");
    demand(this.evidence.links.length === 0, 'a design has no links');
    const value = this.ask('design/', id);
    if (value === null) {
      demand(this.signed.length === 0, 'nothing was deposited, and the file has transactions');
      return passed('notDeposited', { height: this.header.height });
    }
    const record = decode(types.Design, value);
    demand(
      record.owner_key.length === 32 &&
        record.commitment.length === 32 &&
        equal(designId(record.owner_key, record.commitment), id),
      'the record is of another design',
    );
    demand(this.signed.length === 1, 'a deposit has exactly one transaction');
    const [transaction] = this.signed;
    const { position } = record;
    demand(
      position.height === transaction.height && position.transaction === transaction.index,
      "the transaction is not at the record's place",
    );
    demand(equal(record.transaction_id, transaction.id), 'the record names another transaction');
    demand(equal(record.owner_key, transaction.key), "another key than the owner's signed the deposit");
    demand(record.organisation === transaction.organisation, 'another organisation deposited');
    demand(
      transaction.deposit_design !== null && equal(transaction.deposit_design.commitment, record.commitment),
      'the transaction deposits another commitment',
    );
    demand(transaction.block.time_ms === record.time_ms, 'the record has another time than its block');
    this.design = record;
    this.vouched(record);
    this.owned(id, record);
    if (record.compared === 0) return passed('depositAgrees');
    const { pictures, searched } = this.compared(id, record);
    return passed('depositCompared', {
      pictures: pictures.length,
      searched: searched.pictures,
      found: pictures.reduce((sum, { found }) => sum + found, 0n),
    });
  }

  /** Who vouched for the depositor: its id and the record say whether somebody did. */
  vouched({ organisation, vouching: number, position, time_ms: time }) {
    const dot = organisation.indexOf('.');
    demand((dot >= 0) === (number !== null), 'the id and the record of the depositor contradict each other');
    if (number === null) return;
    const value = this.ask('vouching/', be64(number), organisation);
    demand(value !== null, 'the record tells of a vouching, which is missing');
    const found = decode(types.Vouching, value);
    const { voucher, designer, from_ms: from, until_ms: until, withdrawn } = found;
    demand(designer === organisation && voucher === organisation.slice(0, dot), 'a vouching of other parties');
    const before = (a, b) => a.height < b.height || (a.height === b.height && a.transaction < b.transaction);
    demand(before(found.position, position), 'the vouching is not from before the deposit');
    demand(from <= time && time <= until, 'the vouching did not hold at the deposit');
    demand(withdrawn === null || before(position, withdrawn.position), 'the vouching was withdrawn before');
    demand(found.check >= 1 && found.check <= 4, 'the vouching does not say how the designer was checked');
    this.organisation(voucher);
    this.vouching = found;
  }

  /** Who owns the design: its record says whether its owner has disposed of it. */
  owned(id, { disposed, organisation, time_ms: time }) {
    if (disposed === 0) return;
    const value = this.ask('right/', id);
    demand(value !== null, 'the record tells that the owner disposed of it, and the right is missing');
    const found = decode(types.Right, value);
    const { owners, earlier_owners: earlier } = found;
    demand(owners.length > 0, 'a right without an owner');
    demand(
      owners.every((owner, i) => i === 0 || owners[i - 1].since_ms < owner.since_ms),
      'owners do not ascend',
    );
    const [first] = owners;
    demand(
      earlier > 0 || (first.organisation === organisation && first.since_ms === time),
      'the right does not begin with the depositor',
    );
    this.right = found;
  }

  /** What the design's pictures look like, which its record counts. */
  compared(id, record) {
    const value = this.ask('look-alikes/', id);
    demand(value !== null, 'the record tells of compared pictures, and what was found is missing');
    const found = decode(types.LookAlikes, value);
    const { pictures, specification } = found;
    demand(pictures.length === record.compared, 'other pictures were compared than the record counts');
    demand(specification.length === 32, 'a specification has not 32 bytes');
    const disclosed = record.disclosure?.file_hashes ?? [];
    const searched = found.searched.pictures;
    pictures.forEach(({ fingerprint, found: count, candidates }, i) => {
      const file = fingerprint.file_hash;
      demand(
        disclosed.some((hash) => equal(hash, file)),
        'a picture of another design was compared',
      );
      demand(i === 0 || compare(pictures[i - 1].fingerprint.file_hash, file) < 0, 'pictures do not ascend');
      const named = count < 32n ? count : 32n;
      demand(BigInt(candidates.length) === named && count <= searched, 'not all look-alikes are named');
      candidates.forEach((candidate, k) => {
        const before = candidates[k - 1];
        const follows =
          before === undefined ||
          before.distance < candidate.distance ||
          (before.distance === candidate.distance && before.number < candidate.number);
        demand(follows, 'look-alikes are out of order');
        const { number, distance, variant, part, design_id: design } = candidate;
        demand(
          number < searched && distance <= 47 && variant <= 7 && part <= 1,
          'a look-alike that no search gives',
        );
        demand(
          design.length === 32 && candidate.file_hash.length === 32 && !equal(design, id),
          'a look-alike of no other design',
        );
      });
    });
    this.lookAlikes = found;
    return found;
  }

  keys() {
    const doubts = [];
    for (const { organisation, key, height, index, block } of this.signed) {
      const record = this.organisation(organisation);
      const found = record.keys.find(({ public_key: one }) => equal(one, key));
      demand(found !== undefined, () => `the signing key is not one of ${organisation}'s`);
      const { valid_from_height: from, valid_until_height: until, compromised_since_ms: since } = found;
      demand(
        from <= height && (until === 0n || height <= until),
        () => `a key of ${organisation} was not valid at height ${height}`,
      );
      demand(
        record.standing === 0 || height <= record.standing_height,
        () => `${organisation} was suspended or removed before height ${height}`,
      );
      if (since !== 0n && since <= block.time_ms) {
        const kind = found.dispute === CONTESTED ? 'contestedKey' : 'doubtfulKey';
        doubts.push([kind, { key: hex(key), organisation, since, height, index }]);
      }
    }
    const all = ['keys', { count: this.signed.length }];
    return { result: doubts.length > 0 ? RESERVATION : PASSED, findings: [all, ...doubts] };
  }

  custody() {
    const { item } = this.evidence;
    if (item === null) return notGiven('notAnItem');
    if (this.own === 0) return notGiven('noCustody');
    try {
      this.held = readCustody(item, (...parts) => this.ask(...parts), this.header.time_ms);
    } catch (error) {
      if (this.version === 1 && error instanceof MissingValue) return notGiven('firstVersion');
      throw error;
    }
    const { custody, claims } = this.held;
    const findings = [custody === null ? ['noHolder'] : ['holder', custody]];
    return {
      result: claims.length > 0 ? RESERVATION : PASSED,
      findings: [...findings, ...claims.map((claim) => [claim.reason === '' ? 'displaced' : 'claim', claim])],
    };
  }

  handovers() {
    if (this.evidence.item === null) return notGiven('notAnItem');
    const places = new Set(
      this.history.map(({ entry: { position } }) => `${position.height}/${position.transaction}`),
    );
    const transactions = this.signed.filter(({ height, index }) => places.has(`${height}/${index}`));
    const ask = (...parts) => this.ask(...parts);
    this.statements = readHandovers(transactions, ask, this.version === 1, this.header.time_ms);
    if (this.statements.length === 0) return notGiven('noHandovers');
    return {
      result: this.statements.some(isDoubtful) ? RESERVATION : PASSED,
      findings: this.statements.map((statement) => ['statement', statement]),
    };
  }

  time() {
    const value = this.ask('parameters');
    demand(value !== null, 'the chain has no parameters');
    const parameters = decode(types.Parameters, value);
    const { precision_ms: precision, message_delay_ms: delay } = parameters;
    this.errorMs = precision + delay;
    const findings = [['chainTime', { precision, delay }]];
    if (this.headers.size > 0) {
      const times = [...this.headers.values()].map(({ time_ms: time }) => time);
      findings.push(['recorded', { from: times[0], to: times[times.length - 1], error: this.errorMs }]);
    }
    return { result: PASSED, findings };
  }

  async timeStamps() {
    const { checkpoints, stamps } = this.evidence;
    if (checkpoints.length === 0 && stamps.length === 0) {
      return { result: NOT_GIVEN, findings: [[this.headers.size > 0 ? 'chainTimeOnly' : 'nothingToStamp']] };
    }
    this.stamps = await checkTimeStamps(this.evidence, this.chainId, this.headers, this.trust.roots);
    const findings = this.stamps.map((stamp) => ['stamp', stamp]);
    if (this.unstamped.length > 0) findings.push(['unstamped', { heights: this.unstamped }]);
    const trusted = new Set(this.stamps.filter((stamp) => stamp.trusted).flatMap(({ heights }) => heights));
    const stamped = new Set(this.stamps.flatMap(({ heights }) => heights));
    const doubtful = [...stamped].filter((height) => !trusted.has(height)).sort((a, b) => (a < b ? -1 : 1));
    const doubts = [];
    if (doubtful.length > 0) {
      const among = new Set(doubtful);
      const roots = new Set(
        this.stamps
          .filter(({ heights }) => heights.some((height) => among.has(height)))
          .map(({ rootFingerprint, authority }) => `${rootFingerprint} (${authority})`),
      );
      doubts.push(['untrustedStamps', { heights: doubtful, roots: [...roots] }]);
    }
    for (const { authority, genTime, accuracy, heights } of this.stamps) {
      const early = heights.filter(
        (height) => genTime + (accuracy ?? 0n) < this.headers.get(height).time_ms - this.errorMs,
      );
      if (early.length > 0) doubts.push(['earlyStamp', { authority, heights: early }]);
    }
    return { result: doubts.length > 0 ? RESERVATION : PASSED, findings: [...findings, ...doubts] };
  }

  independence() {
    const set = this.sets.at(this.header.height);
    const parties = new Set(this.signed.map(({ organisation }) => organisation));
    let power = 0n;
    for (const validator of set.validators) {
      this.organisation(validator.organisation);
      if (parties.has(validator.organisation)) power += validator.power;
    }
    const organisations = [
      ...new Set(
        set.validators
          .map(({ organisation }) => organisation)
          .filter((organisation) => parties.has(organisation)),
      ),
    ].sort();
    if (power === 0n) return passed('independent', { count: set.validators.length });
    const finding = ['parties', { organisations, power, total: set.power }];
    return 3n * power >= set.power ? reserved(finding) : { result: PASSED, findings: [finding] };
  }

  disputes() {
    const { disputes: shown, design } = this.evidence;
    if (this.design === undefined) {
      demand(shown === null, 'the file has disputes, and no design is recorded');
      return notGiven('noRight');
    }
    if (shown === null) return notGiven('noDisputes');
    this.disputed = readDisputes(design, shown.ids, shown.parties, (...parts) => this.ask(...parts));
    const { tally, isWeighed, drawn, beside } = this.disputed;
    const isAny = Object.values(beside).some((count) => count > 0);
    return {
      result: isWeighed ? RESERVATION : PASSED,
      findings: [['disputes', { ...tally, shown: shown.ids.length, drawn }], ...(isAny ? [['beside', beside]] : [])],
    };
  }

  authorisations() {
    const { questions, design } = this.evidence;
    if (questions.length === 0) return notGiven('nothingAsked');
    demand(design !== null, 'the file asks about a right, and is about no design');
    this.answers = readQuestions(design, questions, (...parts) => this.ask(...parts));
    const count = (wanted) => this.answers.filter(({ verdict }) => verdict === wanted).length;
    const values = { yes: count('yes'), no: count('no'), untold: count('untold') };
    return { result: values.untold > 0 ? RESERVATION : PASSED, findings: [['answers', values]] };
  }

  opening() {
    const { opening } = this.evidence;
    if (this.design === undefined) {
      demand(opening === null, 'the file has an opening, and no design is recorded');
      return notGiven('noCommitment');
    }
    const { disclosure } = this.design;
    if (opening === null && disclosure === null) return notGiven('closed');
    const disclosed = disclosure === null ? null : this.opens(disclosure, disclosure.file_hashes);
    if (opening === null) {
      this.opened = disclosure.file_hashes;
      this.content = disclosed;
      return this.before([], ['disclosed', { count: this.opened.length }]);
    }
    const hashes = opening.files.map((file) => file.sha256);
    const shown = this.opens(opening, hashes);
    this.opened = hashes;
    this.content = { ...shown, fields: united(shown.fields, disclosed?.fields ?? []) };
    const fields = this.content.fields.length;
    const finding =
      shown.views.length === 0
        ? ['opened', { count: hashes.length }]
        : ['openedWithFields', { count: hashes.length, fields }];
    return this.before(opening.drafts, finding);
  }

  /** What was before the deposit, as far as its holder shows it. */
  before(entries, opened) {
    const { drafts, findings, doubts } = readDrafts(entries, this.content, {
      files: this.opened,
      latest: this.design.time_ms + this.errorMs,
    });
    this.drafts = drafts;
    return { result: doubts.length > 0 ? RESERVATION : PASSED, findings: [opened, ...findings, ...doubts] };
  }

  /** What salt, files and content show, which must be what the owner committed to. */
  opens({ salt, title, content }, hashes) {
    demand(salt.length === 32, 'the opening has another form');
    const shown = readContent(hashes, title, content);
    demand(
      equal(designCommitment(this.chainId, this.design.owner_key, salt, shown.root), this.design.commitment),
      'the opening does not open the commitment',
    );
    return shown;
  }

  /** Heights of the file's blocks that no authority stamped. */
  get unstamped() {
    const stamped = new Set(this.stamps.flatMap(({ heights }) => heights));
    return [...this.headers.keys()].filter((height) => !stamped.has(height));
  }
}

/** The version of which the file says it is, or null. */
export function versionOf(bytes) {
  const found = Object.entries(MAGICS).find(([, magic]) => equal(bytes.subarray(0, magic.length), magic));
  return found === undefined ? null : Number(found[0]);
}

/** A key of the state as people read it: text as far as it is some. */
function printableKey(key) {
  try {
    const name = text(key);
    // eslint-disable-next-line no-control-regex
    if (/^[\x20-\x7e]+$/.test(name)) return name;
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
  }
  return hex(key);
}
