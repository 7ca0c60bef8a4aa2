// This node, as it tells of itself: blocks as they come, the validators and who signed, what was captured here, and
// which queries it keeps.

import { h } from '../page/dom.js';
import { printable } from '../src/printable.js';
import { TEXTS, pick } from './texts.js';
import { utcTime } from './times.js';

/** Captures and queries that are listed. */
const MOST = 100;

export class NodeView {
  constructor(language) {
    this.language = language;
  }

  t(name) {
    return pick(TEXTS[name], this.language);
  }

  rows(rows) {
    return h(
      'dl',
      { class: 'facts' },
      rows.map(([name, value]) => h('div', {}, h('dt', {}, name), h('dd', {}, value))),
    );
  }

  table(title, heads, rows) {
    return h(
      'div',
      { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': title },
      h(
        'table',
        {},
        h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col' }, head)))),
        h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((cell) => h('td', {}, cell))))),
      ),
    );
  }

  /** All of it; `jobs` are captures that came to this node, `queries` those that it keeps, null where it doesn't tell. */
  node({ status, jobs, queries }) {
    const state = status.halt !== null ? 'nodeHalted' : status.syncing ? 'nodeSyncing' : status.validator ? 'nodeVotes' : 'nodeFollows';
    return [
      h('h2', { id: 'verdict', tabindex: '-1' }, this.t('nodeHeading')),
      h('p', { class: 'hint' }, this.t('nodeWord')),
      h('p', { class: status.halt === null ? 'notice' : 'notice halted', role: 'status', 'data-node': state }, this.t(state)),
      status.halt !== null && h('p', { lang: 'en' }, printable(status.halt)),
      this.rows([
        [this.t('nodeChain'), [printable(status.chain_name), ' ', h('code', {}, status.chain_id)]],
        [this.t('nodeBlock'), `${status.height}${this.language === 'zh' ? '，' : ', '}${utcTime(status.time_ms)}`],
        [this.t('nodePending'), String(status.pending_transactions)],
        [this.t('nodePeers'), String(status.connected_peers)],
        [this.t('nodeVersion'), printable(status.version)],
      ]),
      h('h2', {}, this.t('nodeValidators')),
      this.validators(status),
      h('h2', {}, this.t('nodeBlocks')),
      this.blocks(status),
      h('h2', {}, this.t('nodeCaptures')),
      this.list(jobs, 'nodeCapturesHidden', 'nodeCapturesNone', (job) => this.job(job)),
      h('h2', {}, this.t('nodeQueries')),
      this.list(queries, 'nodeQueriesHidden', 'nodeQueriesNone', ({ name, asks }) =>
        h('li', { 'data-query': name }, h('strong', {}, printable(name)), ' ', h('code', {}, printable(asks))),
      ),
    ];
  }

  /** The first entries of what a member is told, or why there are none. */
  list(entries, hidden, none, entry) {
    if (entries === null || entries.length === 0) {
      return h('p', { class: 'hint' }, this.t(entries === null ? hidden : none));
    }
    const more = entries.length - MOST;
    return [
      h('ul', {}, entries.slice(0, MOST).map(entry)),
      more > 0 && h('p', { class: 'hint' }, `${this.t('nodeMore')} ${more}`),
    ];
  }

  job({ createdMs, state, reason }) {
    const colon = this.language === 'zh' ? '：' : ': ';
    const told = `${utcTime(createdMs)}${colon}${this.t(state)}`;
    const why = state === 'jobRefused' && reason !== '' && [colon, h('span', { lang: 'en' }, printable(reason))];
    return h('li', { 'data-job': state }, told, why);
  }

  /** Who signed the last block, and how many of those shown. */
  validators({ validators, blocks }) {
    const rows = validators.map(({ public_key: key, organisation, power }) => {
      const signed = blocks.filter(({ signers }) => signers.includes(key)).length;
      const last = blocks[0]?.signers.includes(key) ? this.t('nodeSigned') : this.t('nodeNotSigned');
      return [printable(organisation), String(power), last, `${signed}\u00a0/\u00a0${blocks.length}`];
    });
    const heads = ['nodeOrganisation', 'nodePower', 'nodeLast', 'nodeShare'].map((name) => this.t(name));
    return this.table(this.t('nodeValidators'), heads, rows);
  }

  blocks({ validators, blocks }) {
    const of = new Map(validators.map(({ public_key: key, organisation }) => [key, organisation]));
    const rows = blocks.map(({ height, time_ms: time, transactions, proposer, signers }) => [
      String(height),
      utcTime(time),
      String(transactions),
      printable(of.get(proposer) ?? ''),
      `${signers.length}\u00a0/\u00a0${validators.length}`,
    ]);
    const heads = ['nodeHeight', 'nodeTime', 'nodeTransactions', 'nodeProposer', 'nodeSigners'].map((name) => this.t(name));
    return this.table(this.t('nodeBlocks'), heads, rows);
  }
}
