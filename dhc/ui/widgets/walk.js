// A walk through a network with one picture: all layers, a layer's maps, one number's history, its formula. The maps come once for each picture and
// network; from then on a step is drawn here at once, and the server is asked only for the numbers behind it. Names of classes may be anybody's,
// so they are only ever drawn or entered as text. Streamlit calls the exported function again with every change.

const KEPT = 3; // scenes at a time
const QUIET = 90; // milliseconds without a further step after which the server hears of it
const PATIENCE = 3000; // milliseconds within which the answer to a step is waited for
const ZOOMS = ['overview', 'layer', 'unit', 'formula'];
globalThis.dhcWalks ??= new Map();

const states = new WeakMap();
const bytesOf = text => Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
const element = (kind, name, more = {}) => Object.assign(document.createElement(kind), { className: name, ...more });

/** A layer as it was sent, its bytes and the largest value of each map. */
function unpack(column) {
  const own = { ...column, bytes: bytesOf(column.levels) };
  own.tops = own.units.map((_, index) => (levelsOf(own, index).reduce((top, level) => (level > top ? level : top), 0) - 128) * own.steps[index]);
  return own;
}

/** Keep a scene that the server has sent, for the walk that draws it. */
function keep(data) {
  const walks = globalThis.dhcWalks;
  if (!walks.has(data.scene)) {
    walks.set(data.scene, { ...data, pixels: bytesOf(data.picture), columns: data.columns.map(unpack) });
    while (walks.size > KEPT) walks.delete(walks.keys().next().value);
  }
  dispatchEvent(new Event('dhc-walk'));
}

function dress(state) {
  const css = getComputedStyle(state.root);
  const value = name => css.getPropertyValue(name).trim();
  Object.assign(state, { ink: value('--st-text-color'), page: value('--st-background-color'), soft: value('--st-border-color'), accent: value('--st-primary-color'), family: css.fontFamily });
  state.grow = (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16) / 16;
}

/** As high as the window has room below its top. */
function size(state) {
  const main = document.querySelector('.stMain');
  const host = state.root.getRootNode().host ?? state.root;
  const top = host.getBoundingClientRect().top + (host.closest('[data-dhc-large]')?.scrollTop ?? main?.scrollTop ?? 0);
  const height = Math.max(300, innerHeight - top - 16);
  if (Math.abs(height - state.root.offsetHeight) > 1) state.root.style.height = `${Math.floor(height)}px`;
  [state.width, state.height] = [state.floor.clientWidth, state.floor.clientHeight];
}

function draw(state) {
  if (!state.scene || !state.at) return;
  dress(state);
  size(state);
  if (!state.width) return;
  const items = SCENES[state.at.zoom](state);
  const chosen = items.find(item => item.id === `map:${state.at.stop}:${state.at.unit}`);
  if (chosen && (state.at.zoom === 'overview' || state.at.zoom === 'layer')) {
    items.push({ id: 'ring', name: 'ring', text: '', x: chosen.x - 3, y: chosen.y - 3, w: chosen.w + 6, h: chosen.h + 6 });
  }
  show(state, items);
  items.forEach(item => { if (item.size) state.nodes.get(item.id).element.style.fontSize = `${item.size}px`; });
  items.filter(item => item.room).forEach(item => squeeze(state.nodes.get(item.id).element, item.room));
  drawLines(state, items);
  drawCrumbs(state);
  drawWords(state);
  state.board.dataset.zoom = state.at.zoom;
  state.board.dataset.drawn = String((Number(state.board.dataset.drawn) || 0) + 1);
}

/** Smaller type for lines that would not all have room. */
function squeeze(lines, room) {
  lines.style.fontSize = '';
  const usual = parseFloat(getComputedStyle(lines).fontSize);
  for (let share = 0.95; lines.offsetHeight > room && share > 0.5; share -= 0.05) lines.style.fontSize = `${share * usual}px`;
}

