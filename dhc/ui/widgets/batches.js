// A batch of one unit's values before and after batch normalisation, as the training does it and as inference would, and beside it the means of
// all steps: the step is dragged, the scale and the shift are slid. All is computed here; the server hears of what one comes to rest at.

const [WIDE, HIGH] = [764, 392];
const [LEFT, WIDTH, TALL] = [10, 340, 112]; // the histograms
const FLOORS = { before: 148, after: 348 };
const [BINS, LOW, TOP] = [36, -8, 10]; // the values that they show
const FEW = 2; // values that are written beside their bars
const STEPS = { left: 408, right: 754, top: 62, bottom: 348, most: 9 };

const states = new WeakMap();
const valueX = value => LEFT + ((Math.max(LOW, Math.min(TOP, value)) - LOW) / (TOP - LOW)) * WIDTH;
const stepX = (state, step) => STEPS.left + (step / (state.mean.length - 1)) * (STEPS.right - STEPS.left);
const meanY = value => (STEPS.top + STEPS.bottom) / 2 + 22 - (Math.max(-STEPS.most, Math.min(STEPS.most, value)) / STEPS.most) * 150;

function counted(values) {
  const counts = new Array(BINS).fill(0);
  for (const value of values) counts[Math.max(0, Math.min(BINS - 1, Math.floor(((value - LOW) / (TOP - LOW)) * BINS)))] += 1;
  return counts;
}

function bars(counts, floor, most, className) {
  const width = WIDTH / BINS;
  return counts.map((count, i) => {
    const high = (count / most) * TALL;
    return drawn('rect', { class: className, x: LEFT + i * width + 0.5, width: width - 1, y: floor - high, height: high });
  });
}

/** The outline of bars. */
function outline(counts, floor, most) {
  const width = WIDTH / BINS;
  const points = counts.map((count, i) => `V${floor - (count / most) * TALL} H${LEFT + (i + 1) * width}`);
  return drawn('path', { class: 'outline', d: `M${LEFT} ${floor} ${points.join(' ')} V${floor}` });
}

const marker = (value, floor, className) => drawn('line', { class: className, x1: valueX(value), x2: valueX(value), y1: floor - TALL - 4, y2: floor + 6 });

function draw(state) {
  const { parts, language, words, step, gamma, beta, size } = state;
  const batch = state.values.subarray(step * size, (step + 1) * size);
  const behind = (mean, deviation) => Array.from(batch, value => (gamma * (value - mean)) / deviation + beta);
  const training = behind(state.mean[step], state.deviation[step]);
  const inference = behind(state.movingMean[step], state.movingDeviation[step]);
  const [first, second, third] = [counted(batch), counted(training), counted(inference)];
  const most = Math.max(...second, ...third);
  parts.before.replaceChildren(
    ...bars(first, FLOORS.before, Math.max(...first), 'raw'),
    marker(state.mean[step], FLOORS.before, 'training line'),
    marker(state.movingMean[step], FLOORS.before, 'inference line'),
  );
  const named = size > FEW ? [] : training.map(value => drawn('text', { class: 'middle', x: valueX(value), y: FLOORS.after - TALL / 2 }, written(value, 2, language)));
  parts.after.replaceChildren(...bars(second, FLOORS.after, most, 'training bar'), outline(third, FLOORS.after, most), ...named);
  const numbers = (mean, deviation) => `μ = ${written(mean, 2, language)}, σ = ${written(deviation, 2, language)}`;
  changed(parts.training, {}, `${words.training}: ${numbers(state.mean[step], state.deviation[step])}`);
  changed(parts.inference, {}, `${words.inference}: ${numbers(state.movingMean[step], state.movingDeviation[step])}`);
  changed(parts.cursor, { transform: `translate(${stepX(state, step)} 0)` });
  changed(parts.count, { x: Math.max(STEPS.left + 20, Math.min(STEPS.right - 20, stepX(state, step))) }, step + 1);
  const text = `${step + 1}: ${parts.training.textContent}; ${parts.inference.textContent}`;
  changed(parts.area, { 'aria-valuenow': step + 1, 'aria-valuetext': text });
  for (const name of ['gamma', 'beta']) {
    parts[name].input.value = state[name];
    parts[name].output.textContent = written(state[name], 1, language);
  }
}

function change(state, values) {
  Object.assign(state, values);
  draw(state);
  state.tell();
}

const goTo = (state, step) => change(state, { step: Math.max(0, Math.min(state.mean.length - 1, Math.round(step))) });

function dragging(state, area) {
  const follow = event => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(state.parts.svg.getScreenCTM().inverse());
    goTo(state, ((at.x - STEPS.left) / (STEPS.right - STEPS.left)) * (state.mean.length - 1));
  };
  area.addEventListener('pointerdown', event => {
    event.preventDefault();
    area.setPointerCapture(event.pointerId);
    area.focus({ focusVisible: false });
    follow(event);
  });
  area.addEventListener('pointermove', event => { if (area.hasPointerCapture(event.pointerId)) follow(event); });
  area.addEventListener('keydown', event => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1, PageUp: 10, PageDown: -10, Home: -1e4, End: 1e4 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    goTo(state, state.step + by);
  });
}

