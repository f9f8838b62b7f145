// Where everything stands at each zoom of the walk: all layers, a layer's maps, one number's history, its formula. Each function gives items with
// places in CSS pixels; those with the same id are the same thing at every zoom.

const WIDE = new Set(['conv', 'pool', 'add', 'dense', 'average']); // kinds whose maps stand in a column of their own
const NARROW = 9; // CSS pixels of a layer that only passes on, or changes numbers one by one
const [HEAD, UPRIGHT, FOOT] = [34, 62, 22]; // CSS pixels above the maps, where names stand upright, and below, of type of the usual size

const say = (state, name, values = {}) => (state.words[name] ?? '').replace(/\{(\w+)[^}]*\}/g, (_, key) => values[key]);
const counted = number => number + 1; // maps, units, rows and columns as words count them; addresses and arrays count from 0
const here = state => state.scene.columns[state.at.stop];
const detailHere = state => {
  const { stop, unit, row, column } = state.at;
  return String(state.detail?.key) === String([stop, unit, row, column]) ? state.detail : null;
};

/** What is known here; until that has come, what was known a step before in the same layer, faded, so that nothing jumps. */
function known(state) {
  const before_it = state.detail?.key?.[0] === state.at.stop ? state.detail : null;
  return [detailHere(state) ?? before_it, detailHere(state) === null];
}

const OF_NUMBER = /^(cells|sign|sum|rest|window|inputs|field)/; // ids of what is about one number
const faded = (items, is_late) => items.map(item => (is_late && OF_NUMBER.test(item.id) ? { ...item, alpha: 0.4 } : item));

const indexOf = (column, unit) => column.units.indexOf(unit);
const levelsOf = (column, index) => column.bytes.subarray(index * column.width * column.height, (index + 1) * column.width * column.height);
const topOf = (column, index) => column.tops[index];
const valueAt = (column, unit, row, col) => {
  const index = indexOf(column, unit);
  return index < 0 ? 0 : (levelsOf(column, index)[row * column.width + col] - 128) * column.steps[index];
};

/** A map's bytes on its own scale; a single number on that of its whole layer, since alone it would always be the largest. */
function shownLevels(column, index) {
  const levels = levelsOf(column, index);
  if (levels.length > 1) return levels;
  column.top ??= Math.max(1e-12, ...column.steps);
  return [Math.round((levels[0] - 128) * column.steps[index] / column.top) + 128];
}

/** Units of a column, the one with the largest values first. */
function ranking(column) {
  column.ranking ??= [...column.units.keys()].sort((a, b) => topOf(column, b) - topOf(column, a)).map(index => column.units[index]);
  return column.ranking;
}

function peakOf(column, unit) {
  const levels = levelsOf(column, indexOf(column, unit));
  const place = levels.indexOf(Math.max(...levels));
  return [Math.floor(place / column.width), place % column.width];
}

/** The column before whose maps a layer takes: the nearest one that has maps. */
function before(state, stop) {
  for (let i = stop - 1; i >= 0; i -= 1) if (state.scene.columns[i].units.length) return i;
  return -1;
}

const mapItem = (state, stop, unit, place, more = {}) => {
  const column = state.scene.columns[stop];
  const index = indexOf(column, unit);
  const top = state.number(topOf(column, index), 3);
  const title = `${column.title} · ${say(state, 'map', { unit: counted(unit) })} · ${column.steps[index] ? say(state, 'up_to', { value: top }) : say(state, 'zero')}`;
  return {
    id: `map:${stop}:${unit}`, key: state.scene.scene, stop, unit, title, ...place, ...more,
    name: `map ${column.steps[index] ? '' : 'zero'} ${more.name ?? ''}`,
    paint: canvas => paintMap(canvas, shownLevels(column, index), column.width, column.height),
  };
};

const pictureItem = (state, place) => ({
  id: 'picture', key: state.scene.scene, name: 'map', title: say(state, 'input'), ...place, paint: canvas => paintPicture(canvas, state.scene.pixels),
});

const textItem = (id, text, x, y, w, name = '', more = {}) => ({ id, text, x, y, w, name: `text ${name}`, ...more });

