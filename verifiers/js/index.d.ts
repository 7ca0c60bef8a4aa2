/** An element of the examination, in the order of docs/evidence.md. */
export type Element =
  | 'file'
  | 'genesis'
  | 'validators'
  | 'anchor'
  | 'state'
  | 'blocks'
  | 'transactions'
  | 'completeness'
  | 'keys'
  | 'custody'
  | 'handovers'
  | 'time'
  | 'time-stamps'
  | 'independence'
  | 'opening'
  | 'disputes'
  | 'authorisations';

/** On the record alone. */
export type Verdict = 'verified' | 'verified-with-reservations' | 'not-verified';
export type Result = 'passed' | 'reservation' | 'failed' | 'not-given' | 'not-checked';

/** A bigint where a number would round it: above 2^53 - 1. `toJson` writes both as digits. */
export type Integer = number | bigint;

export interface Check {
  element: Element;
  /** Of the People's Courts Online Litigation Rules (2021). */
  article: 16 | 17 | 18;
  result: Result;
  /** Sentences for people; they aren't stable. */
  findings: string[];
}

export interface Position {
  height: Integer;
  transaction: number;
  event: number;
}

export interface Stamp {
  /** The signer's name, and where the authority was asked. */
  authority: string;
  url: string;
  first: Integer;
  last: Integer;
  /** Blocks of this record. */
  heights: Integer[];
  gen_time_ms: Integer;
  /** null: not stated. */
  accuracy_ms: Integer | null;
  no_later_than_ms: Integer;
  serial: string;
  policy: string;
  root_sha256: string;
  trusted: boolean;
}

export interface Validator {
  public_key: string;
  power: Integer;
  organisation: string;
  name: string;
  /** Whether it signed the anchor. */
  signed: boolean;
}

export interface Transaction {
  height: Integer;
  index: number;
  id: string;
  time_ms: Integer;
  organisation: string;
  name: string;
  signer: string;
}

export interface HistoryEvent extends Position {
  time_ms: Integer;
  organisation: string;
  content_hash: string;
  /** The containers by which the item shares the event, from the inner to the outer; empty for its own. */
  via: string[];
}

export interface History {
  item: string;
  own_events: number;
  /** The containers that it is in at the anchor, from the inner to the outer. */
  inside: string[];
  events: HistoryEvent[];
}

/** Words of the parties, as they stand. */
export interface Custody {
  /** null: nobody is recorded. */
  holder: string | null;
  basis: 'handover' | 'prefix' | 'own-word' | null;
  one_sided: boolean | null;
  since: Position | null;
  discrepancy: string | null;
  ended: { how: 'sold' | 'consumed' | 'destroyed' | 'decommissioned' | null; position: Position } | null;
  offer: { id: string; to: string; deadline_ms: Integer } | null;
  /** Without a reason: the word of the holder before, which a claim displaced. */
  claims: { item: string; organisation: string; since: Position; reason: string | null }[];
  stock: { unit: string; holdings: { organisation: string; millionths: Integer }[] } | null;
}

export type OfferStatus = 'open' | 'void' | 'accepted' | 'accepted-with-discrepancy' | 'rejected' | 'withdrawn';

interface Statement {
  height: Integer;
  transaction: number;
  id: string;
  time_ms: Integer;
  organisation: string;
}

export type Handover = Statement &
  (
    | { offer: { to: string; deadline_ms: Integer; status: OfferStatus | null; discrepancy: string | null } }
    | { answer: { offer: string; status: OfferStatus; discrepancy: string | null } }
    | { claim: { reason: string } }
  );

/** What looked alike among the recorded designs when it was deposited. */
export interface LookAlikes {
  specification: string;
  time_ms: Integer;
  pictures_searched: Integer;
  designs_searched: Integer;
  pictures: {
    file_sha256: string;
    /** Fingerprints of the picture, and of what is left without its margins. */
    whole: string;
    trimmed: string;
    whole_quality: number;
    trimmed_quality: number;
    found: Integer;
    /** The nearest of them. */
    candidates: {
      number: Integer;
      design_id: string;
      file_sha256: string;
      distance: number;
      variant: number;
      part: number;
      organisation: string;
      deposited_height: Integer;
      deposited_ms: Integer;
    }[];
  }[];
}