/** In the overview, what the chosen map is made of: lines from the maps before it, thick where they count. */
function drawLines(state, items) {
  state.lines.replaceChildren();
  state.lines.style.opacity = 0;
  if (state.at.zoom !== 'overview') return;
  const target = items.find(item => item.id === `map:${state.at.stop}:${state.at.unit}`);
  const detail = detailHere(state);
  if (!target) return;
  const totals = new Map((detail?.channels ?? []).map(({ unit: channel, total }) => [channel, total]));
  const top = Math.max(1e-9, ...[...totals.values()].map(Math.abs));
  let stop = before(state, state.at.stop);
  while (stop >= 0 && !WIDE.has(state.scene.columns[stop].kind)) stop = before(state, stop);
  const sources = stop < 0 ? items.filter(item => item.id === 'picture') : items.filter(item => item.id.startsWith(`map:${stop}:`));
  for (const source of sources) {
    const total = totals.get(source.unit);
    const [x, y, a, b] = [source.x + source.w, source.y + source.h / 2, target.x, target.y + target.h / 2];
    const line = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    line.setAttribute('d', `M${x},${y}C${(x + a) / 2},${y} ${(x + a) / 2},${b} ${a},${b}`);
    line.setAttribute('class', total === undefined ? 'thin' : total < 0 ? 'against' : 'for');
    if (total !== undefined) line.setAttribute('stroke-width', 1 + 4 * Math.abs(total) / top);
    state.lines.append(line);
  }
  state.lines.style.opacity = 1;
}

function drawCrumbs(state) {
  const column = here(state);
  const names = [say(state, 'layers'), column.title, say(state, column.width * column.height > 1 ? 'map' : 'unit', { unit: counted(state.at.unit) }), say(state, 'formula')];
  const now = ZOOMS.indexOf(state.at.zoom);
  const last = column.units.length ? 3 : 1;
  while (state.crumbs.children.length <= last) state.crumbs.append(newCrumb(state, ZOOMS[state.crumbs.children.length]));
  [...state.crumbs.children].forEach((crumb, i) => {
    Object.assign(crumb, { hidden: i > last, textContent: names[i], ariaCurrent: i === now ? 'step' : null });
    if (i > last && crumb.matches(':focus')) state.board.focus({ preventScroll: true });
  });
}

/** A crumb stays when its name changes, and so does the focus on it. */
function newCrumb(state, level) {
  const crumb = element('button', 'crumb', { type: 'button' });
  crumb.addEventListener('click', () => { go(state, { zoom: level }); state.board.focus({ preventScroll: true }); });
  return crumb;
}

function drawWords(state) {
  const { row, column: col, unit: chosen, zoom } = state.at;
  const column = here(state);
  const parts = [column.title];
  if (column.units.length) {
    const detail = detailHere(state);
    const value = state.number(detail ? detail.value : valueAt(column, chosen, row, col), 3);
    const is_map = column.width * column.height > 1;
    parts.push(say(state, is_map ? 'map' : 'unit', { unit: counted(chosen) }));
    parts.push(is_map ? say(state, 'at', { row: counted(row), column: counted(col), value }) : value);
  }
  const text = parts.join(', ');
  if (state.words_here.textContent !== text) state.words_here.textContent = text;
  const is_vector = column.units.length > 0 && column.width * column.height === 1;
  state.hint.textContent = say(state, is_vector && ZOOMS.indexOf(zoom) > 1 ? 'hint_vector' : `hint_${zoom}`);
  state.board.setAttribute('aria-label', `${say(state, 'stage')}: ${text}`);
}

/** Go somewhere: at once here, and soon with the numbers behind it. */
function go(state, change) {
  const before_at = state.at;
  const at = { ...before_at, ...change };
  const column = state.scene.columns[at.stop];
  if (!column.units.length) {
    Object.assign(at, { unit: 0, row: 0, column: 0, zoom: ZOOMS[Math.min(1, ZOOMS.indexOf(at.zoom))] });
  } else {
    if (at.stop !== before_at.stop && change.unit === undefined) at.unit = column.units.includes(before_at.unit) && column.total === state.scene.columns[before_at.stop].total ? before_at.unit : ranking(column)[0];
    if (!column.units.includes(at.unit)) [at.unit] = ranking(column);
    if (change.row === undefined && (at.stop !== before_at.stop || at.unit !== before_at.unit)) [at.row, at.column] = keptPlace(state, before_at, at, column);
  }
  state.at = at;
  draw(state);
  clearTimeout(state.later);
  state.pending = true;
  const wait = performance.now() - (state.sent ?? -Infinity) > 2 * QUIET ? 0 : QUIET; // a single step at once, of a held key the last one
  state.later = setTimeout(() => tell(state), wait);
}

