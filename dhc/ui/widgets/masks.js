// A small network under one of many dropout masks, and beside it all masks, a row each, with the answer that each gives. The pointer or the
// arrow keys choose the row whose mask the network wears; the server hears of the one at which they come to rest.

const [WIDE, HIGH] = [760, 440];
const [TOP, BOTTOM] = [46, 396]; // of the rows and of the network
const [INPUT, HIDDEN, OUTPUT] = [34, 168, 300]; // x of the layers
const [CELLS, CELL] = [352, 10]; // x of the masks, pixels of a cell
const [LEFT, RIGHT] = [470, 748]; // of the answers' axis

const states = new WeakMap();
const along = (i, count, top = TOP, bottom = BOTTOM) => (count < 2 ? (top + bottom) / 2 : top + (i * (bottom - top)) / (count - 1));

function xOf(data, answer) {
  const share = (answer - data.low) / (data.high - data.low);
  return LEFT + Math.max(0, Math.min(1, share)) * (RIGHT - LEFT);
}

const rowHeight = data => (BOTTOM - TOP) / data.draws.length;
const rowY = (data, i) => TOP + (i + 0.5) * rowHeight(data);

function network(state) {
  const { data } = state;
  const units = data.units.length;
  const group = drawn('g', { class: 'network' });
  const heaviest = Math.max(...data.units.map(unit => Math.abs(unit.weight)));
  const middle = (TOP + BOTTOM) / 2;
  state.edges = data.units.map((unit, i) => {
    const part = drawn('g', { class: 'edges' });
    const y = along(i, units);
    data.inputs.forEach((_, k) => part.append(drawn('line', { class: 'in', x1: INPUT, x2: HIDDEN, y1: along(k, data.inputs.length, TOP + 60, BOTTOM - 60), y2: y })));
    part.append(drawn('line', { class: unit.weight < 0 ? 'out below' : 'out', x1: HIDDEN, x2: OUTPUT, y1: y, y2: middle, 'stroke-width': 0.8 + (3.2 * Math.abs(unit.weight)) / heaviest }));
    group.append(part);
    return part;
  });
  state.nodes = data.units.map((unit, i) => {
    const node = drawn('g', { class: 'node', transform: `translate(${HIDDEN} ${along(i, units)})` });
    node.append(drawn('circle', { r: 17 }), drawn('text', { y: 4 }), drawn('path', { class: 'cross', d: 'M-9 -9 L9 9 M-9 9 L9 -9' }));
    group.append(node);
    return node;
  });
  data.inputs.forEach((text, k) => {
    const node = drawn('g', { class: 'node', transform: `translate(${INPUT} ${along(k, data.inputs.length, TOP + 60, BOTTOM - 60)})` });
    node.append(drawn('circle', { r: 18 }), drawn('text', { y: 4 }, text));
    group.append(node);
  });
  const output = drawn('g', { class: 'node output', transform: `translate(${OUTPUT} ${middle})` });
  state.output = drawn('text', { y: 5 });
  output.append(drawn('circle', { r: 27 }), state.output);
  group.append(output);
  return group;
}

/** All masks: a row of cells and a dot each. */
function rows(state) {
  const { data } = state;
  const high = rowHeight(data);
  state.rows = data.draws.map((draw, i) => {
    const row = drawn('g', { class: 'row' });
    row.append(drawn('rect', { class: 'area', x: CELLS - 6, width: RIGHT - CELLS + 12, y: rowY(data, i) - high / 2, height: high }));
    draw.stays.forEach((stays, k) => row.append(drawn('rect', { class: stays ? 'stays' : 'left', x: CELLS + k * CELL, width: CELL - 1.5, y: rowY(data, i) - high / 2 + 1, height: high - 2 })));
    row.append(drawn('circle', { class: 'dot', cx: xOf(data, draw.answer), cy: rowY(data, i), r: 4.5 }));
    row.addEventListener('pointerenter', () => choose(state, i));
    row.addEventListener('click', () => choose(state, i));
    return row;
  });
  return state.rows;
}