/** Where the columns of the overview stand: the first place and the width of each, that of the picture and that of the answer. */
function plan(state) {
  const { width, grow } = state;
  const columns = state.scene.columns;
  const answer = Math.min(190 * grow, width * 0.2);
  const wide = columns.filter(column => WIDE.has(column.kind)).length;
  const narrow = columns.length - wide;
  const room = width - answer - narrow * (NARROW + 2) - 14 * grow;
  const each = Math.min(84 * grow, room / (wide + 1.6));
  const gap = Math.max(0, Math.min(44 * grow, (room - each * (wide + 1.6)) / Math.max(1, columns.length)));
  let x = each * 1.6 + gap;
  const places = columns.map(column => {
    const w = WIDE.has(column.kind) ? each : NARROW;
    const place = { x, w };
    x += w + gap + (WIDE.has(column.kind) ? 0 : 2);
    return place;
  });
  const upright = each / 3 < 9.5 * grow; // names that would be too small to read
  return { places, each, upright, head: (upright ? UPRIGHT : HEAD) * grow, picture: each * 1.5, answer: { x: width - answer, w: answer } };
}

/** The units of a column that the overview has room for, those with the largest values and the one that is chosen. */
function listed(state, stop) {
  const column = state.scene.columns[stop];
  const { each, head } = plan(state);
  const most = Math.max(2, Math.floor((state.height - head - FOOT * state.grow) / each));
  const units = ranking(column).slice(0, most);
  if (stop === state.at.stop && column.units.includes(state.at.unit) && !units.includes(state.at.unit)) units[units.length - 1] = state.at.unit;
  return units.sort((a, b) => a - b);
}

const cornerOf = (state, stop) => {
  const { places, each, head } = plan(state);
  return { x: places[stop].x, y: head + 40, w: each - 4, h: each - 4 };
};

function overview(state) {
  const { grow, height } = state;
  const { places, each, picture, answer, upright, head } = plan(state);
  const [top, bottom] = [head, height - FOOT * grow];
  const size = upright ? 11.5 * grow : Math.min(12 * grow, each / 3);
  const items = [pictureItem(state, { x: 0, y: top + (bottom - top - picture) / 2, w: picture, h: picture })];
  state.scene.columns.forEach((column, stop) => {
    const { x, w } = places[stop];
    const chosen = stop === state.at.stop ? 'chosen' : '';
    if (!WIDE.has(column.kind)) {
      items.push({ id: `bar:${stop}`, name: `bar ${column.kind} ${chosen}`, stop, title: `${column.title}: ${column.does}`, text: '', x, y: top, w, h: bottom - top });
      return;
    }
    const [word, number = ''] = column.title.split(' ');
    items.push(textItem(`title:${stop}`, upright ? column.title : `${word}\n${number}`, upright ? x + (each - 4 - 1.2 * size) / 2 : x - 4, 0, upright ? 1.3 * size : w + 4, `title ${upright ? 'upright' : ''} ${chosen}`, { stop, size, title: `${column.title}: ${column.does}` }));
    const units = listed(state, stop);
    const from = top + Math.max(0, (bottom - top - units.length * each + 4) / 2);
    units.forEach((unit, i) => items.push(mapItem(state, stop, unit, { x, y: from + i * each, w: each - 4, h: each - 4 })));
    if (each > 56 * grow) items.push(textItem(`shape:${stop}`, column.shape, x - 6, bottom + 2, w + 10, 'shape', { stop, size: size * 0.92 }));
  });
  const step = 30 * grow;
  const classes = state.scene.classes.slice(0, Math.max(2, Math.floor((bottom - top) / 2.2 / step)));
  const y = top + 10 * grow;
  items.push({ id: 'answer', key: `${state.scene.scene}|small|${answer.w}|${step}|${classes.length}|${state.ink}`, name: 'picture', x: answer.x, y, w: answer.w, h: classes.length * step, stop: state.scene.columns.length - 1, title: say(state, 'answer'), paint: canvas => paintBars(canvas, classes, answer.w, step, state) });
  items.push({ id: 'verdict', key: state.scene.scene, name: 'panel', x: answer.x, y: y + classes.length * step + 8 * grow, w: answer.w, lines: [{ text: state.scene.verdict }] });
  const chosen = here(state);
  if (!WIDE.has(chosen.kind)) {
    items.push({ id: 'note', key: `${state.scene.scene}|${state.at.stop}`, name: 'panel', x: answer.x, y: y + classes.length * step + 90 * grow, w: answer.w, lines: [{ label: `${chosen.title} `, text: chosen.does }] });
  }
  return items;
}

/** The classes of the overview: name, share and a bar below. */
function paintBars(canvas, classes, width, step, state) {
  const context = pen(canvas, width, classes.length * step);
  classes.forEach(([name, share], i) => {
    const y = i * step;
    Object.assign(context, { textBaseline: 'top', textAlign: 'left', font: `${i ? 400 : 700} ${13.5 * state.grow}px ${state.family}`, fillStyle: state.ink });
    context.fillText(name, 0, y, width * 0.74);
    context.textAlign = 'right';
    context.fillText(`${state.number(100 * share, share < 0.1 ? 1 : 0)} %`, width, y);
    context.fillStyle = i ? state.soft : state.accent;
    context.fillRect(0, y + 18 * state.grow, Math.max(1, width * share), 5 * state.grow);
  });
}

