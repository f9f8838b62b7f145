// A feature map before and after an activation and the curve between them: the slope and the bias follow the pointer, and so does a place of the
// map, which is shown on the curve. All is computed here from the map; the server hears of the slope and the bias at which they come to rest.

const [WIDE, HIGH] = [764, 334];
const [TOP, SIDE] = [36, 176]; // of the four panels
const [PICTURE, BEFORE, CURVE, AFTER] = [2, 196, 390, 584]; // left edges
const [BARS, TALL] = [HIGH - 22, 74]; // the histograms' floor, and how high they are
const CELL = 26; // of the kernel's numbers
const BINS = 30;
const [ABOVE, BELOW] = [[47, 127, 214], [217, 115, 13]];

const states = new WeakMap();

function decoded(data) {
  const values = new Float32Array(Uint8Array.from(atob(data.values), letter => letter.charCodeAt(0)).buffer);
  let most = 0.5;
  for (const value of values) most = Math.max(most, Math.abs(value));
  return { values, reach: Math.max(1, Math.ceil(most)) };
}

const passed = (state, value) => (value > 0 ? value : state.slope * value);
const xOf = (state, value, left = CURVE) => left + (Math.max(-1, Math.min(1, value / state.reach)) + 1) * (SIDE / 2);
const yOf = (state, value) => TOP + SIDE / 2 - Math.max(-1, Math.min(1, value / state.reach)) * (SIDE / 2);

/** A map as a picture: blue above 0, orange below, clear at 0. */
function painted(state, made) {
  const [high, wide] = state.shape;
  const canvas = Object.assign(document.createElement('canvas'), { width: wide, height: high });
  const context = canvas.getContext('2d');
  const image = context.createImageData(wide, high);
  made.forEach((value, i) => image.data.set([...(value < 0 ? BELOW : ABOVE), Math.min(255, 255 * (Math.abs(value) / state.reach) ** 0.6)], 4 * i));
  context.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

/** The picture itself, of red, green and blue bytes. */
function pictured({ picture, sides: [high, wide] }) {
  const canvas = Object.assign(document.createElement('canvas'), { width: wide, height: high });
  const image = canvas.getContext('2d').createImageData(wide, high);
  const bytes = Uint8Array.from(atob(picture), letter => letter.charCodeAt(0));
  for (let i = 0; i < wide * high; i += 1) image.data.set([bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2], 255], 4 * i);
  canvas.getContext('2d').putImageData(image, 0, 0);
  return canvas.toDataURL();
}

/** The kernel that made the map, below the picture. */
function kernel({ kernel: rows, language }) {
  const [left, top] = [PICTURE + (SIDE - rows[0].length * CELL) / 2, TOP + SIDE + 22];
  return rows.flatMap((row, i) => row.flatMap((value, j) => [
    drawn('rect', { class: `cell ${value < 0 ? 'below' : 'above'}`, x: left + j * CELL, y: top + i * CELL, width: CELL, height: CELL, 'fill-opacity': 0.35 * Math.abs(value) }),
    drawn('text', { class: 'middle', x: left + (j + 0.5) * CELL, y: top + (i + 0.5) * CELL + 5 }, written(value, 0, language)),
  ]));
}

/** Bars of how often values fall into each bin, those above 0 blue, those at or below it orange. */
function histogram(state, made, left) {
  const counts = new Array(BINS).fill(0);
  const width = SIDE / BINS;
  for (const value of made) counts[Math.max(0, Math.min(BINS - 1, Math.floor(((value / state.reach + 1) / 2) * BINS)))] += 1;
  const most = Math.max(...counts);
  return counts.map((count, i) => {
    const high = count ? Math.max(1.5, Math.sqrt(count / most) * TALL) : 0;
    return drawn('rect', { class: i < BINS / 2 ? 'below' : 'above', x: left + i * width, width: width - 1, y: BARS - high, height: high });
  });
}