function axis(state) {
  const { data } = state;
  const { words, language } = data;
  const group = drawn('g', { class: 'axis' });
  const step = [0.5, 1, 2, 5, 10, 20].find(size => (data.high - data.low) / size <= 7) ?? 50;
  group.append(drawn('line', { class: 'ground', x1: LEFT, x2: RIGHT, y1: BOTTOM + 4, y2: BOTTOM + 4 }));
  for (let value = Math.ceil(data.low / step) * step; value <= data.high; value += step) {
    group.append(drawn('text', { class: 'middle', x: xOf(data, value), y: BOTTOM + 22 }, written(value, step < 1 ? 1 : 0, language)));
  }
  const [whole, mean] = [xOf(data, data.whole), xOf(data, data.mean)];
  const [from, to] = [xOf(data, data.mean - data.deviation), xOf(data, data.mean + data.deviation)];
  group.append(
    drawn('rect', { class: 'band', x: from, width: to - from, y: TOP, height: BOTTOM - TOP + 4 }),
    drawn('line', { class: 'whole', x1: whole, x2: whole, y1: TOP - 6, y2: BOTTOM + 4 }),
    drawn('line', { class: 'mean', x1: mean, x2: mean, y1: TOP - 6, y2: BOTTOM + 4 }),
    drawn('text', { class: 'title', x: CELLS, y: 16 }, words.masks),
    drawn('text', { class: 'title', x: LEFT, y: 16 }, words.answers),
    drawn('text', { class: 'whole', x: LEFT, y: 34 }, words.whole),
    drawn('text', { class: 'mean end', x: RIGHT, y: 34 }, words.mean),
    drawn('text', { class: 'title middle', x: INPUT + 4, y: TOP + 24 }, words.input),
    drawn('text', { class: 'title middle', x: HIDDEN, y: 16 }, words.hidden),
    drawn('text', { class: 'title middle', x: OUTPUT - 4, y: (TOP + BOTTOM) / 2 + 50 }, words.output),
  );
  return group;
}

function show(state) {
  const { data, chosen } = state;
  const draw = data.draws[chosen];
  state.rows.forEach((row, i) => row.classList.toggle('chosen', i === chosen));
  data.units.forEach((_, i) => {
    for (const part of [state.edges[i], state.nodes[i]]) part.classList.toggle('out-now', !draw.stays[i]);
    changed(state.nodes[i].querySelector('text'), {}, draw.stays[i] ? draw.texts[i] : '');
  });
  changed(state.output, {}, written(draw.answer, 2, data.language));
  changed(state.svg, { 'aria-valuenow': chosen + 1, 'aria-valuetext': `${chosen + 1}: ${written(draw.answer, 2, data.language)}` });
}

function choose(state, chosen) {
  const next = Math.max(0, Math.min(state.data.draws.length - 1, chosen));
  if (next === state.chosen) return;
  state.chosen = next;
  show(state);
  state.tell();
}

function keys(state, event) {
  const by = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1, PageDown: 5, PageUp: -5, Home: -1e3, End: 1e3 }[event.key];
  if (by === undefined) return;
  event.preventDefault();
  event.stopPropagation();
  choose(state, state.chosen + by);
}

function mount(state, parent) {
  const { data } = state;
  const had = parent.querySelector('svg');
  const attributes = { role: 'slider', tabindex: 0, 'aria-label': data.words.alt, 'aria-valuemin': 1, 'aria-valuemax': data.draws.length };
  const svg = (state.svg = had ?? drawn('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, ...attributes }));
  changed(svg, attributes);
  svg.replaceChildren(network(state), axis(state), ...rows(state));
  if (had) return;
  const root = Object.assign(document.createElement('div'), { className: 'masks' });
  root.append(svg);
  parent.append(root);
  fitted(svg, root, () => 8)();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const { chosen, ...rest } = data;
  const content = JSON.stringify(rest);
  let state = states.get(parentElement);
  if (!state) {
    state = {};
    states.set(parentElement, state);
  }
  if (state.given !== chosen) Object.assign(state, { given: chosen, chosen });
  if (state.content !== content) {
    Object.assign(state, { content, data: rest });
    mount(state, parentElement);
    if (!state.listens) state.svg.addEventListener('keydown', event => keys(state, event));
    state.listens = true;
  }
  state.tell = restful(() => { state.given = state.chosen; setTriggerValue('mask', state.chosen); }, 500);
  show(state);
}