/** Who vouched for the designer, and how that was checked. */
export interface Vouching {
  voucher: string;
  name: string;
  check: 'in-person' | 'remote' | 'business-register' | 'other';
  check_words: string;
  registered_as: string;
  from_ms: Integer;
  until_ms: Integer;
  withdrawn_ms: Integer | null;
  withdrawn_reason: string | null;
}

/** Whose right the design is. */
export interface Right {
  owner: string;
  /** The last of them, in order; `earlier_owners` came before. */
  owners: { organisation: string; since_ms: Integer }[];
  earlier_owners: number;
  offered: { id: string; to: string; deadline_ms: Integer } | null;
  ended_ms: Integer | null;
  ended_reason: string | null;
}

export interface Deposit {
  id: string;
  recorded: boolean;
  commitment: string | null;
  owner_key: string | null;
  organisation: string | null;
  time_ms: Integer | null;
  /** The holder's word, unless `title_is_recorded` or there is a `content`. */
  title: string | null;
  title_is_recorded: boolean;
  /** What the commitment covers beside the files, as far as it is shown. */
  content?: {
    views: (string | null)[];
    fields: { name: string; value: string; disclosure: string }[];
  };
  /** The drafts before the deposit: the designer's words and clock. */
  drafts?: {
    number: number;
    head: string;
    time_ms: number;
    who: string;
    device: string;
    tool: string;
    files: { name_digest: string; sha256: string | null; bytes: Integer }[];
  }[];
  /** Where the file tells of them. */
  look_alikes?: LookAlikes;
  vouching?: Vouching;
  right?: Right;
  disclosed_ms: Integer | null;
  /** Names are the holder's word. */
  files: { sha256: string; name: string | null }[];
}

/** Which pulse of a public beacon a draw took: its signature and its place are checked again. */
export interface BeaconPulse {
  chain_index: Integer;
  /** Time of the pulse, which follows from the block that ended the validators' values. */
  pulse_ms: Integer;
  /** Up to when the draw waited for it. */
  deadline_ms: Integer;
  /** Null where nobody showed it in time: the jurors were drawn without it. */
  pulse_index: Integer | null;
  output_value: string | null;
}

/** A panel of jurors: its seats are drawn again, its votes counted again. */
export interface Panel {
  jurors: number;
  /** The block that drew it; null as long as it isn't drawn. */
  drawn_in: Integer | null;
  seed: string | null;
  /** Keys of the validators whose values made the seed; organisations of those that were silent. */
  revealed: string[];
  silent: string[];
  /** Of which public beacon the draw took a pulse; null where the terms named none. */
  beacon: BeaconPulse | null;
  seats: {
    juror: number;
    ballot: 'none' | 'cast' | 'void' | 'counted' | 'opened';
    choice: 'uphold' | 'dismiss' | null;
    reasons_sha256: string | null;
  }[];
  verdict: 'upheld' | 'dismissed' | 'no-quorum' | 'no-majority' | 'no-panel' | null;
  uphold: number | null;
  dismiss: number | null;
}

/** A case that an authority handed over to another. */
export interface CaseHandOver {
  from: string;
  to: string;
  reasons_sha256: string;
  rule_book_sha256: string;
  offered_ms: Integer;
  deadline_ms: Integer;
  state: 'offered' | 'accepted' | 'lapsed';
  closed_ms: Integer | null;
}

/** Something that was looked at for a dispute. */
export interface CaseCheck {
  id: string;
  kind: 'test-purchase' | 'spot-check' | 'supervisor-notice' | 'unspecified';
  by: string;
  at_ms: Integer;
  place: string;
  report_sha256: string | null;
  rule_book_sha256: string | null;
  seal_sha256: string | null;
  custody_sha256: string | null;
  to: string | null;
  recorded_ms: Integer;
  state: 'waits' | 'closed' | 'defaulted';
  deadline_ms: Integer | null;
  verdict: 'authentic' | 'not-authentic' | 'undetermined' | null;
  /** Of an examined sample: whether its seal was that of the purchase. */
  seal_confirmed: boolean | null;
  answer_sha256: string | null;
  answer_rule_book_sha256: string | null;
  closed_ms: Integer | null;
}

