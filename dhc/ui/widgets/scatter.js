// Thousands of points on a canvas: dragged, zoomed, pointed at, and enclosed by a line. Where there is an atlas of their pictures, hovering shows a
// point's picture, and zoomed in the pictures stand in place of the points. Names come from files and tables that anybody may have written, so they
// are only ever drawn or entered as text. Streamlit calls the exported function again with every change; the view stays while `data.frame` does.

const NEAR = 9; // CSS pixels from a point within which the pointer means it
const THUMB = [18, 96]; // CSS pixels a side of the pictures in place of points, at least and at most
const MOST_THUMBS = 400; // in sight: of more, points
const MOST_CORNERS = 40; // of a line
const EDGE = 32; // pixels of the image beyond the canvas on each side, so that no mark is cut off
const states = new WeakMap();

const decode = (text, Type) => new Type(Uint8Array.from(atob(text), letter => letter.charCodeAt(0)).buffer);
const make = (kind, name, text = '') => Object.assign(document.createElement(kind), { className: name, textContent: text });
const variable = (css, color) => (color.startsWith('var(') ? css.getPropertyValue(color.slice(4, -1)).trim() : color);

/** The colours of the theme, and a stamp for each style of point and each name: drawn once, they are only copied later. */
function dress(state) {
  const css = getComputedStyle(state.root);
  const value = name => css.getPropertyValue(name).trim();
  [state.text, state.page, state.accent] = ['--st-text-color', '--st-background-color', '--st-primary-color'].map(value);
  state.grow = (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16) / 16;
  state.colors = state.styles.map(({ color }) => variable(css, color));
  state.ground = pixels(1, pen => { pen.fillStyle = state.page; pen.fillRect(0, 0, 1, 1); })[0];
  state.image = new ImageData(Math.max(1, state.canvas.width) + 2 * EDGE, Math.max(1, state.canvas.height) + 2 * EDGE);
  state.ink = new Uint32Array(state.image.data.buffer);
  state.stamps = state.styles.map((style, i) => stamp(state, style, state.colors[i]));
  state.labels = state.names.map(name => label(state, name.text, css.fontFamily));
}

/** What `draw` makes on a square canvas, as one number a pixel: its bytes are red, green, blue and opacity. */
function pixels(side, draw) {
  const pen = Object.assign(document.createElement('canvas'), { width: side, height: side }).getContext('2d', { willReadFrequently: true });
  draw(pen);
  return new Uint32Array(pen.getImageData(0, 0, side, side).data.buffer);
}

/** The pixels of a mark around its middle: where they are in the image, and their colours; those of its rim are see-through. */
function stamp(state, { shape, radius }, color) {
  const r = radius * state.grow * state.scale;
  const side = Math.min(EDGE - 1, 2 * Math.ceil(r + 1.5) + 1);
  const ink = pixels(side, pen => {
    pen.translate(side / 2, side / 2);
    [pen.fillStyle, pen.strokeStyle, pen.lineWidth] = [color, color, Math.max(1.5 * state.scale, shape === 'cross' ? r / 2 : 0)];
    pen.beginPath();
    if (shape === 'cross') for (const a of [-1, 1]) { pen.moveTo(-r, -a * r); pen.lineTo(r, a * r); }
    else pen.arc(0, 0, r, 0, 2 * Math.PI);
    if (shape === 'dot') pen.fill(); else pen.stroke();
  });
  const inked = [...ink.keys()].filter(i => ink[i] >>> 24 > 8);
  const middle = (side - 1) / 2;
  const place = i => (Math.floor(i / side) - middle) * state.image.width + (i % side) - middle;
  return { places: Int32Array.from(inked, place), colors: Uint32Array.from(inked, i => ink[i]) };
}