/** The grid of a layer's maps: its columns, and the side of a map. */
function gridOf(state) {
  const { grow } = state;
  const [width, height] = [state.width - 300 * grow, state.height - 14 * grow];
  const count = here(state).units.length;
  let best = { columns: 1, side: 0 };
  for (let columns = 1; columns <= count; columns += 1) {
    const side = Math.min(width / columns - 8, height / Math.ceil(count / columns) - 18 * grow, 150 * grow);
    if (side > best.side) best = { columns, side };
  }
  return best;
}

function layer(state) {
  const { grow, width, height } = state;
  const column = here(state);
  const [detail, top] = [detailHere(state), HEAD * grow - 26 * grow];
  const about = [
    { name: 'large', text: column.title }, { text: column.does }, { text: column.shape ? say(state, 'shape', column) : '' },
    { text: column.silent ? say(state, 'silent', column) : '' },
    { text: column.units.length < column.total ? say(state, 'drawn', { drawn: column.units.length, total: column.total }) : '' },
    { text: column.units.length && !isAnswer(state) ? say(state, column.bytes.some(level => level < 128) ? 'scale_signed' : 'scale_plain') : '' },
    { text: detail?.spread ?? '' },
  ];
  const panel = { id: 'about', key: `${state.scene.scene}|${state.at.stop}|${detail?.spread ?? ''}`, name: 'panel', x: width - 275 * grow, y: top, w: 270 * grow, lines: about };
  if (!column.units.length) return [pictureItem(state, { x: 40, y: top, w: height * 0.7, h: height * 0.7 }), panel];
  if (isAnswer(state)) {
    const [step, w] = [Math.min(36 * grow, (height - (HEAD + FOOT) * grow) / state.scene.classes.length), width - 310 * grow];
    const small = textItem('dots', detail?.draws ? say(state, 'draws') : '', w * 0.42, top + state.scene.classes.length * step, w * 0.5, 'small');
    return [{ id: 'answer', key: `${state.scene.scene}|large|${w}|${step}|${detail?.draws?.[0].length ?? 0}|${state.ink}`, name: 'picture', x: 0, y: top, w, h: state.scene.classes.length * step, paint: canvas => paintAnswer(canvas, state.scene.classes, detail?.draws, w, step, state) }, panel, small];
  }
  const { columns, side } = gridOf(state);
  const from = cornerOf(state, state.at.stop);
  const items = [panel];
  column.units.forEach((unit, i) => {
    const [x, y] = [(i % columns) * (side + 8), top + Math.floor(i / columns) * (side + 18 * grow)];
    items.push(mapItem(state, state.at.stop, unit, { x, y, w: side, h: side }, { from }));
    const peak = side > 74 * grow ? ` · ${state.number(topOf(column, i), 2)}` : '';
    if (side > 20 * grow) items.push(textItem(`unit:${unit}`, `${counted(unit)}${peak}`, x, y + side, side + 8, 'small', { size: 11 * grow }));
  });
  return items;
}

const isAnswer = state => state.at.stop === state.scene.columns.length - 1;

/** The lines of a sum below one another. */
const sumItem = (state, lines, place) => ({
  id: 'sum', key: JSON.stringify(lines), room: state.height - place.y, ...place, name: `panel sum ${place.name ?? ''}`,
  lines: lines.map(({ label, text, tone }) => ({ label, text, name: tone })),
});

/** A frame around a part of a map that is drawn at a place. */
function frameItem(id, place, [top, left, height, width], rows, columns) {
  const [h, w] = [place.h / rows, place.w / columns];
  return { id, name: 'frame', text: '', x: place.x + left * w - 1, y: place.y + top * h - 1, w: Math.max(6, width * w) + 2, h: Math.max(6, height * h) + 2 };
}

function field(state, detail, place) {
  const [top, bottom, left, right] = detail.field;
  return frameItem('field', place, [top, left, bottom - top, right - left], 64, 64);
}

