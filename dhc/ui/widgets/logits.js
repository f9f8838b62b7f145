// Logits as bars that are dragged, their softmax below them, and what the true class costs on the curve beside: all computed here, so that it
// follows the pointer. The server hears of the state at which it comes to rest. Streamlit calls the exported function again with every change.

const [WIDE, HIGH] = [760, 480];
const MOST = 6; // the largest logit, and less its negative
const [ZERO, UNIT] = [140, 17]; // where the logit 0 stands, pixels for 1
const [FLOOR, FULL] = [412, 112]; // where the share 0 stands, pixels for a share of 1
const [LEFT, COLUMN] = [44, 78];
const CURVE = { left: 500, right: 745, top: 44, bottom: 412, most: 7 };
const HEAT = { low: 0.25, high: 5, step: 0.05 };

const states = new WeakMap();

const percent = (share, language) => new Intl.NumberFormat(language, { style: 'percent', maximumFractionDigits: share < 0.0995 ? 1 : 0 }).format(share);

const softmax = (logits, temperature) => {
  const powers = logits.map(logit => Math.exp((logit - Math.max(...logits)) / temperature));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map(power => power / sum);
};

const xOf = share => CURVE.left + share * (CURVE.right - CURVE.left);
const yOf = loss => CURVE.bottom - (Math.min(loss, CURVE.most) / CURVE.most) * (CURVE.bottom - CURVE.top);

/** The three answers that the buttons set, for a network whose true class is `truth`. */
function answers(truth, count) {
  const other = truth === 0 ? 1 : 0;
  const with_ = values => Array.from({ length: count }, (_, i) => values[i] ?? 0);
  return { right: with_({ [truth]: 4 }), unsure: with_({ [other]: 0.5 }), wrong: with_({ [other]: 5, [truth]: -1 }) };
}

function draw(state) {
  const { parts, words, language, logits, truth, temperature } = state;
  const shares = softmax(logits, temperature);
  const loss = -Math.log(shares[truth]);
  const top = shares.indexOf(Math.max(...shares));
  logits.forEach((logit, i) => {
    const column = parts.columns[i];
    const y = ZERO - logit * UNIT;
    changed(column.bar, { y: Math.min(y, ZERO), height: Math.abs(y - ZERO) });
    changed(column.handle, { transform: `translate(0 ${y})`, 'aria-valuenow': logit, 'aria-valuetext': `${words.names[i]}: ${written(logit, 1, language)}` });
    changed(column.logit, { y: logit < 0 ? y + 24 : y - 12 }, written(logit, 1, language));
    changed(column.share, { y: FLOOR - shares[i] * FULL, height: shares[i] * FULL });
    changed(column.percent, { y: FLOOR - shares[i] * FULL - 7 }, percent(shares[i], language));
    column.group.classList.toggle('true', i === truth);
    column.group.classList.toggle('top', i === top);
    column.name.setAttribute('aria-checked', String(i === truth));
    column.name.setAttribute('tabindex', i === truth ? 0 : -1);
  });
  for (const [name, values] of Object.entries(answers(truth, logits.length))) {
    const share = softmax(values, temperature)[truth];
    changed(parts.ghosts[name], { cx: xOf(share), cy: yOf(-Math.log(share)) });
  }
  changed(parts.dot, { cx: xOf(shares[truth]), cy: yOf(loss) });
  changed(parts.drop, { d: `M${CURVE.left} ${yOf(loss)} H${xOf(shares[truth])} V${CURVE.bottom}` });
  const formula = `−ln ${written(shares[truth], shares[truth] < 0.01 ? 4 : 2, language)} = ${written(loss, 2, language)}`;
  changed(parts.formula, {}, formula);
  parts.said.textContent = `${words.names[truth]}: ${parts.formula.textContent}`;
  parts.heat.value = temperature;
  parts.heatText.textContent = written(temperature, 2, language);
}

