// The answer to whether a seller may do something with a design, there and then (docs/format.md, "Authorisations"): the
// question is asked again of the records in the file.

import { concat, equal, hex, utf8 } from './bytes.js';
import { ValidatorSets, checkCertifiedHeader } from './chain.js';
import { readGenesis } from './genesis.js';
import { sha256 } from './hashes.js';
import { types } from './messages.js';
import { decode } from './protobuf.js';
import { demand } from './refusal.js';
import { checkStateProof } from './trees.js';

const MAGIC = utf8('touchstone/authorisation/v1\n');
const MAX_FILE = 4 * 1024 * 1024;
const CHECKSUM = 32;
const WORLD = '001';
const NO_SALES = 3;
/** Words of the enum LicensedAct's numbers. */
export const ACTS = { 1: 'make', 2: 'offer', 3: 'sell', 4: 'import' };

/** The file's records, in the order in which the question reads them. */
class Records {
  constructor(root, values) {
    Object.assign(this, { root, values, read: new Map() });
  }

  /** A record: undefined where it is withheld, null where it is proven absent. */
  get(type, ...parts) {
    const key = concat(...parts.map((part) => (typeof part === 'string' ? utf8(part) : part)));
    const name = hex(key);
    if (!this.read.has(name)) this.read.set(name, this.read.size);
    const number = this.read.get(name);
    demand(number < this.values.length, 'a record that the question reads is missing');
    const { value, proof } = this.values[number];
    if (proof === null) {
      demand(value === null, 'a record has no proof');
      return undefined;
    }
    checkStateProof(this.root, key, value, proof);
    return value === null ? null : decode(type, value);
  }
}

/** May the seller do this with that design there and then? `records.get` tells what is recorded. */
export class Question {
  constructor(asked, records) {
    Object.assign(this, { asked, records, untold: false, withheld: false, owns: false, held: null, why: [] });
  }

  answer() {
    const { subject, seller, time_ms: at } = this.asked;
    let right = this.records.get(types.Right, 'right/', subject);
    if (right === undefined) return null;
    const disposed = right !== null;
    if (!disposed) {
      const design = this.records.get(types.Design, 'design/', subject);
      if (design === undefined) return null;
      if (design === null) return ['no', 'no such design was deposited'];
      const owner = { organisation: design.organisation, since_ms: design.time_ms };
      right = { owners: [owner], earlier_owners: 0, ended: null, until_ms: 0n, sanctioned: 0 };
    }
    const lapsed = right.until_ms !== 0n && right.until_ms < at;
    if ((right.ended !== null && right.ended.time_ms <= at) || lapsed) return ['no', 'the right had ended before'];
    const owners = right.owners.filter(({ since_ms: since }) => since <= at);
    if (owners.length === 0) {
      return right.earlier_owners > 0
        ? ['untold', 'the record names later owners only']
        : ['no', 'it was not deposited yet'];
    }
    if (owners.at(-1).organisation === seller) {
      this.owns = true;
      return ['yes', 'it owns the right'];
    }
    const bar = right.sanctioned !== 0 ? this.sanctioned() : null;
    if (bar !== null) return ['no', `sanction ${hex(bar.sanction)} bars the seller until ${bar.until_ms} ms`];
    // Who may be barred has no yes, whatever its licences say.
    const licence = disposed && !this.withheld && !this.untold ? this.licence() : null;
    if (licence !== null) return ['yes', `licence ${hex(licence.licence)} until ${licence.until_ms} ms`];
    if (this.withheld) return null;
    if (this.untold) return ['untold', 'the lists tell of later times only'];
    return ['no', this.why.join('; ') || 'it does not own the right, and there is no licence for it'];
  }

  /** The sanction that bars the seller: its own, or one against all with its register's number. */
  sanctioned() {
    const { seller } = this.asked;
    const own = this.barred('sanctions/', seller);
    if (own !== null || !seller.includes('.')) return own;
    const vouched = this.records.get(types.VouchedDesigner, 'vouched/', seller);
    if (vouched === undefined) this.withheld = true;
    const number = vouched?.registered_as ?? '';
    return number === '' ? null : this.barred('sanctions-registered/', number);
  }

  /** The sanction of a list that bars the seller at the time; null where there is none. */
  barred(...key) {
    const { subject, time_ms: at } = this.asked;
    const list = this.records.get(types.PartySanctions, ...key);
    if (list === undefined) this.withheld = true;
    if (!list) return null;
    const bars = ({ kind, subjects, from_ms: from, until_ms: until }) =>
      kind === NO_SALES && from <= at && at <= until && subjects.some((one) => equal(one, subject));
    const bar = list.held.find(bars);
    if (bar === undefined && at < list.told_from_ms) this.untold = true;
    return bar ?? null;
  }

