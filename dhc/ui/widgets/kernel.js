// A window slides over a grid of numbers; below, what it makes of the numbers in it: their products with a kernel and the sum, the largest, the mean.
// It follows the mouse over the picture and over the answer, and the arrow keys; the server hears of the place where it comes to rest, and of a
// changed kernel. Streamlit calls the exported function again with every change. Drawing is in grids.js, which stands in the same module.

const REST = 500; // ms without a move after which the server is told
const PACE = 450, WHOLE = 6000; // ms: of a step while it plays, of a whole large picture
const SMALL = 25; // places up to which each is a step of its own

const states = new WeakMap();
const make = (kind, name, parent) => { const node = document.createElement(kind); node.className = name; parent?.append(node); return node; };

function panel(parent, name) {
  const box = make('figure', name, parent);
  const caption = make('figcaption', '', box);
  const canvas = make('canvas', '', box);
  return { box, caption, canvas };
}

/** The window's first row and column, in the padded picture. */
function corner(state, place = state.place) {
  const { stride, answer } = state;
  return [Math.floor(place / answer.columns) * stride, (place % answer.columns) * stride];
}

/** The numbers below the window, of the padded picture. */
function patch(state) {
  const [top, left] = corner(state);
  const [rows, columns] = state.extent;
  const numbers = Float32Array.from({ length: rows * columns }, (_, i) => state.input.numbers[(top + Math.floor(i / columns)) * state.input.columns + left + (i % columns)]);
  return { numbers, rows, columns };
}

const isPadding = state => {
  const { input, padding: [before, after] } = state;
  return i => {
    const [row, column] = [Math.floor(i / input.columns), i % input.columns];
    return row < before || column < before || row >= input.rows - after || column >= input.columns - after;
  };
};

/** Which numbers no window ever reaches. */
function unseen(state) {
  const { stride, answer, extent, input } = state;
  const [down, across] = [(answer.rows - 1) * stride + extent[0], (answer.columns - 1) * stride + extent[1]];
  return i => {
    const [row, column] = [Math.floor(i / input.columns), i % input.columns];
    return row >= down || column >= across || row % stride >= extent[0] || column % stride >= extent[1];
  };
}

function draw(state) {
  if (!state.input || !state.width) return;
  drawPair(state);
  drawSum(state);
  const [row, column] = [Math.floor(state.place / state.answer.columns), state.place % state.answer.columns];
  const value = text(state.answer.numbers[state.place], state.language);
  const said = state.words.spoken.replace('{row}', row + 1).replace('{column}', column + 1).replace('{value}', value);
  if (state.said.textContent !== said) state.said.textContent = said;
}

/** How many cells of the picture one of the answer is drawn as large as. */
const stretch = ({ stretched, stride }) => (stretched ? stride : 1);

function drawPair(state) {
  const { left, right, input, answer, language, line } = state;
  const side = state.side;
  const [zero, lost] = [isPadding(state), unseen(state)];
  fit(left.canvas, input.rows, input.columns, side * input.columns, side * input.rows);
  drawGrid(left.canvas, input, side, { scale: state.scale, language, line, look: i => (lost(i) ? 'unseen' : zero(i) ? 'zero' : '') });
  const times = stretch(state);
  const cell = fit(right.canvas, answer.rows, answer.columns, times * side * answer.columns, times * side * answer.rows);
  drawGrid(right.canvas, answer, cell, { scale: state.answerScale, language, line, look: i => (i <= state.reached ? '' : 'empty') });
  markCells(right.canvas, answer, cell, state.marks);
  const [top, start] = corner(state);
  frame(left.canvas, start * side - 1, top * side - 1, state.extent[1] * side + 2, state.extent[0] * side + 2);
  const [row, column] = [Math.floor(state.place / answer.columns), state.place % answer.columns];
  const mark = Math.max(cell, 9);
  frame(right.canvas, (column + 0.5) * cell - mark / 2 - 1, (row + 0.5) * cell - mark / 2 - 1, mark + 2, mark + 2);
}

