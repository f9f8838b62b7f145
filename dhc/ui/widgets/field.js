// What one number of a layer sees of the picture: the layers on a slider, the layer's map beside the picture, a number of it below the mouse, and on
// the picture the square that this number sees, with those of the layers before inside it. It follows the mouse and the keys in the browser; the
// server hears of what it comes to rest at. Drawing is in grids.js, which stands in the same module.

const REST = 500; // ms without a move after which the server is told
const PACE = 700; // ms of a layer while they play
const DIM = 0.62; // how dark the picture is outside of what is seen

const states = new WeakMap();
const make = (kind, name, parent) => { const node = document.createElement(kind); node.className = name; parent?.append(node); return node; };
const filled = (template, values) => Object.entries(values).reduce((said, [name, value]) => said.replace(`{${name}}`, value), template);
const middle = ([first, end]) => (first + end) / 2;

/** The unit along an axis of a layer whose square lies in the middle of `span`. */
function unitAt(spans, span) {
  const distances = spans.map(each => Math.abs(middle(each) - middle(span)));
  return distances.indexOf(Math.min(...distances));
}

/** What the unit of a layer sees, and what the units of the layers before it, in its middle, do: [[rows, columns], …], the largest last. */
function squares(state) {
  const { layers, layer, row, column } = state;
  const seen = [layers[layer].spans[row], layers[layer].spans[column]];
  const inside = layers.slice(0, layer).map(({ spans }) => seen.map(span => spans[unitAt(spans, span)]));
  return [...inside, seen];
}

function draw(state) {
  if (!state.side) return;
  const { picture, map, side, pixels, layers, layer, row, column, size } = state;
  fit(picture.canvas, size, size, side, side);
  const context = picture.canvas.getContext('2d');
  const cell = side / size;
  context.imageSmoothingEnabled = false;
  context.drawImage(pixels, 0, 0, side, side);
  const all = squares(state);
  const [rows, columns] = all.at(-1);
  context.fillStyle = `rgba(0, 0, 0, ${DIM})`;
  context.beginPath();
  context.rect(0, 0, side, side);
  context.rect(columns[0] * cell, rows[0] * cell, (columns[1] - columns[0]) * cell, (rows[1] - rows[0]) * cell);
  context.fill('evenodd');
  context.strokeStyle = '#fffc';
  context.lineWidth = 1;
  for (const [down, across] of all.slice(0, -1)) context.strokeRect(across[0] * cell + 0.5, down[0] * cell + 0.5, (across[1] - across[0]) * cell - 1, (down[1] - down[0]) * cell - 1);
  frame(picture.canvas, columns[0] * cell - 1, rows[0] * cell - 1, (columns[1] - columns[0]) * cell + 2, (rows[1] - rows[0]) * cell + 2);
  drawMap(state);
  const said = filled(state.words.spoken, { row: row + 1, column: column + 1, top: rows[0] + 1, bottom: rows[1], left: columns[0] + 1, right: columns[1] });
  if (state.said.textContent !== said) state.said.textContent = said;
  if (state.about.textContent !== layers[layer].text) state.about.textContent = layers[layer].text;
}

/** The layer's map as a lattice, as large as the picture, so that a unit lies where its square does. */
function drawMap({ map, side, layers, layer, row, column, line }) {
  const count = layers[layer].spans.length;
  const cell = fit(map.canvas, count, count, side, side);
  const context = map.canvas.getContext('2d');
  context.strokeStyle = line;
  context.globalAlpha = count > 32 ? 0.35 : 0.6;
  context.lineWidth = 1;
  context.beginPath();
  for (let at = 0; at <= count; at += 1) {
    const place = Math.min(side - 0.5, Math.round(at * cell) + 0.5);
    context.moveTo(place, 0);
    context.lineTo(place, side);
    context.moveTo(0, place);
    context.lineTo(side, place);
  }
  context.stroke();
  context.globalAlpha = 1;
  const mark = Math.max(cell, 10);
  frame(map.canvas, (column + 0.5) * cell - mark / 2 - 1, (row + 0.5) * cell - mark / 2 - 1, mark + 2, mark + 2);
}

function measure(state) {
  const { root, height } = state;
  const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
  state.top = topOf(root);
  const room = Math.max(height, innerHeight - state.top - 8) - 8.2 * rem;
  state.side = Math.max(64, Math.floor(Math.min(room, (root.clientWidth - 1.5 * rem) / 2)));
  state.line = getComputedStyle(root).getPropertyValue('--st-text-color') || '#888';
}

function topOf(root) {
  const scrolled = document.querySelector('.dhc-large') ? 0 : document.querySelector('.stMain')?.scrollTop ?? 0;
  return root.getBoundingClientRect().top + scrolled;
}

function redo(state) {
  if (!state.layers || !state.root.isConnected) return;
  measure(state);
  draw(state);
}

