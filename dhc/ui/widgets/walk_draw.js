// How the walk draws: maps and tables of numbers as canvases, which stay from scene to scene and glide to their new places. CSS moves them, so
// that a step can be interrupted by the next one at any moment.

const FADE = 450; // milliseconds until what has left is taken away
const INFERNO = [[0, 0, 4], [40, 11, 84], [101, 21, 110], [159, 42, 99], [212, 72, 66], [245, 125, 21], [250, 193, 39], [252, 255, 164]];
const [FOR, AGAINST, WHITE] = [[178, 24, 43], [33, 102, 172], [247, 247, 247]]; // of plotly's RdBu, as on Network

const mix = (a, b, share) => a.map((x, i) => x + (b[i] - x) * share);

/** The colour of a share of the largest value: from 0 to 1, or from -1 to 1 where there are numbers below 0. */
function colour(share, signed) {
  if (signed) return mix(WHITE, share < 0 ? AGAINST : FOR, Math.min(1, Math.abs(share)));
  const at = Math.max(0, Math.min(1, share)) * (INFERNO.length - 1);
  const low = Math.min(INFERNO.length - 2, Math.floor(at));
  return mix(INFERNO[low], INFERNO[low + 1], at - low);
}

const TABLES = [false, true].map(signed => Array.from({ length: 256 }, (_, level) => colour((level - 128) / 127, signed)));

/** Bytes of which 128 stands for 0 as a picture; black is 0, or white where some are below. */
function paintMap(canvas, levels, width, height) {
  const table = TABLES[Number(levels.some(level => level < 128))];
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  levels.forEach((level, i) => { image.data.set(table[level], 4 * i); image.data[4 * i + 3] = 255; });
  canvas.getContext('2d').putImageData(image, 0, 0);
}

function paintPicture(canvas, bytes) {
  Object.assign(canvas, { width: 64, height: 64 });
  const image = new ImageData(64, 64);
  for (let i = 0; i < 64 * 64; i += 1) image.data.set([bytes[3 * i], bytes[3 * i + 1], bytes[3 * i + 2], 255], 4 * i);
  canvas.getContext('2d').putImageData(image, 0, 0);
}

/** A canvas as sharp as the screen; returns its pen, whose unit is a CSS pixel. */
function pen(canvas, width, height) {
  const scale = globalThis.devicePixelRatio || 1;
  Object.assign(canvas, { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) });
  const context = canvas.getContext('2d');
  context.scale(scale, scale);
  return context;
}