function label(state, text, family) {
  const size = 12 * state.grow;
  const canvas = document.createElement('canvas');
  const pen = canvas.getContext('2d');
  const font = `600 ${size * state.scale}px ${family}`;
  pen.font = font;
  canvas.width = Math.ceil(pen.measureText(text).width) + 8 * state.scale;
  canvas.height = Math.ceil(size * 1.5 * state.scale);
  Object.assign(pen, { font, textAlign: 'center', textBaseline: 'middle', lineJoin: 'round', lineWidth: 3.5 * state.scale, strokeStyle: state.page, fillStyle: state.text });
  pen.strokeText(text, canvas.width / 2, canvas.height / 2);
  pen.fillText(text, canvas.width / 2, canvas.height / 2);
  return canvas;
}

/** Places on the screen: x grows to the right, y upwards; `zoom` is CSS pixels a unit. */
const across = (state, x) => (x - state.view.x) * state.view.zoom + state.width / 2;
const down = (state, y) => (state.view.y - y) * state.view.zoom + state.height / 2;
const back = (state, [px, py]) => [(px - state.width / 2) / state.view.zoom + state.view.x, state.view.y - (py - state.height / 2) / state.view.zoom];

function whole(state) {
  const { low, high } = state;
  const room = 0.92 * Math.min(state.width / Math.max(1, high[0] - low[0]), state.height / Math.max(1, high[1] - low[1]));
  state.view = { x: (low[0] + high[0]) / 2, y: (low[1] + high[1]) / 2, zoom: room, least: room / 2, most: room * 300 };
}

const visible = (state, row) => state.only === null || state.entryOf[state.style[row]] === state.only;

function draw(state) {
  state.frame = 0;
  if (!state.width || !state.view || !state.image) return;
  const rows = inSight(state);
  const side = thumbSide(state, rows);
  state.ink.fill(state.ground);
  if (!side) {
    if (state.only !== null) paint(state, rows.filter(row => !visible(state, row)), 0.12);
    paint(state, state.only === null ? rows : rows.filter(row => visible(state, row)), 1);
  }
  state.pen.setTransform(1, 0, 0, 1, 0, 0);
  state.pen.putImageData(state.image, -EDGE, -EDGE);
  state.pen.scale(state.scale, state.scale);
  if (side) drawThumbs(state, rows, side);
  else drawNames(state);
  drawLine(state, state.line ?? state.area, !state.line);
  if (state.picked !== null && state.picked < state.x.length) ring(state, state.picked, side);
  if (state.over !== null) ring(state, state.over, side);
  state.canvas.dataset.drawn = String((Number(state.canvas.dataset.drawn) || 0) + 1);
}

/** Put the stamps of the rows into the image, whose pixels are all opaque: ten thousand in a few milliseconds. */
function paint(state, rows, opacity) {
  const { x, y, style, stamps, ink, view, scale } = state;
  const [zoom, across0] = [view.zoom * scale, state.image.width];
  const ox = (state.width / 2 - view.x * view.zoom) * scale + EDGE;
  const oy = (state.height / 2 + view.y * view.zoom) * scale + EDGE;
  for (let n = 0; n < rows.length; n += 1) {
    const row = rows[n];
    const [px, py] = [Math.round(x[row] * zoom + ox), Math.round(oy - y[row] * zoom)];
    if (px < EDGE / 2 || py < EDGE / 2 || px >= across0 - EDGE / 2 || py >= state.image.height - EDGE / 2) continue;
    const { places, colors } = stamps[style[row]];
    const middle = py * across0 + px;
    for (let i = 0; i < places.length; i += 1) {
      const color = colors[i];
      const share = (color >>> 24) * opacity;
      const at = middle + places[i];
      ink[at] = share > 250 ? color | 0xff000000 : mixed(ink[at], color, share / 255);
    }
  }
}

function mixed(below, above, share) {
  const red = (below & 255) + ((above & 255) - (below & 255)) * share;
  const green = ((below >> 8) & 255) + (((above >> 8) & 255) - ((below >> 8) & 255)) * share;
  const blue = ((below >> 16) & 255) + (((above >> 16) & 255) - ((below >> 16) & 255)) * share;
  return 0xff000000 | (blue << 16) | (green << 8) | red;
}