/** Go to a unit of the present layer, or to another layer, where the unit stays over the same part of the picture. */
function go(state, { layer = state.layer, row = state.row, column = state.column }, tell = true) {
  if (layer !== state.layer) {
    const [down, across] = [state.layers[state.layer].spans[state.row], state.layers[state.layer].spans[state.column]];
    const { spans } = state.layers[layer];
    [row, column] = [unitAt(spans, down), unitAt(spans, across)];
  }
  const last = state.layers[layer].spans.length - 1;
  const within = value => Math.max(0, Math.min(last, value));
  Object.assign(state, { layer, row: within(row), column: within(column) });
  state.slider.value = layer;
  state.slider.setAttribute('aria-valuetext', state.layers[layer].text);
  draw(state);
  if (tell) soon(state);
}

function soon(state) {
  clearTimeout(state.timer);
  state.timer = setTimeout(() => {
    const at = [state.layer, state.row, state.column];
    if (state.playing || String(at) === String(state.given)) return;
    state.given = at;
    state.sent.push(String(at));
    state.send('at', at);
  }, REST);
}

function point(state, event) {
  const box = event.currentTarget.getBoundingClientRect();
  const { spans } = state.layers[state.layer];
  const onPicture = event.currentTarget === state.picture.canvas;
  const unit = (value, length) => {
    const share = value / length;
    return onPicture ? unitAt(spans, [share * state.size, share * state.size]) : Math.floor(share * spans.length);
  };
  stop(state);
  go(state, { row: unit(event.clientY - box.top, box.height), column: unit(event.clientX - box.left, box.width) });
}

function press(state, event) {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const layer = { PageDown: state.layer + 1, PageUp: state.layer - 1 }[event.key];
  if ((!step && layer === undefined) || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  event.stopPropagation();
  stop(state);
  if (step) go(state, { row: state.row + step[0], column: state.column + step[1] });
  else go(state, { layer: Math.max(0, Math.min(state.layers.length - 1, layer)) });
}

async function play(state) {
  const last = state.layers.length - 1;
  state.playing = true;
  button(state);
  if (state.layer >= last) go(state, { layer: 0 }, false);
  while (state.playing && state.root.isConnected && state.layer < last) {
    await new Promise(resolve => setTimeout(resolve, PACE));
    if (state.playing) go(state, { layer: state.layer + 1 }, false);
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

function panel(parent) {
  const box = make('figure', '', parent);
  return { caption: make('figcaption', '', box), canvas: make('canvas', '', box) };
}

function mount(parent) {
  const root = make('div', 'field', parent);
  const head = make('div', 'head', root);
  const state = { root, button: make('button', 'play', head), slider: make('input', 'slider', head), about: make('div', 'about', root), sent: [] };
  const pair = make('div', 'pair', root);
  Object.assign(state, { pair, picture: panel(pair), map: panel(pair), said: make('div', 'said', root) });
  state.button.type = 'button';
  Object.assign(state.slider, { type: 'range', min: 0, step: 1 });
  state.said.setAttribute('role', 'status');
  pair.tabIndex = 0;
  pair.setAttribute('role', 'application');
  state.button.addEventListener('click', () => (state.playing ? stop(state) : play(state)));
  state.slider.addEventListener('input', () => { stop(state); go(state, { layer: Number(state.slider.value) }); });
  pair.addEventListener('keydown', event => press(state, event));
  for (const { canvas } of [state.picture, state.map]) {
    for (const kind of ['pointermove', 'pointerdown']) canvas.addEventListener(kind, event => point(state, event));
  }
  new ResizeObserver(() => redo(state)).observe(root);
  addEventListener('resize', () => redo(state));
  states.set(parent, state);
  return state;
}

function show(state, { picture, size }) {
  const raw = Uint8Array.from(atob(picture), letter => letter.charCodeAt(0));
  const image = new ImageData(size, size);
  for (let i = 0; i < size * size; i += 1) image.data.set([raw[3 * i], raw[3 * i + 1], raw[3 * i + 2], 255], 4 * i);
  state.pixels = Object.assign(document.createElement('canvas'), { width: size, height: size });
  state.pixels.getContext('2d').putImageData(image, 0, 0);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = states.get(parentElement) ?? mount(parentElement);
  const { words, layers, at } = data;
  Object.assign(state, { words, layers, size: data.size, height: data.height, send: setTriggerValue });
  show(state, data);
  state.slider.max = layers.length - 1;
  state.slider.setAttribute('aria-label', words.layer);
  state.pair.setAttribute('aria-label', words.help);
  state.picture.caption.textContent = words.picture;
  state.map.caption.textContent = words.map;
  for (const { canvas, caption } of [state.picture, state.map]) { canvas.setAttribute('role', 'img'); canvas.setAttribute('aria-label', caption.textContent); }
  button(state);
  if (String(at) !== String(state.given) && !state.sent.includes(String(at))) {
    Object.assign(state, { layer: at[0], row: at[1], column: at[2], given: at });
  }
  measure(state);
  go(state, {}, false);
  for (const wait of [100, 400, 1000]) setTimeout(() => Math.abs(topOf(state.root) - state.top) > 3 && redo(state), wait);
}