function unit(state) {
  const { grow, width, height, at } = state;
  const column = here(state);
  const top = HEAD * grow - 26 * grow;
  const [detail, is_late] = known(state);
  const small = Math.min(150 * grow, height * 0.34);
  const eye = { x: 0, y: top + 20 * grow, w: small, h: small };
  const items = [textItem('sees', say(state, 'sees'), 0, top, small + 20 * grow, 'small'), pictureItem(state, eye)];
  if (detail?.field) items.push(field(state, detail, eye));
  const vector = column.width * column.height === 1;
  const mixes = ['conv', 'dense'].includes(column.kind);
  const lines = (mixes ? detail?.lines.slice(1) : detail?.lines) ?? [];
  const from = small + 24 * grow;
  const room = height - top - 34 * grow - lines.length * 40 * grow;
  const skips = detail?.skip >= 0; // the map of an earlier layer stands beside that of the one before
  const collects = ['flatten', 'average'].includes(column.kind); // a number out of a map
  const own = vector && !collects ? 56 * grow : Math.max(90 * grow, mixes ? Math.min(260 * grow, room, width * 0.24) : Math.min(height * 0.52, (width - from) * (skips ? 0.2 : 0.27)));
  const shown = vector ? 56 * grow : own;
  const gap = detail?.patch.length ? Math.max(150 * grow, own * 0.6) : skips ? own + 60 * grow : 40 * grow;
  const mine = { x: mixes ? width - Math.max(own, Math.min(330 * grow, width * 0.34)) : from + own + gap, y: top + 20 * grow, w: shown, h: shown };
  const name = say(state, vector ? 'its_unit' : 'its_map', { layer: column.title, unit: counted(at.unit) }) + (detail?.label && !is_late ? `: ${detail.label}` : '');
  items.push(textItem('its', name, mine.x, top, Math.min(own + 150 * grow, width - mine.x), 'small'));
  items.push(mapItem(state, at.stop, at.unit, mine, { from: cornerOf(state, at.stop) }));
  if (!vector) items.push(frameItem('spot', mine, [at.row, at.column, 1, 1], column.height, column.width));
  if (!detail) return items;
  const middle = { x: from, y: top, w: mine.x - from - 20 * grow };
  if (detail.channels.length) items.push(...channels(state, detail, middle));
  else if (detail.inputs.length) items.push(...inputs(state, detail, middle));
  else items.push(...single(state, detail, { x: from, y: top, side: own, gap }));
  const below = { x: mine.x, y: mine.y + shown + 10 * grow, w: width - mine.x - 4 };
  const beside = { x: mine.x + shown + 24 * grow, y: mine.y, w: width - mine.x - shown - 28 * grow };
  items.push(sumItem(state, lines, { ...(mixes || beside.w < 200 * grow ? below : beside), name: 'brief' }));
  return faded(items, is_late);
}

/** Patch × kernel = products of the maps that count most, each on a row. */
function channels(state, detail, { x, y, w }) {
  const { grow, at } = state;
  const side = detail.window[2];
  const prior = before(state, at.stop);
  const room = state.height - y - (FOOT + 44) * grow;
  const least = side * 26 * grow + 12 * grow;
  const rows = Math.max(1, Math.min(detail.channels.length, 4, Math.floor(room / least)));
  const cell = Math.min(46 * grow, (room / rows - 12 * grow) / side, (w - 150 * grow) / (4 * side));
  const [block, gap, step] = [cell * side, Math.max(20 * grow, cell * 0.6), cell * side + 12 * grow];
  const shown = detail.channels.slice(0, rows);
  const products = shown.map(({ patch, kernel }) => patch.map((row, i) => row.map((value, j) => value * kernel[i][j])));
  const [tops, stop] = [[shown.map(each => each.patch), shown.map(each => each.kernel), products].map(grids => largest(grids.flat())), prior];
  const items = [textItem('times', say(state, 'times'), x, y, w, 'small')];
  shown.forEach(({ unit: channel, patch, kernel, total }, i) => {
    const top = y + 20 * grow + i * step;
    const thumb = { x, y: top, w: block, h: block };
    const column = stop < 0 ? null : state.scene.columns[stop];
    if (column && indexOf(column, channel) >= 0) {
      items.push(mapItem(state, stop, channel, thumb, { from: cornerOf(state, stop) }));
      items.push(frameItem(`window:${i}`, thumb, detail.window, column.height, column.width));
    }
    const grids = [patch, kernel, products[i]];
    ['·', '=', `Σ ${state.number(total, 3)}`].forEach((sign, j) => {
      const left = x + (j + 1) * (block + gap);
      const key = JSON.stringify([grids[j], cell, tops[j]]);
      items.push({ id: `cells:${i}:${j}`, key, name: 'cells', x: left, y: top, w: block, h: block, from: { ...thumb }, paint: canvas => paintCells(canvas, grids[j], cell, tops[j], state) });
      items.push(textItem(`sign:${i}:${j}`, sign, left + block + (j < 2 ? 0 : 8), top + block / 2 - 12 * grow, j < 2 ? gap : 110 * grow, j < 2 ? 'sign' : 'result'));
    });
  });
  const rest = detail.total - detail.bias - shown.reduce((sum, each) => sum + each.total, 0);
  const [count, value] = [detail.count - shown.length, state.number(rest, 3)];
  if (count) items.push(textItem('rest', say(state, 'others', { count, value }), x, y + 20 * grow + rows * step, w, ''));
  return items;
}

