// What a matrix needs beside plot.js: labels and counts as large as its cells allow, whatever the window and the zoom; clicks on a label; the same
// zoom in two matrices side by side; other numbers in the same cells, as a film shows them. The figure asks for it in `layout.meta.cells`:
// { text: "count" | "share" | "signed", sqrt: whether z is a square root, link: what matrices that zoom together have in common }.

const SMALLEST_LABEL = 9; // CSS pixels
const SMALLEST_CELL = { count: 18, signed: 20, share: 26 }; // CSS pixels in which a text can be read
const LETTER = 0.56; // of the type's size: the width of a letter, roughly
const linked = new Set(); // states of matrices that zoom with others

/** How labels are written where a cell has so many pixels, the longest label so many letters, the chart so many pixels at its shorter side. */
function labels(cell, longest, side, grow = 1) {
  const room = (0.24 * side) / (LETTER * longest);
  const largest = Math.max(SMALLEST_LABEL, Math.min(22 * grow, Math.max(14 * grow, side / 52), room));
  const own = Math.floor(0.95 * cell);
  if (own >= SMALLEST_LABEL) return { size: Math.floor(Math.min(own, largest)), every: 1 };
  const size = Math.floor(Math.max(SMALLEST_LABEL, Math.min(14 * grow, (side / 60) * grow, largest)));
  return { size, every: Math.max(1, Math.ceil(size / (0.95 * cell))) };
}

/** The type of the numbers in the cells, 0 where there is no room for any. */
function textSize(cell, kind, grow = 1) {
  return cell >= SMALLEST_CELL[kind] ? Math.floor(Math.min(20 * grow, (kind === 'count' ? 0.5 : 0.36) * cell)) : 0;
}

/** The rows of z as arrays, also where Plotly's JSON holds their bytes. */
function rows(z) {
  if (!z?.bdata) return Array.from(z ?? [], row => Array.from(row));
  const bytes = Uint8Array.from(atob(z.bdata), letter => letter.charCodeAt(0));
  const values = z.dtype === 'f8' ? new Float64Array(bytes.buffer) : new Float32Array(bytes.buffer);
  const [height, width] = String(z.shape).split(',').map(Number);
  return Array.from({ length: height }, (_, i) => Array.from(values.subarray(i * width, (i + 1) * width)));
}

/** What stands in a cell, "" in an empty one. */
function cellText(z, { text, sqrt }) {
  if (z === null || !Number.isFinite(z) || z === 0) return '';
  const value = sqrt ? Math.sign(z) * z * z : z;
  if (text === 'share') return value >= 0.995 && value < 1 - 1e-6 ? '>99%' : value < 0.005 ? '<1%' : `${Math.round(100 * value)}%`;
  return text === 'signed' && value > 0 ? `+${Math.round(value)}` : String(Math.round(value));
}

const cellTexts = (z, cells) => z.map(row => row.map(value => cellText(value, cells)));

/** The properties of the trace that write numbers into the cells, or none. */
function written(size, z, cells) {
  return size ? { text: cellTexts(z, cells), texttemplate: '%{text}', textfont: { size } } : { text: null, texttemplate: null };
}

/** A guess before anything is drawn. */
function firstLook(state, classes) {
  const { clientWidth: width, clientHeight: height } = state.plot;
  const side = Math.min(width, height);
  return { ...labels((0.8 * side) / classes, 16, side), text: 0 };
}

/** Write a figure as its matrix was written last, so that it need not be drawn twice. */
function dressCells(state, data, layout) {
  state.cells = layout.meta?.cells ?? null;
  state.host.classList.toggle('dhc-plot-cells', Boolean(state.cells && state.clicks));
  if (!state.cells) return;
  if (state.revision !== layout.uirevision) Object.assign(state, { revision: layout.uirevision, zoom: null });
  const { size, every, text } = (state.look ??= firstLook(state, data[0].x.length));
  for (const axis of [layout.xaxis, layout.yaxis]) Object.assign(axis, { tickfont: { ...axis.tickfont, size }, tickmode: 'linear', tick0: 0, dtick: every });
  if (state.zoom) ['xaxis', 'yaxis'].forEach((name, i) => Object.assign(layout[name], { range: state.zoom[i], autorange: false }));
  if (state.look.bar && data[0].colorbar?.orientation === 'v') data[0].colorbar.x = state.look.bar;
  const font = data[0].textfont;
  Object.assign(data[0], written(text, rows(data[0].z), state.cells));
  if (font && data[0].textfont) data[0].textfont = { ...font, ...data[0].textfont };
}