function draw(state) {
  const { parts, words, language } = state;
  const comes = state.values.map(value => value + state.bias);
  const goes = comes.map(value => passed(state, value));
  parts.before.setAttribute('href', painted(state, comes));
  parts.after.setAttribute('href', painted(state, goes));
  parts.bars.replaceChildren(...histogram(state, comes, BEFORE), ...histogram(state, goes, AFTER));
  changed(parts.line, { d: `M${xOf(state, -state.reach)} ${yOf(state, -state.slope * state.reach)} L${xOf(state, 0)} ${yOf(state, 0)} L${xOf(state, state.reach)} ${yOf(state, state.reach)}` });
  const share = comes.reduce((sum, value) => sum + (value > 0), 0) / comes.length;
  const percent = part => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: 0 }).format(part);
  const slope = written(state.slope, state.slope ? 2 : 0, language);
  parts.gradient.replaceChildren(
    drawn('text', { x: CURVE, y: TOP + SIDE + 24, class: 'title' }, words.gradient),
    drawn('rect', { x: CURVE, y: TOP + SIDE + 34, width: SIDE * (1 - share), height: 24, class: 'below', 'fill-opacity': 0.25 + 0.75 * state.slope }),
    drawn('rect', { x: CURVE + SIDE * (1 - share), y: TOP + SIDE + 34, width: SIDE * share, height: 24, class: 'above' }),
    drawn('text', { x: CURVE, y: TOP + SIDE + 76 }, `${percent(1 - share)}: ×${slope}`),
    drawn('text', { x: CURVE + SIDE, y: TOP + SIDE + 76, class: 'end' }, `${percent(share)}: ×1`),
    drawn('text', { x: CURVE + SIDE / 2, y: TOP + SIDE + 102, class: 'middle dead' }, share === 0 && state.slope === 0 ? words.dead : ''),
  );
  parts.slope.value = state.slope;
  parts.bias.value = state.bias;
  parts.slopeText.textContent = written(state.slope, 2, language);
  parts.biasText.textContent = written(state.bias, 1, language);
  point(state);
}

/** The chosen place of the map, on both maps and on the curve. */
function point(state) {
  const { parts, shape, place, language } = state;
  const [high, wide] = shape;
  const value = state.values[place.row * wide + place.column] + state.bias;
  const out = passed(state, value);
  const box = left => ({ x: left + (place.column / wide) * SIDE - 3, y: TOP + (place.row / high) * SIDE - 3, width: SIDE / wide + 6, height: SIDE / high + 6 });
  const [down, across] = state.sides;
  const patch = { x: PICTURE + (place.column / across) * SIDE, y: TOP + (place.row / down) * SIDE, width: ((across - wide + 1) / across) * SIDE, height: ((down - high + 1) / down) * SIDE };
  changed(parts.patch, patch);
  changed(parts.here, box(BEFORE));
  changed(parts.there, box(AFTER));
  changed(parts.dot, { cx: xOf(state, value), cy: yOf(state, out) });
  changed(parts.guide, { d: `M${xOf(state, value)} ${TOP + SIDE} V${yOf(state, out)} H${CURVE + SIDE}` });
  const text = `${written(value, 2, language)} → ${written(out, 2, language)}`;
  changed(parts.said, {}, text);
  changed(parts.map, { 'aria-valuetext': text, 'aria-valuenow': place.row * wide + place.column });
}

function go(state, row, column) {
  const [high, wide] = state.shape;
  state.place = { row: Math.max(0, Math.min(high - 1, row)), column: Math.max(0, Math.min(wide - 1, column)) };
  point(state);
}

function follow(state, area, left) {
  area.addEventListener('pointermove', event => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(state.parts.svg.getScreenCTM().inverse());
    go(state, Math.floor(((at.y - TOP) / SIDE) * state.shape[0]), Math.floor(((at.x - left) / SIDE) * state.shape[1]));
  });
}

function keys(state, event) {
  const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
  if (!by) return;
  event.preventDefault();
  event.stopPropagation();
  go(state, state.place.row + by[0] * (event.shiftKey ? 8 : 1), state.place.column + by[1] * (event.shiftKey ? 8 : 1));
}

function slider(state, name, low, high, step) {
  const label = Object.assign(document.createElement('label'), { textContent: `${state.words[name]} ` });
  const input = Object.assign(document.createElement('input'), { type: 'range', min: low, max: high, step });
  const output = document.createElement('output');
  input.addEventListener('input', () => { state[name] = Number(input.value); draw(state); state.tell(); });
  input.addEventListener('keydown', event => event.stopPropagation());
  label.append(input, output);
  return { label, input, output };
}