function drawSum(state) {
  const { sum, language, line, kind } = state;
  const below = patch(state);
  const cell = state.cell;
  const size = below.columns * cell;
  fit(sum.patch.canvas, below.rows, below.columns, size, size);
  drawGrid(sum.patch.canvas, below, cell, { scale: state.scale, language, line });
  const value = state.answer.numbers[state.place];
  sum.result.textContent = text(value, language);
  const isSum = kind === 'sum';
  for (const node of [sum.times, sum.kernel.box, sum.equal, sum.products.box]) node.hidden = !isSum;
  sum.sign.textContent = isSum ? 'Σ =' : `${state.words.result} =`;
  if (!isSum) {
    const best = kind === 'max' ? below.numbers.indexOf(Math.max(...below.numbers)) : -1;
    if (best >= 0) frame(sum.patch.canvas, (best % below.columns) * cell, Math.floor(best / below.columns) * cell, cell, cell);
    return;
  }
  const products = { ...below, numbers: below.numbers.map((number, i) => number * state.weights[i]) };
  const most = Math.max(...products.numbers.map(Math.abs), 1e-9);
  fit(sum.products.canvas, below.rows, below.columns, size, size);
  drawGrid(sum.products.canvas, products, cell, { scale: { low: -most, high: most, signed: true }, language, line });
}

/** The kernel's numbers as boxes, to be typed into where they may be changed. */
function layKernel(state) {
  const { sum: { kernel }, extent, weights, cell, editable, words, language } = state;
  const grid = kernel.grid;
  if (grid.children.length !== weights.length) {
    grid.replaceChildren(...weights.map((_, i) => {
      const box = make('input', 'weight');
      box.inputMode = 'decimal';
      box.addEventListener('change', () => type(state, i));
      box.addEventListener('focus', () => box.select());
      box.addEventListener('keydown', event => {
        event.stopPropagation();
        if (event.key === 'Enter') type(state, i);
        if (event.key === 'Escape') layKernel(Object.assign(state, { kernelIsNew: true }));
      });
      return box;
    }));
  }
  grid.style.gridTemplateColumns = `repeat(${extent[1]}, ${cell}px)`;
  [...grid.children].forEach((box, i) => {
    if (box !== state.root.getRootNode().activeElement || state.kernelIsNew) box.value = text(weights[i], language);
    box.style.height = `${cell}px`;
    box.style.fontSize = `${Math.max(9, Math.min(cell * 0.38, 30))}px`;
    box.readOnly = !editable;
    box.tabIndex = editable ? 0 : -1;
    box.setAttribute('aria-label', `${words.kernel} ${Math.floor(i / extent[1]) + 1}, ${(i % extent[1]) + 1}`);
    box.removeAttribute('aria-invalid');
  });
  state.kernelIsNew = false;
}

function type(state, i) {
  const box = state.sum.kernel.grid.children[i];
  const value = Number(box.value.trim().replace('−', '-').replace(',', '.'));
  const isGood = box.value.trim() !== '' && Number.isFinite(value) && Math.abs(value) <= state.most;
  box.setAttribute('aria-invalid', String(!isGood));
  const rounded = Math.round(value * 100) / 100;
  if (!isGood || Math.abs(rounded - state.weights[i]) < 0.005) return;
  state.weights[i] = rounded;
  draw(state);
  state.send('weights', [...state.weights]);
}

/** How far down on its page the figure stands. */
function topOf(root) {
  const scrolled = document.querySelector('.dhc-large') ? 0 : document.querySelector('.stMain')?.scrollTop ?? 0;
  return root.getBoundingClientRect().top + scrolled;
}

/** What stands above it may come later, or be laid out anew, of which no observer tells. */
function settle(state) {
  for (const wait of [100, 400, 1000]) setTimeout(() => Math.abs(topOf(state.root) - state.top) > 3 && redo(state), wait);
}

