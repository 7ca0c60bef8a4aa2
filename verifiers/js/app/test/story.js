// The story of a lamp from its making to the shop, as a ledger that is made here; and others that differ from it.

import { SampleLedger, fill } from '../../test/support/sample.js';
import { concat, fromHex, hex, utf8 } from '../../src/bytes.js';
import { sha256 } from '../../src/hashes.js';
import { types } from '../../src/messages.js';
import { decode } from '../../src/protobuf.js';
import { openingsOf } from '../activation.js';

export const LAMP = 'https://id.gs1.org/01/09521321000018/21/1';
export const LAMP_PATH = '/01/09521321000018/21/1';
export const LOT = 'https://id.gs1.org/01/09521321000018/10/B7';
const MINUTE = 60_000;

const CONTEXT = ['https://ref.gs1.org/standards/epcis/epcis-context.jsonld', { example: 'https://example.org/' }];
const at = (height) => ({ height: BigInt(height), transaction: 0, event: 0 });

const event = (time, bizStep, more = {}) => ({
  '@context': CONTEXT,
  type: 'ObjectEvent',
  eventTime: time,
  eventTimeZoneOffset: '+08:00',
  action: 'OBSERVE',
  bizStep,
  epcList: [LAMP],
  ...more,
});

const transformation = (time, more) => ({
  '@context': CONTEXT,
  type: 'TransformationEvent',
  eventTime: time,
  eventTimeZoneOffset: '+08:00',
  bizStep: 'creating_class_instance',
  ...more,
});

const readings = (time, values) => ({
  sensorMetadata: { time },
  sensorReport: values.map(([type, value, uom]) => ({ type, value, uom })),
});

export const making = {
  organisation: 'maker',
  items: [LAMP],
  document: event('2026-03-02T09:15:00.000+08:00', 'commissioning', {
    action: 'ADD',
    disposition: 'active',
    readPoint: { id: 'geo:22.54,114.06' },
    ilmd: {
      'cbvmda:lotNumber': 'B7',
      'cbvmda:itemExpirationDate': '2031-12-31',
      'cbvmda:countryOfOrigin': 'CN',
      'example:model': 'desk lamp <b>9</b>',
    },
  }),
};

/** The steps of the whole way. */
export const WAY = [
  making,
  {
    organisation: 'maker',
    offerTo: 'carrier',
    document: event('2026-03-03T10:00:00.000+08:00', 'shipping', { disposition: 'in_transit' }),
  },
  {
    organisation: 'carrier',
    accepts: true,
    document: event('2026-03-04T16:05:00.000+08:00', 'arriving', { readPoint: { id: 'geo:31.34,121.64' } }),
  },
  {
    organisation: 'carrier',
    document: event('2026-03-05T21:30:00.000+08:00', 'loading', { readPoint: { id: 'geo:31.34,121.64' } }),
  },
  {
    organisation: 'carrier',
    document: event('2026-03-14T00:00:00.000+08:00', 'transporting', {
      disposition: 'in_transit',
      sensorElementList: [
        readings('2026-03-08T00:00:00Z', [['Temperature', 21.5, 'CEL'], ['RelativeHumidity', 61, 'P1']]),
        readings('2026-03-11T00:00:00Z', [['Temperature', 27.9, 'CEL'], ['RelativeHumidity', 72, 'P1']]),
        readings('2026-03-13T00:00:00Z', [['Temperature', 24, 'CEL'], ['RelativeHumidity', 66, 'P1']]),
      ],
    }),
  },
  {
    organisation: 'carrier',
    document: event('2026-04-02T07:10:00.000+02:00', 'unloading', {
      eventTimeZoneOffset: '+02:00',
      readPoint: { id: 'geo:51.95,4.05' },
    }),
  },
  {
    organisation: 'carrier',
    document: event('2026-04-03T09:00:00.000+02:00', 'storing', {
      eventTimeZoneOffset: '+02:00',
      disposition: 'sellable_not_accessible',
      readPoint: { id: 'https://id.gs1.org/414/9521321000018/254/bond-3' },
    }),
  },
  {
    organisation: 'office',
    document: event('2026-04-08T14:25:00.000+02:00', 'inspecting', {
      eventTimeZoneOffset: '+02:00',
      disposition: 'conformant',
      certificationInfo: 'https://example.org/customs/releases/2026-88-104',
    }),
  },
  {
    organisation: 'market',
    document: event('2026-04-15T08:30:00.000+02:00', 'stocking', {
      eventTimeZoneOffset: '+02:00',
      disposition: 'sellable_accessible',
    }),
  },
];