function panels(state) {
  const { words } = state;
  const middle = TOP + SIDE / 2;
  const frame = left => drawn('rect', { class: 'frame', x: left, y: TOP, width: SIDE, height: SIDE });
  const zero = left => drawn('line', { class: 'zero', x1: left + SIDE / 2, x2: left + SIDE / 2, y1: BARS - TALL, y2: BARS + 4 });
  const title = (text, left) => drawn('text', { class: 'title', x: left, y: 24 }, text);
  return [
    title(words.picture, PICTURE), title(words.before, BEFORE), title(words.curve, CURVE), title(words.after, AFTER),
    drawn('line', { class: 'zero', x1: CURVE, x2: CURVE + SIDE, y1: middle, y2: middle }),
    drawn('line', { class: 'zero', x1: CURVE + SIDE / 2, x2: CURVE + SIDE / 2, y1: TOP, y2: TOP + SIDE }),
    frame(PICTURE), frame(BEFORE), frame(CURVE), frame(AFTER), zero(BEFORE), zero(AFTER),
    drawn('text', { class: 'note middle', x: BEFORE + SIDE / 2, y: BARS + 18 }, '0'), drawn('text', { class: 'note middle', x: AFTER + SIDE / 2, y: BARS + 18 }, '0'),
  ];
}

function mount(state, parent) {
  const { words } = state;
  const svg = drawn('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, role: 'group', 'aria-label': words.alt });
  const image = left => drawn('image', { x: left, y: TOP, width: SIDE, height: SIDE, preserveAspectRatio: 'none' });
  const [whole, before, after] = [image(PICTURE), image(BEFORE), image(AFTER)];
  whole.setAttribute('href', pictured(state));
  const map = drawn('rect', {
    class: 'map', x: BEFORE, y: TOP, width: SIDE, height: SIDE, tabindex: 0, role: 'slider', 'aria-label': words.before, 'aria-valuemin': 0, 'aria-valuemax': state.values.length - 1,
  });
  const other = drawn('rect', { class: 'map', x: AFTER, y: TOP, width: SIDE, height: SIDE });
  const [line, guide] = [drawn('path', { class: 'line' }), drawn('path', { class: 'guide' })];
  const [patch, here, there, dot] = [drawn('rect', { class: 'here' }), drawn('rect', { class: 'here' }), drawn('rect', { class: 'here' }), drawn('circle', { class: 'dot', r: 7 })];
  const said = drawn('text', { class: 'said', x: CURVE + 8, y: TOP + 20 });
  const [bars, gradient] = [drawn('g'), drawn('g')];
  svg.append(whole, before, after, ...panels(state), ...kernel(state), line, guide, dot, said, bars, gradient, patch, here, there, map, other);
  const [slope, bias] = [slider(state, 'slope', 0, state.steepest, 0.01), slider(state, 'bias', -state.furthest, state.furthest, 0.1)];
  const controls = Object.assign(document.createElement('div'), { className: 'controls' });
  controls.append(slope.label, bias.label);
  parent.querySelector('.activation')?.remove();
  const root = Object.assign(document.createElement('div'), { className: 'activation' });
  root.append(controls, svg);
  parent.append(root);
  state.parts = {
    svg, before, after, map, line, guide, patch, here, there, dot, said, bars, gradient,
    slope: slope.input, bias: bias.input, slopeText: slope.output, biasText: bias.output,
  };
  follow(state, map, BEFORE);
  follow(state, other, AFTER);
  map.addEventListener('keydown', event => keys(state, event));
  fitted(svg, root, () => 8)();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const { values: packed, slope, bias } = data;
  let state = states.get(parentElement);
  const isNew = !state || state.packed !== packed || state.language !== data.language;
  if (isNew) {
    state = { ...data, packed, ...decoded(data) };
    const strongest = state.values.reduce((best, value, i) => (Math.abs(value) > Math.abs(state.values[best]) ? i : best), 0);
    state.place = { row: Math.floor(strongest / state.shape[1]), column: strongest % state.shape[1] };
    states.set(parentElement, state);
    mount(state, parentElement);
  }
  const given = JSON.stringify([slope, bias]);
  if (state.given !== given) Object.assign(state, { given, slope, bias });
  state.tell = restful(() => {
    state.given = JSON.stringify([state.slope, state.bias]);
    setTriggerValue('state', { slope: state.slope, bias: state.bias });
  });
  draw(state);
}