/** An authority's sanction against an organisation. */
export interface Sanction {
  id: string;
  party: string;
  registered_as: string | null;
  kind: 'warning' | 'no-notices' | 'no-sales' | 'unspecified';
  issuer: string;
  grounds: string[];
  reasons_sha256: string | null;
  rule_book_sha256: string | null;
  from_ms: Integer;
  until_ms: Integer;
  outcome: 'confirmed' | 'lifted' | 'not-appealed' | 'not-decided' | null;
  by_default: boolean;
  deadline_ms: Integer;
  authority: string | null;
  appealed_ms: Integer | null;
  appeal_sha256: string | null;
  decision_sha256: string | null;
  decision_rule_book_sha256: string | null;
  closed_ms: Integer | null;
}

/** Sanctions of a list. */
export interface SanctionList {
  imposed: Integer;
  confirmed: Integer;
  lifted: Integer;
  not_appealed: Integer;
  not_decided: Integer;
  told_from_ms: Integer;
  held: { sanction: string; kind: string; subjects: string[]; from_ms: Integer; until_ms: Integer }[];
}

/** The sanctions of a party, and of all that are vouched for with its register's number. */
export interface PartySanctions extends SanctionList {
  organisation: string;
  registered_as: string | null;
  registered: SanctionList | null;
}

/** False statements of a party that rulings found. */
export interface FalseStatements {
  notices: Integer;
  declarations: Integer;
}

/** The question to an assistance centre, and what became of it. */
export interface Referral {
  centre: string;
  by: string;
  referred_ms: Integer;
  deadline_ms: Integer;
  reasons_sha256: string;
  rule_book_sha256: string | null;
  opinion: 'infringes' | 'does-not-infringe' | 'contested' | null;
  opinion_reasons_sha256: string | null;
  opinion_rule_book_sha256: string | null;
  closed_ms: Integer | null;
  /** The centre was silent up to its deadline. */
  by_default: boolean;
}

/** How all disputes under the design's right went, and those that the file shows. */
export interface Disputes {
  notices: Integer;
  open: Integer;
  refused: Integer;
  withdrawn: Integer;
  upheld: Integer;
  dismissed: Integer;
  false_notices: Integer;
  false_declarations: Integer;
  panel_upheld: Integer;
  panel_dismissed: Integer;
  centre_dismissed: Integer;
  /** Somebody was silent up to a deadline. */
  by_default: Integer;
  shown: {
    id: string;
    complainant: string;
    platform: string;
    respondent: string;
    listing: string;
    noticed_ms: Integer;
    phase: 'noticed' | 'measures' | 'countered' | 'filed' | 'review' | 'ended' | 'referred' | 'without-measures';
    outcome: string | null;
    ended_ms: Integer | null;
    referral: Referral | null;
    /** What rulings had found of the complainant's statements when it gave the notice. */
    complainant_before: FalseStatements | null;
    /** The same of the respondent's, when it declared. */
    respondent_before: FalseStatements | null;
    review: { ground: string; opened_by: string; opened_ms: Integer; phase: string; panels: Panel[] } | null;
    handovers: CaseHandOver[];
    checks: CaseCheck[];
    sanctions: Sanction[];
  }[];
  /** Those whose sanctions the file shows. */
  parties: PartySanctions[];
}

/** Whether somebody may do something with the design, asked again of the records. */
export interface Authorisation {
  seller: string;
  act: 'make' | 'offer' | 'sell' | 'import';
  territory: string;
  time_ms: Integer;
  answer: 'yes' | 'no' | 'untold';
  owner: boolean;
  licence: string | null;
  licensee: string | null;
  until_ms: Integer | null;
}

export interface Facts {
  subject: { item: string } | { design: string };
  chain_id: string;
  chain_name: string;
  /** Of the anchor: how far the file reaches. */
  height: Integer;
  time_ms: Integer;
  block_id: string;
  time_error_ms: Integer;
  validators: Validator[];
  transactions: Transaction[];
  history: History | null;
  /** null for a design, and where the file doesn't tell. */
  custody: Custody | null;
  handovers: Handover[];
  deposit: Deposit | null;
  /** null where the file doesn't tell of them, as for items. */
  disputes: Disputes | null;
  authorisations: Authorisation[];
  stamps: Stamp[];
}