function line(state, values, className) {
  return drawn('path', { class: className, d: `M${values.map((value, i) => `${stepX(state, i)} ${meanY(value)}`).join('L')}` });
}

function timeline(state) {
  const { words } = state;
  const group = drawn('g');
  group.append(drawn('text', { class: 'title', x: STEPS.left, y: 20 }, words.steps));
  for (const value of [-8, -4, 0, 4, 8]) {
    group.append(
      drawn('line', { class: value ? 'grid' : 'ground', x1: STEPS.left, x2: STEPS.right, y1: meanY(value), y2: meanY(value) }),
      drawn('text', { class: 'end', x: STEPS.left - 8, y: meanY(value) + 5 }, String(value).replace('-', '−')),
    );
  }
  group.append(line(state, state.trueMean, 'true'));
  state.mean.forEach((value, i) => group.append(drawn('circle', { class: 'dot', cx: stepX(state, i), cy: meanY(value), r: 2.6 })));
  group.append(line(state, state.movingMean, 'moving'));
  let x = STEPS.left;
  for (const [name, wide] of [['batch', 110], ['moving', 130], ['true', 100]]) {
    group.append(drawn('rect', { class: `key ${name}`, x, y: 34, width: 14, height: name === 'batch' ? 8 : 4, rx: 4 }), drawn('text', { class: 'note', x: x + 18, y: 43 }, words[name]));
    x += wide;
  }
  return group;
}

function histograms({ words }) {
  const group = drawn('g');
  group.append(drawn('text', { class: 'title', x: LEFT, y: 20 }, words.before), drawn('text', { class: 'title', x: LEFT, y: 194 }, words.after));
  for (const floor of Object.values(FLOORS)) {
    group.append(drawn('line', { class: 'ground', x1: LEFT, x2: LEFT + WIDTH, y1: floor, y2: floor }), drawn('line', { class: 'grid', x1: valueX(0), x2: valueX(0), y1: floor - TALL, y2: floor }));
    for (const value of [-5, 0, 5]) group.append(drawn('text', { class: 'middle note', x: valueX(value), y: floor + 18 }, String(value).replace('-', '−')));
  }
  return group;
}

function slider(state, name) {
  const [low, high] = state.limits[name];
  const label = Object.assign(document.createElement('label'), { textContent: `${state.words[name]} ` });
  const input = Object.assign(document.createElement('input'), { type: 'range', min: low, max: high, step: 0.1 });
  const output = document.createElement('output');
  input.addEventListener('input', () => change(state, { [name]: Number(input.value) }));
  input.addEventListener('keydown', event => event.stopPropagation());
  label.append(input, output);
  return { label, input, output };
}

function mount(state, parent) {
  const { words } = state;
  const hadFocus = state.parts?.area.matches(':focus');
  const svg = drawn('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, role: 'group', 'aria-label': words.alt });
  const [before, after] = [drawn('g'), drawn('g')];
  const training = drawn('text', { class: 'said training', x: LEFT, y: 212 });
  const inference = drawn('text', { class: 'said inference', x: LEFT, y: 230 });
  const cursor = drawn('g', { class: 'cursor' });
  cursor.append(drawn('line', { y1: STEPS.top - 6, y2: STEPS.bottom + 4 }), drawn('rect', { x: -5, y: STEPS.bottom - 4, width: 10, height: 16, rx: 4 }));
  const count = drawn('text', { class: 'middle note', y: STEPS.bottom + 30 });
  const area = drawn('rect', {
    class: 'area', x: STEPS.left - 6, y: STEPS.top - 8, width: STEPS.right - STEPS.left + 12, height: STEPS.bottom - STEPS.top + 24,
    role: 'slider', tabindex: 0, 'aria-label': words.cursor, 'aria-valuemin': 1, 'aria-valuemax': state.mean.length,
  });
  svg.append(histograms(state), before, after, training, inference, timeline(state), cursor, count, area);
  const [gamma, beta] = [slider(state, 'gamma'), slider(state, 'beta')];
  const controls = Object.assign(document.createElement('div'), { className: 'controls' });
  controls.append(gamma.label, beta.label);
  parent.querySelector('.batches')?.remove();
  const root = Object.assign(document.createElement('div'), { className: 'batches' });
  root.append(svg, controls);
  parent.append(root);
  state.parts = { svg, before, after, training, inference, cursor, count, area, gamma, beta };
  dragging(state, area);
  fitted(svg, root, () => controls.offsetHeight + 8)();
  if (hadFocus) area.focus();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const { step, gamma, beta, ...rest } = data;
  const content = JSON.stringify(rest);
  const state = states.get(parentElement) ?? {};
  states.set(parentElement, state);
  const given = JSON.stringify([step, gamma, beta]);
  if (state.given !== given) Object.assign(state, { given, step, gamma, beta });
  if (state.content !== content) {
    const values = new Float32Array(Uint8Array.from(atob(rest.values), letter => letter.charCodeAt(0)).buffer);
    Object.assign(state, rest, { content, values });
    mount(state, parentElement);
  }
  state.tell = restful(() => {
    state.given = JSON.stringify([state.step, state.gamma, state.beta]);
    setTriggerValue('state', { step: state.step, gamma: state.gamma, beta: state.beta });
  });
  draw(state);
}
