// Grids of numbers, gone through step by step with buttons, arrow keys or the pointer: a step lights what it takes and what it makes, and says
// how. All steps come with the first message, so that going on needs no server; it hears of the step at which one comes to rest.

const states = new WeakMap();
const keyOf = ({ grid, row, column }) => `${grid} ${row} ${column}`;

/** Cells by their key, each with its box, its text, and the step that makes it, -1 where it is there from the beginning. */
function cellsOf(state) {
  const { data } = state;
  const cells = new Map();
  for (const grid of data.grids) {
    grid.texts.forEach((row, i) => row.forEach((text, j) => {
      const [x, y] = [(grid.left + j) * data.cell, (grid.top + i) * data.cell];
      const group = drawn('g', { class: 'cell', transform: `translate(${x} ${y})` });
      const tone = grid.tones[i][j];
      group.append(
        drawn('rect', { class: 'under', width: data.cell, height: data.cell }),
        drawn('rect', { class: tone < 0 ? 'ground below' : 'ground', width: data.cell, height: data.cell, 'fill-opacity': Math.abs(tone) * 0.4 }),
        drawn('text', { x: data.cell / 2, y: data.cell / 2 + 5, 'font-size': text.length > 5 ? 12 : 15 }, text),
      );
      const key = keyOf({ grid: grid.name, row: i, column: j });
      cells.set(key, { key, group, x: x + data.cell / 2, y: y + data.cell / 2, since: -1 });
    }));
  }
  data.steps.forEach((step, k) => step.results.forEach(place => {
    const cell = cells.get(keyOf(place));
    if (cell.since < 0) cell.since = k;
  }));
  return cells;
}

function titles(data) {
  return [
    ...data.grids.map(({ title, left, top }) => drawn('text', { class: 'title', x: left * data.cell, y: top * data.cell - 8 }, title)),
    ...data.signs.map(([text, x, y]) => drawn('text', { class: 'sign', x: x * data.cell, y: y * data.cell + 6 }, text)),
  ];
}

/** Lines from what a step takes to what it makes. */
function lines(state, step) {
  const ends = places => places.map(place => state.cells.get(keyOf(place)));
  const paths = ends(step.results).length > 4 ? [] : ends(step.results).flatMap(to => ends(step.sources).map(from => {
    const bend = Math.abs(to.x - from.x) > Math.abs(to.y - from.y) ? [(from.x + to.x) / 2, from.y, (from.x + to.x) / 2, to.y] : [from.x, (from.y + to.y) / 2, to.x, (from.y + to.y) / 2];
    return drawn('path', { d: `M${from.x} ${from.y} C${bend.join(' ')} ${to.x} ${to.y}` });
  }));
  state.parts.lines.replaceChildren(...(paths.length > 24 ? [] : paths));
}

/** Show a step; `state.step` stays, where a cell is only pointed at. */
function show(state, number) {
  const { data, parts, cells } = state;
  const step = data.steps[number];
  const [sources, results] = [step.sources, step.results].map(places => new Set(places.map(keyOf)));
  for (const cell of cells.values()) {
    cell.group.classList.toggle('source', sources.has(cell.key));
    cell.group.classList.toggle('result', results.has(cell.key));
    cell.group.classList.toggle('hidden', !data.open && cell.since > Math.max(number, state.step));
  }
  lines(state, step);
  parts.sentence.textContent = step.sentence;
  parts.numbers.textContent = step.numbers;
  parts.count.textContent = `${number + 1} / ${data.steps.length}`;
  parts.before.disabled = number === 0;
  parts.next.disabled = number === data.steps.length - 1;
  for (const button of parts.phases.children) button.setAttribute('aria-pressed', String(button.textContent === step.phase));
}

function go(state, number) {
  const step = Math.max(0, Math.min(state.data.steps.length - 1, number));
  if (step === state.step) return;
  state.step = step;
  show(state, step);
  state.tell();
}