function inSight(state) {
  const [[left, top], [right, bottom]] = [back(state, [-8, -8]), back(state, [state.width + 8, state.height + 8])];
  const { order, x, y } = state;
  const rows = [];
  for (let i = 0; i < order.length; i += 1) {
    const row = order[i];
    if (x[row] >= left && x[row] <= right && y[row] <= top && y[row] >= bottom) rows.push(row);
  }
  return rows;
}

/** How large pictures may be in place of points: 0 where there are too many for that, or none. */
function thumbSide(state, rows) {
  if (!atlas(state) || !rows.length || rows.length > MOST_THUMBS) return 0;
  const side = 0.55 * Math.sqrt((state.width * state.height) / rows.length);
  return side < THUMB[0] ? 0 : Math.min(THUMB[1], side) * state.grow;
}

const atlas = state => (globalThis.dhcAtlases?.[state.atlas]?.ready ? globalThis.dhcAtlases[state.atlas] : null);

function drawPicture(state, pen, row, left, top, side) {
  const { sheets, tile, columns, each } = atlas(state);
  const number = state.tiles[row];
  const [sheet, place] = [sheets[Math.floor(number / each)], number % each];
  if (!sheet) return;
  pen.drawImage(sheet, (place % columns) * tile, Math.floor(place / columns) * tile, tile, tile, left, top, side, side);
}

function drawThumbs(state, rows, side) {
  const { pen, x, y, style } = state;
  pen.imageSmoothingEnabled = true;
  for (const row of rows) {
    const [left, top] = [Math.round(across(state, x[row]) - side / 2), Math.round(down(state, y[row]) - side / 2)];
    pen.globalAlpha = visible(state, row) ? 1 : 0.15;
    drawPicture(state, pen, row, left, top, side);
    pen.lineWidth = 2.5;
    pen.strokeStyle = state.colors[style[row]];
    pen.setLineDash(state.styles[style[row]].shape === 'dot' ? [] : [4, 3]);
    pen.strokeRect(left - 0.5, top - 0.5, side + 1, side + 1);
  }
  pen.setLineDash([]);
  pen.globalAlpha = 1;
}

/** The names of the groups where there is room for them, those of the most points first. */
function drawNames(state) {
  const boxes = [];
  state.names.forEach(({ x, y, entry }, i) => {
    if (state.only !== null && state.only !== entry) return;
    const canvas = state.labels[i];
    const [width, height] = [canvas.width / state.scale, canvas.height / state.scale];
    const [left, top] = [Math.round(across(state, x) - width / 2), Math.round(down(state, y) - height - 2 * state.grow)]; // above its middle, which stays in sight
    const box = [left, top, left + width, top + height];
    if (left < 0 || top < 0 || box[2] > state.width || box[3] > state.height) return;
    if (boxes.some(other => box[0] < other[2] && other[0] < box[2] && box[1] < other[3] && other[1] < box[3])) return;
    boxes.push(box);
    state.pen.drawImage(canvas, left, top, width, height);
  });
}

function drawLine(state, line, closed) {
  if (!line?.length) return;
  const { pen } = state;
  pen.beginPath();
  line.forEach(([x, y], i) => pen[i ? 'lineTo' : 'moveTo'](across(state, x), down(state, y)));
  if (closed) pen.closePath();
  [pen.strokeStyle, pen.lineWidth] = [state.accent, 2];
  pen.setLineDash(closed ? [] : [5, 4]);
  pen.stroke();
  pen.setLineDash([]);
  pen.globalAlpha = 0.08;
  pen.fillStyle = state.accent;
  pen.fill();
  pen.globalAlpha = 1;
}