/** Black or white, whichever stands out more from a colour: 4.5 : 1 at least. */
function inkOn(rgb) {
  const [red, green, blue] = rgb.map(part => (part / 255 <= 0.03928 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000' : '#fff';
}

const largest = grids => Math.max(1e-9, ...grids.flat(2).map(Math.abs));

/** A table of numbers, each on its colour; `mark` frames the largest one. */
function paintCells(canvas, grid, side, top, state, mark = false) {
  const [rows, columns] = [grid.length, grid[0].length];
  const context = pen(canvas, columns * side, rows * side);
  const best = Math.max(...grid.flat());
  Object.assign(context, { textAlign: 'center', textBaseline: 'middle', font: `500 ${Math.min(15 * state.grow, side / 2.7)}px ${state.family}` });
  grid.forEach((row, i) => row.forEach((value, j) => {
    const fill = colour(value / top, true);
    context.fillStyle = `rgb(${fill.map(Math.round).join(',')})`;
    context.fillRect(j * side + 0.5, i * side + 0.5, side - 1, side - 1);
    context.fillStyle = inkOn(fill);
    context.fillText(state.number(value, 2), j * side + side / 2, i * side + side / 2);
    if (mark && value === best) {
      Object.assign(context, { strokeStyle: '#111', lineWidth: 3 });
      context.strokeRect(j * side + 2, i * side + 2, side - 4, side - 4);
    }
  }));
}

/** Rows of number × weight = product, each with a bar to the right of the middle for what adds and to the left for what takes away. */
function paintInputs(canvas, inputs, width, step, state) {
  const context = pen(canvas, width, inputs.length * step);
  const [top, size] = [Math.max(1e-9, ...inputs.map(each => Math.abs(each.product))), Math.min(14 * state.grow, step * 0.68)];
  const [middle, reach] = [width * 0.78, width * 0.21];
  Object.assign(context, { textBaseline: 'middle', font: `${size}px ${state.family}` });
  inputs.forEach((each, i) => {
    const y = (i + 0.5) * step;
    const length = reach * Math.abs(each.product) / top;
    context.fillStyle = `rgb(${(each.product < 0 ? AGAINST : FOR).join(',')})`;
    context.fillRect(each.product < 0 ? middle - length : middle, y - step * 0.32, Math.max(1, length), step * 0.64);
    context.fillStyle = state.ink;
    context.textAlign = 'right';
    const texts = [String(counted(each.unit)), state.number(each.value, 3), `× ${state.number(each.weight, 3)}`, `= ${state.number(each.product, 3)}`];
    texts.forEach((text, j) => context.fillText(text, width * [0.09, 0.24, 0.39, 0.545][j], y));
  });
  context.fillStyle = state.ink;
  context.fillRect(middle - 0.5, 0, 1, inputs.length * step);
}

/** Classes with their logits, their probabilities as bars, and a dot for each draw of dropout. */
function paintAnswer(canvas, classes, draws, width, step, state) {
  const context = pen(canvas, width, classes.length * step);
  const [from, reach, size] = [width * 0.42, width * 0.5, Math.min(15 * state.grow, step * 0.6)];
  classes.forEach(([name, share, logit], i) => {
    const y = (i + 0.5) * step;
    Object.assign(context, { textBaseline: 'middle', textAlign: 'left', font: `${i ? 400 : 700} ${size}px ${state.family}`, fillStyle: state.ink });
    context.fillText(name, 0, y, width * 0.27);
    context.textAlign = 'right';
    context.fillText(state.number(logit, 2), from - 10, y);
    context.fillStyle = i ? state.soft : state.accent;
    context.fillRect(from, y - step * 0.3, Math.max(1, reach * share), step * 0.6);
    Object.assign(context, { fillStyle: state.ink, textAlign: 'left' });
    context.fillText(`${state.number(100 * share, share < 0.1 ? 1 : 0)} %`, from + reach + 6, y);
    Object.assign(context, { strokeStyle: state.ink, lineWidth: 1.2, fillStyle: state.page });
    (draws?.[i] ?? []).forEach((chance, n) => {
      context.beginPath();
      context.arc(from + reach * chance, y + step * 0.22 * Math.sin(n * 2.4), 2.6 * state.grow, 0, 2 * Math.PI);
      context.fill();
      context.stroke();
    });
  });
}

function settle(element, { x, y, w, h, alpha = 1 }) {
  element.style.transform = `translate(${x}px, ${y}px)`;
  if (w !== undefined) element.style.width = `${w}px`;
  if (h !== undefined) element.style.height = `${h}px`;
  element.style.opacity = alpha;
}

/** A new thing, in a batch with the others that come now: hundreds that fade in one by one are too much for a slow machine. */
function create(state, item, batch) {
  const element = document.createElement(item.paint ? 'canvas' : 'div');
  element.style.transition = 'none';
  settle(element, { ...(item.from ?? item), alpha: item.alpha });
  batch.append(element);
  const node = { element, key: null };
  state.nodes.set(item.id, node);
  return node;
}

function fill(state, node, item) {
  const { element } = node;
  element.className = `node ${item.name ?? ''}`;
  element.title = item.title ?? '';
  element.dataset.id = item.id;
  for (const name of ['stop', 'unit']) {
    if (item[name] === undefined) delete element.dataset[name]; else element.dataset[name] = item[name];
  }
  const key = `${item.key}|${state.comma}`; // numbers are painted, too
  if (item.paint && node.key !== key) item.paint(element);
  if (item.lines && node.key !== key) {
    element.replaceChildren(...item.lines.filter(line => line.text).map(line => {
      const part = Object.assign(document.createElement('p'), { className: line.name ?? '' });
      if (line.label) part.append(Object.assign(document.createElement('b'), { textContent: line.label }));
      part.append(Object.assign(document.createElement('span'), { textContent: line.text }));
      return part;
    }));
  } else if (item.text !== undefined) element.textContent = item.text;
  node.key = key;
  clearTimeout(node.leaving);
  node.leaving = undefined;
}

/** Bring what is on the board to a scene: what stays glides, what is new comes, what is not in it any more goes. */
function show(state, items) {
  const fresh = [];
  const batch = Object.assign(document.createElement('div'), { className: 'batch' });
  const ids = new Set(items.map(item => item.id));
  for (const item of items) {
    let node = state.nodes.get(item.id);
    if (!node) { node = create(state, item, batch); fresh.push(node); }
    fill(state, node, item);
  }
  if (fresh.length) {
    state.floor.querySelectorAll('.batch:empty').forEach(empty => empty.remove());
    state.floor.append(batch);
    state.board.getBoundingClientRect(); // so that what is new has a place to come from
    fresh.forEach(({ element }) => { element.style.transition = ''; });
  }
  items.forEach(item => settle(state.nodes.get(item.id).element, item));
  for (const [id, node] of state.nodes) {
    if (ids.has(id) || node.leaving) continue;
    node.element.style.opacity = 0;
    node.leaving = setTimeout(() => { node.element.remove(); state.nodes.delete(id); }, state.still.matches ? 0 : FADE);
  }
}
