// The trace as something to explore: a drawing, and beside it the same as a list, by which keyboard and screen reader
// follow it. Each thing that is followed is asked for, and its whole record is examined before anything of it is shown.

import { printable } from '../src/printable.js';
import { h } from '../page/dom.js';
import { NoAnswer } from './answers.js';
import { svg } from './graphics.js';
import { DISPOSITIONS, TEXTS, pick } from './texts.js';
import { utcDay } from './times.js';
import { SIDES, depthOf } from './trace.js';

/** Things that "follow all" asks for in one go. */
const AT_ONCE = 100;
const BOX = { width: 156, height: 44, right: 12, below: 34 };
/** Letters that a box takes. */
const LETTERS = 22;

/** An identifier as short as a drawing needs it: its last parts. */
export function shortName(item) {
  const parts = item.replace(/^https:\/\/id\.gs1\.org\//, '').split('/');
  const value = parts.at(-1);
  const key = parts.length > 2 ? `…${parts[1].slice(-5)} · ` : '';
  const name = `${key}${value}`;
  return printable(name.length > LETTERS ? `…${name.slice(1 - LETTERS)}` : name);
}

export class TraceView {
  /** `ask` gives the examined record of an item, or throws `NoAnswer`; `guarded` shows any other failure as the page's. */
  constructor(graph, ask, guarded) {
    this.graph = graph;
    this.ask = ask;
    this.guarded = guarded;
    this.isBusy = false;
    this.element = h('section', { class: 'trace-of', 'aria-labelledby': 'trace-heading' });
  }

  t(name) {
    return pick(TEXTS[name], this.language);
  }

  /** The section, in this language. */
  render(language = this.language) {
    this.language = language;
    const { graph } = this;
    const open = graph.open.length;
    const has = graph.reached.size > 0;
    this.status = h('p', { role: 'status', id: 'trace-status' }, has ? this.counted() : this.t('traceNothing'));
    this.element.replaceChildren(
      h('h2', { id: 'trace-heading' }, this.t('trace')),
      h('p', { class: 'hint' }, this.t('traceNote')),
      ...(has ? [h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': this.t('traceDrawing') }, this.drawing())] : []),
      this.status,
      ...(has ? SIDES.map((side) => this.side(side)) : []),
      ...(open > 1 ? [h('p', { class: 'actions' }, this.button('trace-all', this.t('traceAll'), this.t('traceAll'), () => this.followAll()))] : []),
    );
    return this.element;
  }

  counted() {
    const { reached, open } = this.graph;
    const [colon, semicolon] = this.language === 'zh' ? ['：', '；'] : [': ', '; '];
    return `${this.t('traceReached')}${colon}${reached.size}${semicolon}${this.t('traceOpen')}${colon}${open.length}`;
  }

  button(id, text, label, action) {
    return h('button', { type: 'button', id, 'aria-label': label === text ? null : label, disabled: this.isBusy, onclick: this.guarded(action) }, text);
  }

  side(side) {
    const first = this.graph.from(this.graph.start, side);
    return h(
      'div',
      { 'data-side': side },
      h('h3', {}, this.t(side)),
      first.length === 0 ? h('p', {}, this.t(`${side}None`)) : this.list(first, side),
    );
  }

  list(nodes, side) {
    return h('ul', { class: 'trace-list' }, nodes.map((node) => this.entry(node, side)));
  }

  idOf(node) {
    return `trace-${node.side}-${this.graph.of(node.side).indexOf(node)}`;
  }

  entry(node, side) {
    const { item, record, fault, how, event, from } = node;
    const below = this.graph.from(node, side);
    const said = `${this.t(how === 'packed' ? 'tracePacked' : side === 'origins' ? 'traceInput' : 'traceOutput')}`;
    const comma = this.language === 'zh' ? '，' : ', ';
    return h(
      'li',
      { 'data-trace': item, id: this.idOf(node), tabindex: '-1' },
      h('code', {}, printable(item)),
      h('p', { class: 'who' }, `${said}${comma}${utcDay(event.eventMs)}${comma}${printable(from.record.name(event.organisation))}`),
      event.declaredWrongBy !== null && h('span', { class: 'badge' }, this.t('wrong')),
      record && this.known(record),
      fault && h('p', { class: 'fault' }, this.t('traceFault')),
      record === null &&
        h(
          'p',
          { class: 'actions' },
          this.button(`${this.idOf(node)}-follow`, this.t('traceFollow'), `${this.t('traceFollow')}: ${item}`, () => this.followOne(node)),
        ),
      below.length > 0 && this.list(below, side),
    );
  }

  /** What a proven record says in a line: who has the thing, where it was last, how it ended, what was found. */
  known(record) {
    const holder = record.examination.held?.custody?.holder;
    const last = record.events.findLast(({ place }) => place.ids.length > 0);
    const colon = this.language === 'zh' ? '：' : ': ';
    const rows = [
      this.t('traceChecked'),
      holder && `${this.t('custody')}${colon}${record.name(holder)}`,
      last && `${this.t('traceLast')}${colon}${last.place.ids[0]} (${utcDay(last.eventMs)})`,
      record.ended && this.t('traceEnded'),
      record.events.length === 0 && this.t('traceEmpty'),
    ].filter(Boolean);
    return [
      h('p', {}, rows.map(printable).join(this.language === 'zh' ? '；' : '; ')),
      record.findings.map(({ disposition }) => h('span', { class: `badge ${disposition}` }, pick(DISPOSITIONS[disposition], this.language))),
    ];
  }

  /** Asks for a thing's record, and takes it into the graph. */
  async look(node) {
    try {
      this.graph.follow(node, await this.ask(node.item));
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      node.fault = error.code;
    }
  }

  async followOne(node) {
    if (this.isBusy) return;
    this.isBusy = true;
    this.status.textContent = this.t('working');
    await this.look(node);
    this.isBusy = false;
    this.render();
    // The reader goes on where the button was.
    document.getElementById(this.idOf(node))?.focus();
  }

  /** Follows one thing after another, nearest first, until none is open or enough were asked for. */
  async followAll() {
    if (this.isBusy) return;
    this.isBusy = true;
    this.render();
    for (let asked = 0; asked < AT_ONCE && this.graph.open.length > 0 && this.element.isConnected; asked++) {
      this.status.textContent = `${this.t('working')} ${this.counted()}`;
      await this.look(this.graph.open[0]);
    }
    this.isBusy = false;
    this.render();
    document.getElementById('trace-all')?.focus();
  }

  /** Origins above, outcomes below, the thing between them; a line for each way. */
  drawing() {
    const { graph } = this;
    const rows = new Map();
    const put = (node, row) => {
      if (!rows.has(row)) rows.set(row, []);
      rows.get(row).push(node);
    };
    put(graph.start, 0);
    for (const node of graph.reached.values()) put(node, node.side === 'origins' ? -depthOf(node) : depthOf(node));
    const numbers = [...rows.keys()].sort((a, b) => a - b);
    const widest = Math.max(...[...rows.values()].map((row) => row.length));
    const width = widest * (BOX.width + BOX.right);
    const places = new Map();
    numbers.forEach((number, at) => {
      const row = rows.get(number);
      const left = (width - row.length * (BOX.width + BOX.right)) / 2;
      row.forEach((node, i) => places.set(node, { x: left + BOX.right / 2 + i * (BOX.width + BOX.right), y: 4 + at * (BOX.height + BOX.below) }));
    });
    const height = numbers.length * (BOX.height + BOX.below) - BOX.below + 8;
    return svg(
      'svg',
      { viewBox: `0 0 ${width} ${height}`, width, height, role: 'img', 'aria-label': `${this.t('traceDrawing')}. ${this.counted()}`, class: 'trace' },
      [...graph.reached.values()].map((node) => {
        const [upper, lower] = node.side === 'origins' ? [node, node.from] : [node.from, node];
        const [above, beneath] = [places.get(upper), places.get(lower)];
        const middle = BOX.width / 2;
        return svg('line', {
          class: node.event.declaredWrongBy === null ? 'way' : 'way wrong',
          x1: above.x + middle,
          y1: above.y + BOX.height,
          x2: beneath.x + middle,
          y2: beneath.y,
        });
      }),
      [...places].map(([node, place]) => this.box(node, place)),
    );
  }

  box(node, { x, y }) {
    const { record, fault, side } = node;
    const kind = side === null ? 'start' : record ? 'known' : fault ? 'fault' : 'open';
    const marked = record?.findings.some(({ disposition }) => disposition !== 'conformant') ?? false;
    const state = { start: 'traceThis', known: 'traceChecked', fault: 'traceNot', open: 'traceAsk' }[kind];
    const box = svg(
      'g',
      { class: `box ${kind}${marked ? ' marked' : ''}` },
      svg('rect', { x, y, width: BOX.width, height: BOX.height, rx: 5 }),
      svg('text', { x: x + BOX.width / 2, y: y + 18, 'text-anchor': 'middle' }, shortName(node.item)),
      svg('text', { class: 'state', x: x + BOX.width / 2, y: y + 35, 'text-anchor': 'middle' }, this.t(state)),
    );
    if (kind === 'open' || kind === 'fault') box.addEventListener('click', this.guarded(() => this.followOne(node)));
    return box;
  }
}