function ring(state, row, side) {
  const { pen } = state;
  const [px, py, r] = [across(state, state.x[row]), down(state, state.y[row]), side ? side * 0.72 : 8 * state.grow];
  for (const [color, width] of [[state.page, 5], [state.text, 2.5]]) {
    pen.beginPath();
    pen.arc(px, py, r, 0, 2 * Math.PI);
    [pen.strokeStyle, pen.lineWidth] = [color, width];
    pen.stroke();
  }
}

function soon(state) {
  state.frame ||= requestAnimationFrame(() => draw(state));
}

function nearest(state, [px, py]) {
  let [best, row] = [Infinity, null];
  const rows = inSight(state);
  const reach = Math.max(NEAR * state.grow, thumbSide(state, rows) / 2);
  for (const each of rows) {
    if (!visible(state, each)) continue;
    const distance = Math.hypot(across(state, state.x[each]) - px, down(state, state.y[each]) - py);
    if (distance <= best) [best, row] = [distance, each]; // of equals the one on top
  }
  return best <= reach ? row : null;
}

const words = (state, row) => state.tips.map(tip => tip.words[tip.index[row]]).filter(Boolean);

function point(state, place) {
  const row = place ? nearest(state, place) : null;
  if (row === state.over) return;
  state.over = row;
  state.canvas.style.cursor = row === null ? (state.lasso ? 'crosshair' : 'grab') : 'pointer';
  const { tip } = state;
  tip.hidden = row === null;
  if (row !== null) {
    tip.lines.replaceChildren(...words(state, row).map(text => make('div', '', text)));
    tip.dataset.row = String(row);
    const pictures = atlas(state);
    tip.picture.hidden = !pictures;
    if (pictures) {
      const pen = tip.picture.getContext('2d');
      pen.imageSmoothingEnabled = pictures.tile < 64;
      pen.clearRect(0, 0, 128, 128);
      drawPicture(state, pen, row, 0, 0, 128);
    }
    const [px, py] = [across(state, state.x[row]), down(state, state.y[row])];
    const [left, top] = [px > state.width / 2 ? px - tip.offsetWidth - 14 : px + 14, py - tip.offsetHeight / 2];
    tip.style.left = `${Math.max(0, Math.min(left, state.width - tip.offsetWidth))}px`;
    tip.style.top = `${Math.max(0, Math.min(top, state.height - tip.offsetHeight))}px`;
  }
  soon(state);
}

function zoomAt(state, place, factor) {
  const [x, y] = back(state, place);
  const zoom = Math.max(state.view.least, Math.min(state.view.most, state.view.zoom * factor));
  Object.assign(state.view, { zoom, x: x - (place[0] - state.width / 2) / zoom, y: y + (place[1] - state.height / 2) / zoom });
  point(state, null);
  soon(state);
}