function keys(state, event) {
  const by = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, PageDown: 4, PageUp: -4 }[event.key];
  const to = { Home: 0, End: state.data.steps.length - 1 }[event.key] ?? (by === undefined ? undefined : state.step + by);
  if (to === undefined) return;
  event.preventDefault();
  event.stopPropagation(); // arrows of the page do something else
  go(state, to);
}

/** A cell leads to the step that makes it, or else to the first that takes it. */
function stepOf(state, cell) {
  if (cell.since >= 0) return cell.since;
  const taking = state.data.steps.findIndex(step => step.sources.some(place => keyOf(place) === cell.key));
  return taking < 0 ? null : taking;
}

function pointing(state) {
  for (const cell of state.cells.values()) {
    const step = stepOf(state, cell);
    const isSeen = () => step !== null && !cell.group.classList.contains('hidden');
    cell.group.addEventListener('pointerenter', () => { if (isSeen()) show(state, step); });
    cell.group.addEventListener('pointerleave', () => show(state, state.step));
    cell.group.addEventListener('click', () => { if (step !== null) go(state, step); });
  }
}

function button(text, label, click) {
  const element = Object.assign(document.createElement('button'), { type: 'button', textContent: text, title: label });
  element.setAttribute('aria-label', label);
  element.addEventListener('click', click);
  return element;
}

function phases(state) {
  const box = Object.assign(document.createElement('span'), { className: 'phases' });
  const names = [...new Set(state.data.steps.map(step => step.phase))].filter(Boolean);
  const buttons = names.map(name => button(name, name, () => go(state, state.data.steps.findIndex(step => step.phase === name))));
  if (names.length > 1) box.append(...buttons);
  return box;
}

function mount(state, parent) {
  const { data } = state;
  const root = Object.assign(document.createElement('div'), { className: 'board', tabIndex: 0 });
  root.setAttribute('role', 'group');
  root.setAttribute('aria-label', data.words.alt);
  const svg = drawn('svg', { viewBox: `0 0 ${data.width} ${data.height}`, 'aria-hidden': 'true' });
  state.cells = cellsOf(state);
  const group = drawn('g', { class: 'lines' });
  svg.append(group, ...titles(data), ...[...state.cells.values()].map(cell => cell.group));
  const bar = Object.assign(document.createElement('div'), { className: 'bar' });
  const make = (tag, className) => Object.assign(document.createElement(tag), { className });
  const [foot, said, sentence, numbers, count] = [make('div', 'foot'), make('div', 'said'), make('div', 'sentence'), make('div', 'numbers'), make('span', 'count')];
  said.setAttribute('aria-live', 'polite');
  said.append(sentence, numbers);
  const before = button('‹', data.words.before, () => go(state, state.step - 1));
  const next = button('›', data.words.next, () => go(state, state.step + 1));
  const jumps = phases(state);
  bar.append(before, count, next, jumps);
  foot.append(bar, said);
  root.append(svg, foot);
  parent.querySelector('.board')?.remove();
  parent.append(root);
  root.addEventListener('keydown', event => keys(state, event));
  state.parts = { root, lines: group, sentence, numbers, count, before, next, phases: jumps };
  pointing(state);
  const below = () => data.below * parseFloat(getComputedStyle(document.documentElement).fontSize);
  fitted(svg, root, () => foot.offsetHeight + below() + 8)();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const { step, ...rest } = data;
  const content = JSON.stringify(rest);
  let state = states.get(parentElement);
  if (state?.content !== content) {
    const hadFocus = state?.parts.root.matches(':focus-within');
    state = { content, data: rest, given: step, step: state && state.given === step ? Math.min(state.step, rest.steps.length - 1) : step };
    states.set(parentElement, state);
    mount(state, parentElement);
    if (hadFocus) state.parts.root.focus();
  } else if (state.given !== step) Object.assign(state, { given: step, step });
  state.tell = restful(() => { state.given = state.step; setTriggerValue('step', state.step); });
  show(state, state.step);
}