const placeText = ({ zoom: level, stop, unit: chosen, row, column }) => [level, stop, chosen, row, column].join();

/** Let the server know where one stands now. */
function tell(state) {
  const { zoom: level, unit: chosen, row, column } = state.at;
  const known = here(state).units.length > 0;
  [state.pending, state.sent, state.asked] = [false, performance.now(), placeText(state.at)];
  state.send('step', { zoom: level, layer: here(state).name, unit: known ? chosen : null, row: known ? row : null, column });
}

/** Another map at the same zoom is looked at in the same place where that was a number of a map as large; else at its peak. */
function keptPlace(state, old, at, column) {
  const other = state.scene.columns[old.stop];
  const same = other.width === column.width && other.height === column.height && ZOOMS.indexOf(at.zoom) > 1;
  return same ? [old.row, old.column] : peakOf(column, at.unit);
}

const ARROWS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
const within = (value, count) => Math.max(0, Math.min(count - 1, value));

function arrow(state, [down, right]) {
  const { at } = state;
  const column = here(state);
  if (at.zoom === 'overview') {
    if (right) return go(state, { stop: within(at.stop + right, state.scene.columns.length) });
    const units = listed(state, at.stop);
    return column.units.length && go(state, { unit: units[within(units.indexOf(at.unit) + down, units.length)] });
  }
  if (!column.units.length || (at.zoom === 'layer' && isAnswer(state))) return at.zoom === 'layer' && turn(state, down || right);
  if (at.zoom === 'layer') {
    const place = indexOf(column, at.unit) + right + down * gridOf(state).columns;
    return place >= 0 && place < column.units.length && go(state, { unit: column.units[place] });
  }
  if (column.width * column.height === 1) return next(state, down || right);
  return go(state, { row: within(at.row + down, column.height), column: within(at.column + right, column.width) });
}

const turn = (state, by) => go(state, { stop: within(state.at.stop + by, state.scene.columns.length) });
const next = (state, by) => go(state, { unit: here(state).units[within(indexOf(here(state), state.at.unit) + by, here(state).units.length)] });
const zoom = (state, by) => go(state, { zoom: ZOOMS[within(ZOOMS.indexOf(state.at.zoom) + by, ZOOMS.length)] });

function key(state, event) {
  if (event.ctrlKey || event.metaKey || event.altKey || !state.scene) return;
  const { zoom: level } = state.at;
  const page = { PageUp: -1, PageDown: 1 }[event.key];
  if (ARROWS[event.key]) arrow(state, ARROWS[event.key]);
  else if (event.key === 'Enter' && event.target === state.board) zoom(state, 1);
  else if (event.key === 'Escape' && level !== 'overview') zoom(state, -1);
  else if (page && level === 'layer') turn(state, page);
  else if (page && level !== 'overview' && here(state).units.length) next(state, page);
  else if (event.key === 'Home' || event.key === 'End') go(state, { stop: event.key === 'Home' ? 0 : state.scene.columns.length - 1 });
  else return;
  event.preventDefault();
  event.stopPropagation();
}

/** A click on a map chooses it, a second one goes closer; on a map that is large it chooses the place. */
function click(state, event) {
  const target = event.composedPath().find(each => each.dataset?.stop !== undefined || each.dataset?.id);
  state.board.focus({ preventScroll: true });
  if (!target || target.dataset.stop === undefined) return;
  const [stop, chosen] = [Number(target.dataset.stop), target.dataset.unit === undefined ? undefined : Number(target.dataset.unit)];
  const { at } = state;
  const is_same = stop === at.stop && (chosen === undefined || chosen === at.unit);
  if (state.dragged) { state.dragged = false; return; }
  if (at.zoom === 'overview') go(state, is_same ? { zoom: 'layer' } : { stop, unit: chosen });
  else if (at.zoom === 'layer') go(state, is_same ? { zoom: 'unit' } : { stop, unit: chosen });
  else if (is_same) point(state, target, event);
  else go(state, { stop, unit: chosen, zoom: 'unit' });
}