function wanted(state) {
  const { xaxis, width, height } = state.plot._fullLayout;
  const [from, to] = xaxis.range;
  const cell = xaxis._length / Math.abs(to - from);
  const longest = Math.max(4, ...state.plot.data[0].x.map(name => name.replace(/&\w+;/g, '&').length));
  const grow = parseFloat(getComputedStyle(document.documentElement).getPropertyValue('--dhc-grow')) || 1; // when presented
  // The squares need not be as wide as the chart; a scale beside them stands beside them.
  const end = xaxis.domain[1];
  const bar = state.plot._fullData[0].colorbar?.orientation !== 'v' ? 0 : end > 0.9 ? 1 : Math.round(100 * (end + 0.015)) / 100;
  return { ...labels(cell, longest, Math.min(width, height), grow), text: textSize(cell, state.cells.text, grow), bar };
}

/** Make labels and numbers fit. Their size changes the margins, and so the cells: twice is enough, and growing again would swing for ever. */
async function fitCells(state) {
  if (!state.cells || state.fitting) return;
  state.fitting = true;
  try {
    for (let turn = 0; turn < 3 && !state.gone; turn += 1) {
      const [now, next] = [state.look, wanted(state)];
      const near = Math.abs((now.bar ?? next.bar) - next.bar) < 0.02 && Boolean(now.bar) === Boolean(next.bar);
      const same = now.size === next.size && now.every === next.every && now.text === next.text && near;
      if (same || (turn === 2 && next.size > now.size)) break;
      state.look = next;
      const axes = ['xaxis', 'yaxis'].flatMap(axis => [[`${axis}.tickfont.size`, next.size], [`${axis}.dtick`, next.every]]);
      const { text, texttemplate, textfont } = written(next.text, rows(state.plot._fullData[0].z), state.cells);
      const bar = next.bar ? { 'colorbar.x': next.bar } : {};
      const trace = next.text === now.text ? bar : { ...bar, text: [text], texttemplate, ...(textfont && { 'textfont.size': textfont.size }) };
      await window.Plotly.update(state.plot, trace, Object.fromEntries(axes), [0]);
    }
  } finally {
    state.fitting = false;
  }
}

/** Zoom the matrices that are linked with this one as this one was. */
function zoomLinked(state, event) {
  if (!state.cells?.link || state.follows || !Object.keys(event).some(name => name.includes('axis.'))) return;
  const { xaxis, yaxis } = state.plot._fullLayout;
  const whole = Object.keys(event).some(name => name.endsWith('autorange'));
  state.zoom = whole ? null : [[...xaxis.range], [...yaxis.range]];
  for (const other of linked) {
    if (other === state || other.cells?.link !== state.cells.link) continue;
    other.follows = true;
    other.zoom = state.zoom;
    const ranges = whole ? { 'xaxis.autorange': true, 'yaxis.autorange': 'reversed' } : { 'xaxis.range': state.zoom[0], 'yaxis.range': state.zoom[1] };
    window.Plotly.relayout(other.plot, ranges).finally(() => { other.follows = false; });
  }
}

/** Show other numbers in the same cells: z as rows, null where a cell is empty. Resolves when they are drawn. */
function showCells(state, z) {
  const { text } = written(state.look.text, z, state.cells);
  return window.Plotly.restyle(state.plot, { z: [z], ...(text && { text: [text] }) }, [0]);
}

/** A click on a class's label: the cell of the diagonal. */
function reportLabel(state, event) {
  const label = event.target.closest?.('.xtick text, .ytick text');
  const place = label?.__data__?.x;
  const spots = state.plot._fullData?.[0]?.customdata;
  if (!state.cells || !state.clicks || !spots || !Number.isInteger(place)) return;
  const number = spots[place]?.[place]?.[0];
  if (Number.isInteger(number)) state.send('click', { curve: 0, x: null, y: null, z: null, point: [place, place], customdata: [number, number] });
}

/** Follow the matrix from its first drawing on. */
function watchCells(state) {
  linked.add(state);
  state.plot.on('plotly_relayout', event => { zoomLinked(state, event); fitCells(state); });
  state.plot.addEventListener('click', event => reportLabel(state, event));
  state.plot.showCells = z => showCells(state, z);
}