const SALT = '00112233445566778899aabbccddeeff';
export const CODE = '0123456789AB';
/** What the maker records of the code under the lamp's cover. */
export const RECORDED_CODE = `sha256:${SALT}:${hex(sha256(concat(fromHex(SALT), utf8(CODE))))}`;
export const OPENINGS = openingsOf(RECORDED_CODE);

/** The whole way of a lamp with a code under its cover. */
export const SEALED = [
  { ...making, document: { ...making.document, ilmd: { ...making.document.ilmd, 'touchstone:activation': RECORDED_CODE } } },
  ...WAY.slice(1),
];

/** The transaction that holds an item's first event. */
export const firstTransaction = (ledger, item) => hex(decode(types.LinkEntry, ledger.items.get(item).entries[0]).transaction_id);

/** Somebody with the code under the lamp's cover has its opening recorded. */
export const opening = (organisation, item, code) => ({
  organisation,
  items: [item],
  document: event('2026-05-03T12:00:00.000+08:00', '', { epcList: [item], 'touchstone:openingCode': code }),
});

export const recall = (items, more = {}) => ({
  organisation: 'maker',
  items,
  document: event('2026-05-01T12:00:00.000+08:00', 'holding', { disposition: 'recalled', ...more }),
});

export const sale = {
  organisation: 'market',
  document: event('2026-05-02T12:00:00.000+08:00', 'retail_selling', { disposition: 'retail_sold' }),
};

export const CHIPS = 'https://id.gs1.org/01/09521321000025/10/C1';
export const SET = 'https://id.gs1.org/01/09521321000032/21/7';
export const SET_PATH = '/01/09521321000032/21/7';

/** A lamp of a lot of chips, and a set that it went into. */
export const MADE_OF = [
  {
    organisation: 'maker',
    items: [CHIPS],
    document: event('2026-02-20T08:00:00.000+08:00', 'commissioning', {
      action: 'ADD',
      epcList: [],
      quantityList: [{ epcClass: CHIPS, quantity: 1000 }],
    }),
  },
  {
    organisation: 'maker',
    items: [CHIPS, LAMP],
    document: transformation('2026-03-02T09:15:00.000+08:00', {
      inputQuantityList: [{ epcClass: CHIPS, quantity: 10 }],
      outputEPCList: [LAMP],
    }),
  },
  {
    organisation: 'maker',
    items: [LAMP, SET],
    document: transformation('2026-03-03T10:00:00.000+08:00', { inputEPCList: [LAMP], outputEPCList: [SET] }),
  },
];

export const custody = fill(types.Custody, { holder: 'market', basis: 3, since: at(9) });

/** A ledger in which these steps happened; its last block is `ageMs` old. */
export function ledgerOf(steps, { ageMs = 0, record = {}, records = {}, now = Date.now(), ...more } = {}) {
  const withItems = steps.map((step) => ({ items: [LAMP], ...step }));
  return new SampleLedger({
    events: withItems,
    records: { [LAMP]: { custody, ...record }, ...records },
    roles: { maker: [3], carrier: [2], office: [7], market: [10] },
    prefixes: { maker: ['9521321'] },
    startMs: now - ageMs - MINUTE,
    anchorMs: now - ageMs,
    ...more,
  });
}

export const endOf = (how, height) => ({ ended: fill(types.End, { how, position: at(height) }) });