/** The place below the pointer on a large map. */
function point(state, target, event) {
  const [box, column] = [target.getBoundingClientRect(), here(state)];
  const [row, col] = [(event.clientY - box.top) / box.height * column.height, (event.clientX - box.left) / box.width * column.width].map(Math.floor);
  go(state, { row: within(row, column.height), column: within(col, column.width) });
}

/** The place follows a pressed pointer over the map whose number is looked at. */
function drag(state, event) {
  if (!(event.buttons & 1) || !state.scene || ZOOMS.indexOf(state.at.zoom) < 2) return;
  const target = event.composedPath().find(each => each.dataset?.id === `map:${state.at.stop}:${state.at.unit}`);
  if (!target) return;
  state.dragged = true;
  point(state, target, event);
}

function mount(parent) {
  const [root, top, crumbs, words, board, hint] = [element('div', 'walk'), element('div', 'top'), element('nav', 'crumbs'), element('output', 'here'), element('div', 'board'), element('div', 'hint')];
  const floor = element('div', 'floor');
  const lines = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  lines.setAttribute('class', 'lines');
  lines.setAttribute('aria-hidden', 'true');
  board.tabIndex = 0;
  board.setAttribute('role', 'application');
  words.setAttribute('aria-live', 'polite');
  floor.append(lines);
  board.append(floor);
  top.append(crumbs, words);
  root.append(top, board, hint);
  parent.append(root);
  const state = { root, crumbs, words_here: words, board, floor, hint, lines, nodes: new Map(), still: matchMedia('(prefers-reduced-motion: reduce)') };
  root.addEventListener('keydown', event => key(state, event));
  board.addEventListener('click', event => click(state, event));
  board.addEventListener('pointerdown', () => { state.dragged = false; });
  board.addEventListener('pointermove', event => drag(state, event));
  const again = () => { cancelAnimationFrame(state.frame); state.frame = requestAnimationFrame(() => draw(state)); };
  const sizes = new ResizeObserver(again);
  const host = parent.getRootNode().host ?? parent;
  [root, host.closest('.stMainBlockContainer'), host.closest('[class*="st-key-dhc_walk_grid"]')].forEach(each => each && sizes.observe(each)); // what stands above may come later
  addEventListener('resize', again);
  addEventListener('dhc-walk', () => { if (root.isConnected) take(state); });
  states.set(parent, state);
  return state;
}

/** Ask for more draws of dropout, once those that have come are drawn; an answer to a step that is under way would ask by itself. */
function askMore(state) {
  const detail = detailHere(state);
  if (detail?.more && !state.pending && state.sent === undefined) state.send('more', detail.draws[0].length);
}

/** Take the scene that the server wants drawn, once it is there. */
function take(state) {
  const scene = globalThis.dhcWalks.get(state.of);
  if (!scene) return;
  const [wanted, waits] = [placeText(state.wanted), performance.now() - (state.sent ?? -Infinity) < PATIENCE];
  const is_late = state.scene === scene && waits && state.asked !== wanted; // an answer to a step before the last one
  if (state.asked === wanted) state.sent = state.pending ? state.sent : undefined;
  state.scene = scene;
  if (!state.at || !(state.pending || is_late)) state.at = { ...state.wanted };
  draw(state);
  askMore(state);
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (data.scene) { keep(data); return; }
  const state = states.get(parentElement) ?? mount(parentElement);
  const comma = data.comma ? ',' : '.';
  const number = (value, decimals) => {
    const text = value.toFixed(decimals);
    return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−').replace('.', comma);
  };
  Object.assign(state, { of: data.of, detail: data.detail, words: data.words, wanted: data.at, number, comma, send: setTriggerValue });
  state.crumbs.setAttribute('aria-label', say(state, 'way'));
  take(state);
}