/** How large cells can be: of both grids beside one another, and of the sum below them, in the room that there is. */
function measure(state) {
  const { root, pair, input, answer, extent, height } = state;
  const style = getComputedStyle(root);
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  state.width = root.clientWidth;
  const top = topOf(root);
  state.top = top;
  const room = Math.max(height, innerHeight - top - 8);
  const [captions, foot, gap] = [1.5 * rem, 3.4 * rem, 1.2 * rem];
  const wide = state.width > 1.9 * room; // as on a projector: the sum stands beside the grids, in two lines, not below them
  root.classList.toggle('wide', wide);
  const isSum = state.kind === 'sum';
  const [across, left] = wide ? [isSum ? 2 : 1, 0.37 * state.width - 4 * rem] : [isSum ? 3 : 1, state.width - 9 * rem];
  const lower = wide ? (room - foot) / 2 - captions - rem : (isSum ? 0.29 : 0.24) * room - captions;
  const cell = Math.min(lower / extent[0], left / (across * extent[1]), 4 * rem);
  state.cell = isWritten(...extent) ? Math.floor(Math.max(22, cell)) : Math.max(1, cell);
  const upper = room - foot - captions - (wide ? 0 : state.cell * extent[0] + captions + rem);
  const space = (wide ? 0.61 : 1) * state.width - gap;
  state.side = Math.max(1, Math.min(space / (input.columns + stretch(state) * answer.columns), upper / Math.max(input.rows, answer.rows), 5 * rem));
  if (state.side > 8) state.side = Math.floor(state.side);
  state.line = style.getPropertyValue('--st-text-color') || '#888';
  pair.style.gap = `${gap}px`;
}

function redo(state) {
  if (!state.input || !state.root.isConnected) return;
  measure(state);
  layKernel(state);
  draw(state);
}

function go(state, place, { tell = true } = {}) {
  const last = state.answer.numbers.length - 1;
  state.place = Math.max(0, Math.min(last, place));
  state.reached = Math.max(state.reached, state.place);
  draw(state);
  if (tell) soon(state);
}

function soon(state) {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => {
    if (state.place === state.given || state.playing) return;
    state.given = state.place;
    state.sent.push(state.place);
    state.send('place', state.place);
  }, REST);
}

/** The place whose window has the pointer in its middle, or the place in the answer below the pointer. */
function point(state, event, onAnswer) {
  const box = event.currentTarget.getBoundingClientRect();
  const { answer, stride, extent, side } = state;
  const cell = side * (onAnswer ? stretch(state) : 1);
  const [x, y] = [(event.clientX - box.left) / cell, (event.clientY - box.top) / cell];
  const at = (value, size, count) => Math.max(0, Math.min(count - 1, onAnswer ? Math.floor(value) : Math.round((value - size / 2) / stride)));
  stop(state);
  go(state, at(y, extent[0], answer.rows) * answer.columns + at(x, extent[1], answer.columns));
}

function press(state, event) {
  const { columns, rows } = state.answer;
  const [row, column] = [Math.floor(state.place / columns), state.place % columns];
  const next = {
    ArrowRight: state.place + 1, ArrowLeft: state.place - 1,
    ArrowDown: row + 1 < rows ? state.place + columns : state.place, ArrowUp: row > 0 ? state.place - columns : state.place,
    Home: row * columns, End: row * columns + columns - 1, PageUp: column, PageDown: (rows - 1) * columns + column,
  }[event.key];
  if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  stop(state);
  go(state, next);
}