function inputs(state, detail, { x, y, w }) {
  const { grow } = state;
  const room = state.height - y - (FOOT + 50) * grow;
  const step = Math.max(15 * grow, Math.min(26 * grow, room / detail.inputs.length));
  const shown = detail.inputs.slice(0, Math.max(3, Math.floor(room / step)));
  const rest = detail.total - detail.bias - shown.reduce((sum, each) => sum + each.product, 0);
  const [key, h] = [JSON.stringify([shown, w, step, state.ink]), shown.length * step];
  const items = [{ id: 'inputs', key, name: 'picture', x, y: y + 20 * grow, w, h, paint: canvas => paintInputs(canvas, shown, w, step, state) }];
  const [count, value] = [detail.count - shown.length, state.number(rest, 3)];
  if (count > 0) items.push(textItem('rest', say(state, 'other_inputs', { count, value }), x, y + 24 * grow + h, w, ''));
  return items;
}

/** A layer that takes each map by itself: the map before, what a skip adds to it, and what pooling chose from. */
function single(state, detail, { x, y, side, gap }) {
  const { grow, at } = state;
  const stop = before(state, at.stop);
  const column = stop < 0 ? null : state.scene.columns[stop];
  const place = { x, y: y + 20 * grow, w: side, h: side };
  const items = [];
  const source = detail.source < 0 ? at.unit : detail.source;
  if (column && indexOf(column, source) >= 0) {
    items.push(textItem('before', say(state, column.width > 1 ? 'its_map' : 'its_unit', { layer: column.title, unit: counted(source) }), x, y, side + gap, 'small'));
    items.push(mapItem(state, stop, source, place, { from: cornerOf(state, stop) }));
    const window = detail.window.length ? detail.window : [at.row, at.column, 1, 1];
    if (here(state).kind !== 'average' && column.width > 1) items.push(frameItem('window:0', place, window, column.height, column.width));
  }
  if (detail.skip >= 0 && indexOf(state.scene.columns[detail.skip], at.unit) >= 0) {
    const skipped = state.scene.columns[detail.skip];
    const beside = { ...place, x: x + side + 30 * grow };
    items.push(textItem('skipped', `+ ${say(state, 'its_map', { layer: skipped.title, unit: counted(at.unit) })}`, beside.x, y, side + 30 * grow, 'small'));
    items.push(mapItem(state, detail.skip, at.unit, beside, { from: cornerOf(state, detail.skip) }));
    items.push(frameItem('window:1', beside, [at.row, at.column, 1, 1], skipped.height, skipped.width));
  }
  if (detail.patch.length) {
    const size = detail.patch.length;
    const cell = Math.min(64 * grow, (gap - 30 * grow) / size);
    const [left, key] = [x + side + (gap - cell * size) / 2, JSON.stringify([detail.patch, cell])];
    items.push({ id: 'cells:0:0', key, name: 'cells', x: left, y: place.y + (side - cell * size) / 2, w: cell * size, h: cell * size, from: place, paint: canvas => paintCells(canvas, detail.patch, cell, largest([detail.patch]), state, true) });
  }
  return items;
}

function formula(state) {
  const { grow, height, width, at } = state;
  const [detail, is_late] = known(state);
  const [top, side] = [HEAD * grow - 26 * grow, Math.min(170 * grow, height * 0.36)];
  const column = here(state);
  const [eye, mine] = [{ x: 0, y: top, w: side, h: side }, { x: 0, y: top + side + 14 * grow, w: side, h: side }];
  const items = [pictureItem(state, eye), mapItem(state, at.stop, at.unit, mine, { from: cornerOf(state, at.stop) })];
  if (column.width * column.height > 1) items.push(frameItem('spot', mine, [at.row, at.column, 1, 1], column.height, column.width));
  if (!detail) return items;
  items.push(field(state, detail, eye));
  items.push(sumItem(state, detail.lines, { x: side + 36 * grow, y: top - 6 * grow, w: width - side - 40 * grow, name: 'whole' }));
  return faded(items, is_late);
}

const SCENES = { overview, layer, unit, formula };
