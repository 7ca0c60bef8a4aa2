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
  | 'time'
  | 'time-stamps'
  | 'independence'
  | 'opening'
  | 'originals';

export type Verdict = 'verified' | 'verified-with-reservations' | 'not-verified';
export type Result = 'passed' | 'reservation' | 'failed' | 'not-given' | 'not-checked';

/** Digits where a JSON number would lose some: above 2^53 - 1. */
export type Integer = number | string;

export interface Check {
  element: Element;
  /** Of the People's Courts Online Litigation Rules (2021). */
  article: 16 | 17 | 18;
  result: Result;
  findings: string[];
}

export interface Place {
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
  signer: string;
}

export interface HistoryEvent extends Place {
  time_ms: Integer;
  organisation: string;
  content_hash: string;
  /** The containers by which the item shares the event, from the inner to the outer; empty for its own. */
  via: string[];
  /** The event exactly as it was signed: EPCIS 2.0 in JSON. */
  document: string | null;
}

export interface History {
  item: string;
  own_events: number;
  /** The containers that it is in now, from the inner to the outer. */
  inside: string[];
  events: HistoryEvent[];
  /** Who has it, that of its containers considered; null where nobody is recorded or the file doesn't show it. */
  custody: { holder: string; basis: string; since: Place; discrepancy: string } | null;
  claims: { organisation: string; reason: string; since: Place }[];
  ended: (Place & { how: string }) | null;
}

export type Deposit =
  | { id: string; recorded: false }
  | {
      id: string;
      recorded: true;
      commitment: string;
      owner_key: string;
      organisation: string;
      time_ms: Integer;
      /** The holder's word, unless `title_is_recorded`. */
      title: string | null;
      title_is_recorded: boolean;
      disclosed_ms: Integer | null;
      /** Names are the holder's word. */
      files: { sha256: string; name: string | null }[];
    };

export interface Facts {
  chain_id: string;
  chain_name: string;
  /** Of the anchor: how far the file reaches. */
  height: Integer;
  time_ms: Integer;
  /** How old the anchor is at `now`. */
  age_ms?: number;
  block_id: string;
  time_error_ms: Integer;
  stamps: Stamp[];
  /** Blocks of this record that no authority stamped. */
  chain_time_only: Integer[];
  validators: Validator[];
  /** Names by id, of the organisations that the file shows. */
  organisations: Record<string, string>;
  transactions: Transaction[];
  history: History | null;
  deposit: Deposit | null;
}

export interface Report {
  verdict: Verdict;
  checks: Check[];
  /** null where the file isn't verified: it then says nothing. */
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
  /** The time in milliseconds; adds `age_ms`. No element of the examination reads a clock. */
  now?: number;
  language?: 'en' | 'zh';
}

/** Examines an evidence file. Rejects only where the options are wrong or the program fails. */
export function verifyEvidence(bytes: Uint8Array, options?: Options): Promise<Report>;

/** The canonical form of an identifier; throws a `Refusal` for what isn't one. */
export function canonicalIdentifier(uri: string): string;

/** SHA-256 as hexadecimal digits. */
export function fingerprint(bytes: Uint8Array): string;

/** Computes Ed25519 without the platform's cryptography from now on. */
export function usePoints(): Promise<boolean>;

/** Elements and articles, in order. */
export const ELEMENTS: readonly (readonly [Element, 16 | 17 | 18])[];

export class Refusal extends Error {}