async function play(state) {
  const count = state.answer.numbers.length;
  const [pause, step] = count <= SMALL ? [PACE, 1] : [30, Math.ceil(count / (WHOLE / 30))];
  if (state.place >= count - 1) Object.assign(state, { place: 0, reached: 0 });
  else state.reached = state.place;
  state.playing = true;
  button(state);
  draw(state);
  while (state.playing && state.root.isConnected && state.place < count - 1) {
    await new Promise(resolve => setTimeout(resolve, pause));
    if (state.playing) go(state, state.place + step, { tell: false });
  }
  stop(state);
  soon(state);
}

function stop(state) {
  state.playing = false;
  button(state);
}

function button(state) {
  state.said.setAttribute('aria-live', state.playing ? 'off' : 'polite');
  state.button.textContent = state.playing ? '❚❚' : '▶';
  const label = state.playing ? state.words.pause : state.words.play;
  state.button.title = label;
  state.button.setAttribute('aria-label', label);
}

function mount(parent) {
  const root = make('div', 'kernel', parent);
  const pair = make('div', 'pair', root);
  pair.tabIndex = 0;
  pair.setAttribute('role', 'application');
  const [left, right] = [panel(pair, 'input'), panel(pair, 'answer')];
  const lower = make('div', 'lower', root);
  const sum = { patch: panel(lower, 'patch') };
  sum.times = Object.assign(make('span', 'sign', lower), { textContent: '×' });
  sum.kernel = { box: make('figure', 'weights', lower) };
  sum.kernel.caption = make('figcaption', '', sum.kernel.box);
  sum.kernel.grid = make('div', 'numbers', sum.kernel.box);
  sum.equal = Object.assign(make('span', 'sign', lower), { textContent: '=' });
  sum.products = panel(lower, 'products');
  const total = make('span', 'total', lower); // a sum and its sign stay on one line
  sum.sign = make('span', 'sign', total);
  sum.result = make('output', 'result', total);
  const foot = make('div', 'foot', root);
  const state = { root, pair, left, right, sum, button: make('button', 'play', foot), said: make('span', 'said', foot), sent: [], reached: 0, place: 0 };
  state.button.type = 'button';
  state.said.setAttribute('role', 'status');
  state.button.addEventListener('click', () => (state.playing ? stop(state) : play(state)));
  pair.addEventListener('keydown', event => press(state, event));
  for (const [side, onAnswer] of [[left, false], [right, true]]) {
    for (const kind of ['pointermove', 'pointerdown']) side.canvas.addEventListener(kind, event => point(state, event, onAnswer));
  }
  new ResizeObserver(() => redo(state)).observe(root);
  addEventListener('resize', () => root.isConnected && redo(state));
  states.set(parent, state);
  return state;
}

/** The place that the server names counts for another figure, and where it is not one that we have told it. */
function take(state, { frame: name, place, whole }) {
  if (state.frame !== name) Object.assign(state, { place, reached: whole ? Infinity : place, sent: [], given: place, playing: false });
  else if (place !== state.given && !state.sent.includes(place)) Object.assign(state, { place, given: place, reached: Math.max(state.reached, place) });
  state.frame = name;
}

function caption({ left, right, sum, pair, words }) {
  const texts = [[left, words.input], [right, words.answer], [sum.patch, words.patch], [sum.kernel, words.kernel], [sum.products, words.products]];
  for (const [{ caption: node }, word] of texts) node.textContent = word;
  for (const [{ canvas }, word] of [[left, words.input], [right, words.answer]]) { canvas.setAttribute('role', 'img'); canvas.setAttribute('aria-label', word); }
  pair.setAttribute('aria-label', words.help);
  pair.title = '';
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = states.get(parentElement) ?? mount(parentElement);
  take(state, data);
  const { weights } = data;
  state.kernelIsNew = String(weights) !== String(state.weights);
  Object.assign(state, { ...data, place: state.place, frame: state.frame, input: unpack(data.input), answer: unpack(data.answer), weights: [...weights], send: setTriggerValue });
  state.place = Math.min(state.place, state.answer.numbers.length - 1);
  caption(state);
  button(state);
  redo(state);
  settle(state);
}