function change(state, values, { rest = true } = {}) {
  Object.assign(state, values);
  draw(state);
  if (rest) state.tell();
}

function setLogit(state, i, value) {
  const logits = [...state.logits];
  logits[i] = Math.round(Math.max(-MOST, Math.min(MOST, value)) * 10) / 10;
  change(state, { logits });
}

/** The logit at a pointer's height in the drawing. */
function logitAt(state, event) {
  const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(state.parts.svg.getScreenCTM().inverse());
  return (ZERO - point.y) / UNIT;
}

function drag(state, i, area, handle) {
  area.addEventListener('pointerdown', event => {
    event.preventDefault();
    area.setPointerCapture(event.pointerId);
    handle.focus({ focusVisible: false });
    setLogit(state, i, logitAt(state, event));
  });
  area.addEventListener('pointermove', event => { if (area.hasPointerCapture(event.pointerId)) setLogit(state, i, logitAt(state, event)); });
  handle.addEventListener('keydown', event => {
    const by = { ArrowUp: 0.5, ArrowRight: 0.5, ArrowDown: -0.5, ArrowLeft: -0.5, PageUp: 2, PageDown: -2 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    setLogit(state, i, state.logits[i] + by);
  });
}

function choosing(state, i, name) {
  name.addEventListener('click', () => change(state, { truth: i }));
  name.addEventListener('keydown', event => {
    const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (by === undefined && ![' ', 'Enter'].includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    const truth = (i + (by ?? 0) + state.logits.length) % state.logits.length;
    change(state, { truth });
    state.parts.columns[truth].name.focus();
  });
}

function newColumn(state, i, name) {
  const left = LEFT + i * COLUMN;
  const middle = left + COLUMN / 2;
  const group = drawn('g', { class: 'column' });
  const column = {
    group,
    bar: drawn('rect', { class: 'bar', x: left + 18, width: COLUMN - 36 }),
    logit: drawn('text', { x: middle, class: 'number' }),
    share: drawn('rect', { class: 'share', x: left + 14, width: COLUMN - 28 }),
    percent: drawn('text', { x: middle, class: 'number' }),
    handle: drawn('g', {
      class: 'handle', role: 'slider', tabindex: 0, 'aria-label': name, 'aria-orientation': 'vertical', 'aria-valuemin': -MOST, 'aria-valuemax': MOST,
    }),
    name: drawn('g', { class: 'name', role: 'radio', 'aria-label': name }),
  };
  const area = drawn('rect', { class: 'area', x: left, width: COLUMN, y: ZERO - MOST * UNIT - 8, height: 2 * MOST * UNIT + 16 });
  column.handle.append(drawn('rect', { x: left + 12, y: -6, width: COLUMN - 24, height: 12, rx: 6 }));
  column.name.append(drawn('rect', { x: left + 3, y: FLOOR + 8, width: COLUMN - 6, height: 28, rx: 6 }), drawn('text', { x: middle, y: FLOOR + 27 }, name));
  group.append(column.bar, column.share, column.logit, column.percent, column.handle, area, column.name);
  drag(state, i, area, column.handle);
  choosing(state, i, column.name);
  return column;
}

function axes(words) {
  const part = drawn('g', { class: 'axes' });
  const right = LEFT + COLUMN * words.names.length;
  part.append(
    drawn('line', { x1: LEFT, x2: right, y1: ZERO, y2: ZERO }),
    drawn('line', { x1: LEFT, x2: right, y1: FLOOR, y2: FLOOR }),
    drawn('text', { x: LEFT, y: 18, class: 'title' }, words.logits),
    drawn('text', { x: LEFT, y: 272, class: 'title' }, words.shares),
    drawn('text', { x: LEFT, y: HIGH - 12, class: 'note' }, words.choose),
    drawn('text', { x: CURVE.left, y: 18, class: 'title' }, words.curve),
    drawn('text', { x: (CURVE.left + CURVE.right) / 2, y: FLOOR + 44, class: 'middle' }, words.axis),
    drawn('line', { x1: CURVE.left, x2: CURVE.right, y1: CURVE.bottom, y2: CURVE.bottom }),
    drawn('line', { x1: CURVE.left, x2: CURVE.left, y1: CURVE.top, y2: CURVE.bottom }),
  );
  for (const loss of [0, 2, 4, 6]) part.append(drawn('text', { x: CURVE.left - 12, y: yOf(loss) + 5, class: 'end' }, loss));
  return part;
}

function ticks(language) {
  return [0, 0.5, 1].map(share => drawn('text', { x: xOf(share), y: CURVE.bottom + 20, class: 'middle' }, share === 0.5 ? written(share, 1, language) : share));
}

function curve() {
  const points = Array.from({ length: 160 }, (_, i) => Math.exp(-CURVE.most * (1 - i / 159)));
  return drawn('path', { class: 'curve', d: `M${points.map(share => `${xOf(share)} ${yOf(-Math.log(share))}`).join('L')}` });
}

function controls(state) {
  const box = document.createElement('div');
  box.className = 'controls';
  const label = Object.assign(document.createElement('label'), { textContent: `${state.words.temperature} ` });
  const heat = Object.assign(document.createElement('input'), { type: 'range', min: HEAT.low, max: HEAT.high, step: HEAT.step });
  const heatText = document.createElement('output');
  heat.addEventListener('input', () => change(state, { temperature: Number(heat.value) }));
  heat.addEventListener('keydown', event => event.stopPropagation());
  label.append(heat, heatText);
  box.append(label);
  for (const name of ['right', 'unsure', 'wrong']) {
    const button = Object.assign(document.createElement('button'), { type: 'button', className: name, textContent: state.words[name] });
    button.addEventListener('click', () => change(state, { logits: answers(state.truth, state.logits.length)[name] }));
    box.append(button);
  }
  return { box, heat, heatText };
}

function mount(state, parent) {
  const { words, language } = state;
  const svg = drawn('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, role: 'group', 'aria-label': words.alt });
  const columns = words.names.map((name, i) => newColumn(state, i, name));
  const names = drawn('g', { role: 'radiogroup', 'aria-label': words.choose });
  columns.forEach(column => names.append(column.name));
  const ghosts = Object.fromEntries(['right', 'unsure', 'wrong'].map(name => [name, drawn('circle', { class: `ghost ${name}`, r: 7 })]));
  const [dot, drop] = [drawn('circle', { class: 'dot', r: 8 }), drawn('path', { class: 'drop' })];
  const formula = drawn('text', { x: (CURVE.left + CURVE.right) / 2 + 30, y: 78, class: 'formula' });
  svg.append(axes(words), ...ticks(language), ...columns.map(column => column.group), names, curve(), drop, ...Object.values(ghosts), dot, formula);
  const { box, heat, heatText } = controls(state);
  const said = Object.assign(document.createElement('output'), { className: 'said' });
  parent.querySelector('.logits')?.remove();
  const root = Object.assign(document.createElement('div'), { className: 'logits' });
  root.append(svg, box, said);
  parent.append(root);
  state.parts = { svg, columns, ghosts, dot, drop, formula, heat, heatText, said };
  fitted(svg, root, () => box.offsetHeight + 8)();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const { words, language, logits, truth, temperature } = data;
  let state = states.get(parentElement);
  if (!state || state.language !== language) {
    state = { words, language, logits, truth, temperature };
    states.set(parentElement, state);
    mount(state, parentElement);
  }
  state.tell = restful(() => {
    state.given = JSON.stringify([state.logits, state.truth, state.temperature]);
    setTriggerValue('state', { logits: state.logits, truth: state.truth, temperature: state.temperature });
  });
  const given = JSON.stringify([logits, truth, temperature]);
  if (given !== state.given) Object.assign(state, { given, logits, truth, temperature });
  draw(state);
}