export type ExhibitVerdict = 'recorded' | 'not-compared' | 'not-recorded';

export interface Exhibits {
  /** The worst of the files'. */
  verdict: 'none' | ExhibitVerdict;
  files: {
    name: string;
    sha256: string;
    verdict: ExhibitVerdict;
    /** A file of the deposit, counted from 1, or an event of the history. */
    matches: ({ file: number } | { event: Position })[];
  }[];
}

/** In the form of docs/examination.schema.json. */
export interface Report {
  format: 'touchstone/examination/v1';
  tool: { name: string; version: string };
  examined_ms: number;
  /** 0 verified; 3 not verified; 6 with reservations; 7 an exhibit isn't shown to be recorded. */
  exit_code: 0 | 3 | 6 | 7;
  file: { sha256: string; bytes: number; version: 1 | 2 | null };
  verdict: Verdict;
  checks: Check[];
  exhibits: Exhibits;
  /** null where the record isn't verified: the file then says nothing. */
  facts: Facts | null;
}

export interface Original {
  name: string;
  bytes?: Uint8Array;
  /** Instead of the bytes. */
  sha256?: Uint8Array;
}

export interface Options {
  /** The genesis document from a trusted place, or its SHA-256. */
  genesis?: Uint8Array;
  chainId?: string | Uint8Array;
  /** Root certificates of authorities that are to be trusted: DER, or text of PEM. */
  tsaRoots?: string | (Uint8Array | string)[];
  originals?: Original[];
  /** The time of the examination in milliseconds, for `examined_ms`: no element reads a clock. */
  now?: number;
  language?: 'en' | 'zh';
}

/** Examines an evidence file. Rejects only where the options are wrong or the program fails. */
export function verifyEvidence(bytes: Uint8Array, options?: Options): Promise<Report>;

export interface AuthorisationAnswer {
  design: string;
  seller: string;
  act: number;
  territory: string;
  time_ms: bigint;
  verdict: 'yes' | 'no' | 'untold';
  /** What it rests on, in English. */
  why: string;
  height: bigint;
  header_time_ms: bigint;
}

/** Examines a file that answers whether a seller may do something with a design. Rejects with a `Refusal`. */
export function verifyAuthorisation(
  bytes: Uint8Array,
  options: { genesis: Uint8Array },
): Promise<AuthorisationAnswer>;

export interface ItemAnswer {
  item: string;
  /** Of the header under which it is proven; compare its time with a clock where a recent answer is needed. */
  height: bigint;
  time_ms: bigint;
  /** How many events the item has, and the number of the first one here. */
  count: bigint;
  from: bigint;
  events: {
    position: { height: bigint; transaction: number; event: number };
    time_ms: bigint;
    organisation: string;
    transaction_id: string;
    /** Exactly as signed. */
    bytes: Uint8Array;
  }[];
}

/**
 * Checks a node's answer about an item: the bytes of an `ItemReply`, under a trusted genesis document and the changes of
 * the validators since, each the bytes of a `ValidatorSetChange`. Rejects with a `Refusal` where it doesn't hold.
 */
export function verifyItemAnswer(
  bytes: Uint8Array,
  options: { item: string; genesis: Uint8Array; changes?: Uint8Array[] },
): Promise<ItemAnswer>;

/** The canonical form of an identifier; throws a `Refusal` for what isn't one. */
export function canonicalIdentifier(uri: string): string;

/** A report as JSON, with exact integers. */
export function toJson(report: unknown): string;

/** SHA-256 as hexadecimal digits. */
export function fingerprint(bytes: Uint8Array): string;

/** Computes Ed25519 without the platform's cryptography from now on. */
export function usePoints(): Promise<boolean>;

/** Elements and articles, in order. */
export const ELEMENTS: readonly (readonly [Element, 16 | 17 | 18])[];

export class Refusal extends Error {}