const placeOf = (state, event) => {
  const box = state.canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

function press(state, event) {
  if (event.button) return;
  const place = placeOf(state, event);
  state.canvas.setPointerCapture(event.pointerId);
  state.drag = { place, start: place, moved: false, lasso: state.lasso || event.shiftKey };
  if (state.drag.lasso) state.line = [back(state, place)];
}

function follow(state, event) {
  const place = placeOf(state, event);
  const { drag } = state;
  if (!drag) { point(state, place); return; }
  drag.moved ||= Math.hypot(place[0] - drag.start[0], place[1] - drag.start[1]) > 4;
  if (!drag.moved) return;
  point(state, null);
  if (drag.lasso) state.line.push(back(state, place));
  else {
    state.view.x -= (place[0] - drag.place[0]) / state.view.zoom;
    state.view.y += (place[1] - drag.place[1]) / state.view.zoom;
    state.canvas.style.cursor = 'grabbing';
  }
  drag.place = place;
  soon(state);
}

function release(state, event) {
  const { drag, line } = state;
  [state.drag, state.line] = [null, null];
  state.canvas.style.cursor = state.lasso ? 'crosshair' : 'grab';
  if (!drag) return;
  if (!drag.moved) {
    const row = nearest(state, placeOf(state, event));
    if (row !== null) { state.picked = row; state.send('pick', row); }
  } else if (drag.lasso && line.length > 2) enclose(state, line);
  soon(state);
}

/** Send a line of at most MOST_CORNERS corners, evenly taken from the drawn one. */
function enclose(state, line) {
  const count = Math.min(line.length, MOST_CORNERS);
  const corners = Array.from({ length: count }, (_, i) => line[Math.floor((i * line.length) / count)].map(Math.round));
  state.area = corners;
  state.send('area', corners);
  soon(state);
}

const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

function key(state, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const middle = [state.width / 2, state.height / 2];
  if (KEYS[event.key]) {
    const [dx, dy] = KEYS[event.key];
    state.view.x += (60 * dx) / state.view.zoom;
    state.view.y += (60 * dy) / state.view.zoom;
  } else if (event.key === '+' || event.key === '=') zoomAt(state, middle, 1.4);
  else if (event.key === '-') zoomAt(state, middle, 1 / 1.4);
  else if (event.key === '0') whole(state);
  else if (event.key === 'Enter') takeView(state);
  else return;
  event.preventDefault();
  event.stopPropagation();
  soon(state);
}

/** What is in sight, as if a line had been drawn around it: for those who have no mouse. */
function takeView(state) {
  const { width: w, height: h } = state;
  enclose(state, [[0, 0], [w, 0], [w, h], [0, h]].map(corner => back(state, corner)));
}

function button(state, sign, title, action) {
  const element = make('button', 'tool', sign);
  element.type = 'button';
  element.title = title;
  element.setAttribute('aria-label', title);
  element.addEventListener('click', () => { action(element); soon(state); });
  return element;
}

function setLasso(state, on) {
  state.lasso = on;
  state.lassoButton.setAttribute('aria-pressed', String(on));
  state.canvas.style.cursor = on ? 'crosshair' : 'grab';
}

function drawLegend(state) {
  const entries = state.legend.map((entry, number) => {
    const element = make('button', 'entry');
    element.type = 'button';
    const mark = make('span', `mark ${entry.shape}`);
    mark.style.setProperty('--color', entry.color);
    element.append(mark, make('span', 'label', entry.label), make('span', 'count', entry.count.toLocaleString('en')));
    element.title = `${entry.label}: ${entry.count.toLocaleString('en')}`;
    element.setAttribute('aria-pressed', String(Boolean(entry.chosen)));
    const light = only => { state.only = only; soon(state); };
    for (const [on, off] of [['pointerenter', 'pointerleave'], ['focus', 'blur']]) {
      element.addEventListener(on, () => light(number));
      element.addEventListener(off, () => light(null));
    }
    if (state.choosable) element.addEventListener('click', () => state.send('entry', number));
    return element;
  });
  state.legendBox.classList.toggle('fixed', !state.choosable);
  state.legendBox.hidden = !entries.length;
  state.legendBox.replaceChildren(...entries);
}

function resize(state) {
  const { clientWidth: width, clientHeight: height } = state.box;
  if (!width || !height) return;
  const [before, first] = [state.width, !state.view];
  Object.assign(state, { width, height, scale: devicePixelRatio || 1 });
  Object.assign(state.canvas, { width: Math.round(width * state.scale), height: Math.round(height * state.scale) });
  if (first) whole(state); else state.view.zoom *= before ? width / before : 1;
  dress(state);
  draw(state); // at once: a canvas is empty when its size changes
}

/** As high as the window has room below its top, the least height is the data's. */
function fill(state) {
  if (!state.least) return;
  const top = state.root.getBoundingClientRect().top + (document.querySelector('.stMain')?.scrollTop ?? 0);
  const height = Math.max(state.least, Math.min(innerHeight - top - 14, state.root.clientWidth));
  if (Math.abs(height - state.root.clientHeight) > 1) state.root.style.height = `${Math.floor(height)}px`;
}

function mount(parent) {
  const [root, box, canvas, tools, legendBox, tip] = ['scatter', 'box', 'canvas', 'tools', 'legend', 'tip'].map(name => make(name === 'canvas' ? name : 'div', name));
  const state = { root, box, canvas, legendBox, tip, pen: canvas.getContext('2d', { alpha: false, willReadFrequently: true }), only: null, over: null, picked: null, lasso: false, drag: null, frame: 0, scale: 1 };
  tip.picture = Object.assign(make('canvas', 'picture'), { width: 128, height: 128 });
  tip.lines = make('div', 'lines');
  tip.append(tip.picture, tip.lines);
  tip.hidden = true;
  canvas.tabIndex = 0;
  canvas.setAttribute('role', 'img');
  state.lassoButton = button(state, '◌', 'Enclose pictures with a line (or hold Shift)', () => setLasso(state, !state.lasso));
  const middle = () => [state.width / 2, state.height / 2];
  tools.append(
    state.lassoButton,
    button(state, '+', 'Zoom in (+)', () => zoomAt(state, middle(), 1.6)),
    button(state, '−', 'Zoom out (-)', () => zoomAt(state, middle(), 1 / 1.6)),
    button(state, '⤢', 'The whole map (0)', () => whole(state)),
    button(state, '▣', 'Take all that is in sight (Enter)', () => takeView(state)),
  );
  box.append(canvas, tools, tip);
  root.append(box, legendBox);
  parent.append(root);
  for (const [name, act] of Object.entries({ pointerdown: press, pointermove: follow, pointerup: release, pointercancel: release })) {
    canvas.addEventListener(name, event => act(state, event));
  }
  canvas.addEventListener('pointerleave', () => state.drag || point(state, null));
  canvas.addEventListener('dblclick', event => zoomAt(state, placeOf(state, event), 2));
  canvas.addEventListener('keydown', event => key(state, event));
  canvas.addEventListener('wheel', event => {
    event.preventDefault();
    zoomAt(state, placeOf(state, event), Math.exp(-event.deltaY * 0.0016));
  }, { passive: false });
  new ResizeObserver(() => resize(state)).observe(box);
  addEventListener('resize', () => fill(state));
  const around = parent.getRootNode().host?.closest('.stMainBlockContainer') ?? parent.closest('.stMainBlockContainer');
  if (around) new ResizeObserver(() => fill(state)).observe(around); // what stands above may come later, or change its height
  addEventListener('dhc-atlas', () => soon(state));
  states.set(parent, state);
  return state;
}

/** The rows from the lowest to the topmost: in the order of their styles' layers. */
function layered(state) {
  const layers = state.styles.map(style => style.layer ?? 0);
  return Uint32Array.from(state.x.keys()).sort((a, b) => layers[state.style[a]] - layers[state.style[b]] || a - b);
}

function bounds(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  return [low, high];
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = states.get(parentElement) ?? mount(parentElement);
  const [x, y, style] = [decode(data.x, Float32Array), decode(data.y, Float32Array), decode(data.style, Uint16Array)];
  const { styles, legend, names, atlas: key, area, picked, choosable, height: least } = data;
  Object.assign(state, { x, y, style, styles, legend, names, atlas: key, area, picked, choosable, least, send: setTriggerValue, over: null, only: null });
  state.tiles = decode(data.tiles, Uint32Array);
  state.tips = data.tips.map(({ words: list, index }) => ({ words: list, index: decode(index, Uint16Array) }));
  state.entryOf = styles.map(({ entry }) => entry);
  const [[left, right], [bottom, top]] = [bounds(x), bounds(y)];
  Object.assign(state, { low: [left, bottom], high: [right, top], order: layered(state) });
  if (state.of !== data.frame) Object.assign(state, { of: data.frame, view: null });
  state.tip.hidden = true;
  state.canvas.setAttribute('aria-label', data.alt);
  setLasso(state, state.lasso);
  drawLegend(state);
  fill(state);
  if (state.view === null && state.width) whole(state);
  dress(state);
  if (state.width) draw(state); else resize(state);
}
