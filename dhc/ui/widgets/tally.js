// A table of counts with sums. A click on a cell or on its + adds one, − takes one; arrows move between cells, + and − count, Page Up and Page
// Down count by ten, Delete makes it none. The server hears of every change and sends the counts back; until it does, newer ones stay.

const PATIENCE = 2000; // milliseconds to wait for one's own counts to come back
const states = new WeakMap();
const make = (kind, name, text = '') => Object.assign(document.createElement(kind), { className: name, textContent: text });
const sum = values => values.reduce((total, value) => total + value, 0);

function build(state) {
  const { names, words } = state.data;
  const table = make('div', 'tally');
  table.setAttribute('role', 'grid');
  table.setAttribute('aria-label', words.help);
  table.style.gridTemplateColumns = `auto auto repeat(${names.length}, minmax(3.6rem, 1fr)) auto`;
  const row = kind => { const line = make('div', kind); line.setAttribute('role', 'row'); table.append(line); return line; };
  const put = (line, part, role) => { part.setAttribute('role', role); line.append(part); return part; };
  const top = row('line');
  put(top, make('span', 'corner'), 'presentation');
  put(top, make('span', 'corner'), 'presentation');
  put(top, make('span', 'title', words.predicted), 'presentation').style.gridColumn = `span ${names.length}`;
  put(top, make('span', 'corner'), 'presentation');
  const head = row('line');
  put(head, make('span', 'corner'), 'presentation');
  put(head, make('span', 'corner'), 'presentation');
  names.forEach((name, column) => { put(head, make('span', 'name', name), 'columnheader').dataset.column = column; });
  put(head, make('span', 'name sum', words.sum), 'columnheader');
  state.cells = names.map((name, i) => {
    const line = row('line');
    const side = put(line, make('span', 'title side', i ? '' : words.true), 'presentation');
    if (!i) side.style.gridRow = `span ${names.length}`;
    else side.remove();
    put(line, make('span', 'name', name), 'rowheader').dataset.row = i;
    const cells = names.map((other, j) => {
      const cell = put(line, make('div', 'cell'), 'gridcell');
      Object.assign(cell.dataset, { row: i, column: j });
      cell.append(make('button', 'less', '−'), make('span', 'count'), make('button', 'more', '+'));
      for (const [button, label] of [[cell.firstChild, words.less], [cell.lastChild, words.more]]) {
        Object.assign(button, { type: 'button', tabIndex: -1, title: label });
        button.setAttribute('aria-hidden', 'true');
      }
      return cell;
    });
    put(line, make('span', 'total'), 'gridcell');
    return cells;
  });
  const foot = row('line');
  put(foot, make('span', 'corner'), 'presentation');
  put(foot, make('span', 'name sum', words.sum), 'rowheader');
  names.forEach(() => put(foot, make('span', 'total below'), 'gridcell'));
  put(foot, make('span', 'total all'), 'gridcell');
  state.root.replaceChildren(table);
  state.table = table;
}

function show(state) {
  const { counts, data: { words, names, chosen } } = state;
  const largest = Math.max(1, ...counts.flat());
  state.cells.forEach((cells, i) => cells.forEach((cell, j) => {
    cell.children[1].textContent = counts[i][j];
    cell.style.setProperty('--share', `${Math.round(60 * Math.sqrt(counts[i][j] / largest))}%`);
    cell.tabIndex = i === state.at[0] && j === state.at[1] ? 0 : -1;
    cell.setAttribute('aria-label', `${words.cell.replace('%true', names[i]).replace('%predicted', names[j])}: ${counts[i][j]}`);
    cell.firstChild.disabled = !counts[i][j];
    cell.classList.toggle('right', i === j);
    cell.classList.toggle('in-row', i === chosen);
    cell.classList.toggle('in-column', j === chosen);
  }));
  [...state.table.querySelectorAll('.total:not(.below):not(.all)')].forEach((total, i) => {
    total.textContent = sum(counts[i]);
    total.classList.toggle('in-row', i === chosen);
  });
  [...state.table.querySelectorAll('.total.below')].forEach((total, j) => {
    total.textContent = sum(counts.map(row => row[j]));
    total.classList.toggle('in-column', j === chosen);
  });
  state.table.querySelector('.total.all').textContent = sum(counts.flat());
}

function change(state, [i, j], step) {
  const next = step === null ? 0 : Math.max(0, Math.min(state.data.most, state.counts[i][j] + step));
  if (next === state.counts[i][j]) return;
  state.counts[i][j] = next;
  state.pending = { text: JSON.stringify(state.counts), until: Date.now() + PATIENCE };
  show(state);
  state.send('counts', state.counts.flat());
}

const placeOf = cell => [Number(cell.dataset.row), Number(cell.dataset.column)];

function mount(parent) {
  const root = make('div', 'host');
  parent.append(root);
  const state = { root, at: [0, 0], pending: null };
  root.addEventListener('click', event => {
    const cell = event.target.closest('.cell');
    if (!cell) return;
    state.at = placeOf(cell);
    change(state, state.at, event.target.closest('.less') ? -1 : 1);
    show(state);
    cell.focus();
  });
  root.addEventListener('keydown', event => {
    const cell = event.target.closest('.cell');
    if (!cell) return;
    const move = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const step = { '+': 1, '=': 1, Enter: 1, ' ': 1, '-': -1, '−': -1, PageUp: 10, PageDown: -10, Delete: null, Backspace: null }[event.key];
    if ((!move && step === undefined) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (move) {
      const last = state.cells.length - 1;
      state.at = placeOf(cell).map((place, axis) => Math.max(0, Math.min(last, place + move[axis])));
      show(state);
      state.cells[state.at[0]][state.at[1]].focus();
    } else change(state, placeOf(cell), step);
  });
  states.set(parent, state);
  return state;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = states.get(parentElement) ?? mount(parentElement);
  const isOther = JSON.stringify([data.names, data.words]) !== JSON.stringify([state.data?.names, state.data?.words]);
  Object.assign(state, { data, send: setTriggerValue });
  if (state.pending && (state.pending.text === JSON.stringify(data.counts) || Date.now() > state.pending.until)) state.pending = null;
  if (!state.pending) state.counts = data.counts.map(row => [...row]);
  if (isOther) build(state);
  show(state);
}