  /** The licence that holds: of the seller, or of the class that it is in. */
  licence() {
    const { subject, seller, time_ms: at } = this.asked;
    const dot = seller.indexOf('.');
    const licensees = dot < 0 ? [seller] : [seller, `${seller.slice(0, dot)}.*`];
    for (const [i, licensee] of licensees.entries()) {
      const list = this.records.get(types.Authorisations, 'authorised/', subject, licensee);
      if (list === undefined) this.withheld = true;
      if (!list) continue;
      if (at < list.told_from_ms) this.untold = true;
      for (const licence of list.licences) {
        const short = this.shortfall(licence, i === 1);
        if (short === null) {
          this.held = { licence, licensee };
          return licence;
        }
        if (short !== '') this.why.push(`licence ${hex(licence.licence)}: ${short}`);
      }
    }
    return null;
  }

  /** Why a licence does not hold; null if it does, and nothing to say where that is withheld. */
  shortfall(licence, isClass) {
    const { act, territory, time_ms: at } = this.asked;
    if (!licence.acts.includes(act)) return 'for other acts';
    const places = licence.territories;
    if (!places.includes(WORLD) && !places.includes(territory)) return 'for other places';
    if (at < licence.from_ms) return 'it begins later';
    if (licence.ended_ms !== 0n && licence.ended_ms <= at) return `it was ended at ${licence.ended_ms} ms`;
    if (licence.until_ms < at) return `its term ended at ${licence.until_ms} ms`;
    let hidden = false;
    for (const above of licence.above) {
      demand(above.length === 32, "a licence's id has not 32 bytes");
      const end = this.records.get(types.LicenceEnd, 'licence-end/', above);
      if (end === undefined) hidden = true;
      if (end && end.time_ms <= at) return `one that it stands on was ended at ${end.time_ms} ms`;
    }
    if (hidden) {
      this.withheld = true;
      return '';
    }
    return isClass ? this.outsideClass() : null;
  }

  /** Why the seller was not in its class; null if it was. */
  outsideClass() {
    const { seller, time_ms: at } = this.asked;
    const vouched = this.records.get(types.VouchedDesigner, 'vouched/', seller);
    if (vouched === undefined) {
      this.withheld = true;
      return '';
    }
    if (vouched !== null && at < vouched.from_ms) this.untold = true;
    const wasIn = vouched !== null && vouched.from_ms <= at && at <= vouched.until_ms;
    if (!wasIn) return 'the seller was not in its class';
    const voucher = this.records.get(types.Voucher, 'voucher/', seller.slice(0, seller.indexOf('.')));
    if (voucher === undefined) {
      this.withheld = true;
      return '';
    }
    if (voucher === null) return null;
    const early = at < voucher.told_from_ms;
    if (early) this.untold = true;
    const rested = voucher.rests.some(
      ({ from_ms: from, until_ms: until }) => from <= at && (until === 0n || at <= until),
    );
    return early || rested ? 'the voucher of its class might not vouch then' : null;
  }
}

/** Examines a file under the exact bytes of a trusted genesis document. */
export async function checkAuthorisation(bytes, genesis) {
  const end = bytes.length - CHECKSUM;
  demand(
    bytes.length <= MAX_FILE && end >= MAGIC.length && equal(bytes.subarray(0, MAGIC.length), MAGIC),
    'this is not an authorisation file of a version that is known here',
  );
  demand(equal(sha256(bytes.subarray(0, end)), bytes.subarray(end)), 'the checksum differs: the file is damaged');
  const file = decode(types.AuthorisationFile, bytes.subarray(MAGIC.length, end));
  const { question: asked, answer } = file;
  const { validators, chainId } = readGenesis(genesis);
  const sets = new ValidatorSets(validators, chainId);
  for (const change of file.validator_set_changes) await sets.apply(change);
  const header = await checkCertifiedHeader(answer.header, sets);
  demand(sets.current.height < header.height, "a change of the validators is not below the answer's header");
  demand(asked.subject.length === 32, "a design's id has not 32 bytes");
  const records = new Records(header.state_root, answer.values);
  const answered = new Question(asked, records).answer();
  demand(answered !== null, 'the records that the file holds do not settle the question');
  demand(records.read.size === answer.values.length, 'the file holds records that the question does not read');
  const [verdict, why] = answered;
  return {
    design: hex(asked.subject),
    seller: asked.seller,
    act: asked.act,
    territory: asked.territory,
    time_ms: asked.time_ms,
    verdict,
    why,
    height: header.height,
    header_time_ms: header.time_ms,
  };
}
