// Draws any Plotly figure with Plotly.react, which keeps the node, the zoom, the legend's toggles and the hover when the figure changes,
// and reports clicks on points and on heatmap cells, filled or empty. Streamlit calls the exported function again whenever the data or the
// theme changed, with the same parentElement; everything that outlives one call is kept in `states`.

const states = new WeakMap(); // parentElement -> state of the chart inside it
let library = null; // promise of window.Plotly, shared by all charts of the page

/** Streamlit's own root, found from its script tag, so that a base path or a proxy in front of the server does no harm. */
function serverRoot() {
  const script = document.querySelector('script[src*="/static/js/"]');
  return script ? script.src.slice(0, script.src.indexOf('/static/js/') + 1) : new URL('.', document.baseURI).href;
}

function runScript(url) {
  return new Promise((resolve, reject) => {
    const script = document.createElement('script');
    script.src = url;
    script.onload = resolve;
    script.onerror = () => reject(new Error('the server does not answer'));
    document.head.append(script);
  });
}

/**
 * Load plotly.min.js from this server, once a page. By its address, which holds the version, browsers keep the file and what they
 * compiled of it; of a text they compile it anew on each page, which takes a second.
 */
function loadPlotly(path) {
  library ??= (async () => {
    await runScript(new URL(path, serverRoot()));
    if (!window.Plotly) throw new Error('the file holds no Plotly');
    return window.Plotly;
  })();
  library.catch(() => { library = null; }); // the next update tries again
  return library;
}

const pixel = Object.assign(document.createElement('canvas'), { width: 1, height: 1 }).getContext('2d', { willReadFrequently: true });

/** Any CSS colour as rgba() with the given opacity, which Plotly's colour parser understands. */
function faded(color, opacity) {
  pixel.clearRect(0, 0, 1, 1);
  pixel.fillStyle = color;
  pixel.fillRect(0, 0, 1, 1);
  const [r, g, b] = pixel.getImageData(0, 0, 1, 1).data;
  return `rgba(${r},${g},${b},${opacity})`;
}

const scale = colors => colors.map((color, i) => [i / (colors.length - 1), color]);

/** The theme as a Plotly template: what a figure says itself wins, all that it leaves open follows the theme. */
function template(css) {
  const value = name => css.getPropertyValue(`--st-${name}`).trim();
  const list = name => value(name).split(/,(?![^(]*\))/).map(color => color.trim());
  const [text, page, raised] = [value('text-color'), value('background-color'), value('secondary-background-color')];
  const sequential = scale(list('chart-sequential-colors'));
  const size = 0.875 * (parseFloat(value('base-font-size')) || 16);
  const axis = {
    gridcolor: faded(text, 0.12), linecolor: faded(text, 0.35), zerolinecolor: faded(text, 0.2), tickcolor: faded(text, 0.35),
    tickfont: { color: faded(text, 0.85), size: size - 1 }, automargin: true, zeroline: false, title: { standoff: 8 },
  };
  const colorbar = { tickfont: { color: text }, outlinewidth: 0, ticks: '', thickness: 12 };
  const filled = [{ colorscale: sequential, colorbar }];
  return {
    layout: {
      paper_bgcolor: 'rgba(0,0,0,0)', plot_bgcolor: 'rgba(0,0,0,0)',
      font: { color: text, family: value('font'), size }, colorway: list('chart-categorical-colors'),
      colorscale: { sequential, sequentialminus: sequential, diverging: scale(list('chart-diverging-colors')) },
      xaxis: axis, yaxis: axis, margin: { l: 56, r: 16, t: 24, b: 44 },
      hoverlabel: { bgcolor: raised, bordercolor: faded(text, 0.4), font: { color: text, family: value('font'), size }, align: 'left' },
      legend: { bgcolor: 'rgba(0,0,0,0)', font: { color: text, size: size - 2 }, orientation: 'h', x: 0, y: 1.01, xanchor: 'left', yanchor: 'bottom' },
      modebar: { bgcolor: 'rgba(0,0,0,0)', color: faded(text, 0.55), activecolor: text },
      newshape: { line: { color: text } },
      annotationdefaults: { font: { color: text } }, shapedefaults: { line: { color: faded(text, 0.5) } },
    },
    data: { heatmap: filled, histogram2d: filled, surface: filled },
    page, // not Plotly's: the background for downloads
  };
}

/** Colours written as "var(--st-…)" by Python are looked up in the theme; only whole strings count, so names stay as they are. */
function parseFigure(text, css) {
  return JSON.parse(text.replace(/"var\((--st-[a-z0-9-]+)\)"/g, (_, name) => JSON.stringify(css.getPropertyValue(name).trim())));
}

const plain = value => (ArrayBuffer.isView(value) || Array.isArray(value) ? Array.from(value, plain) : Number.isNaN(value) ? null : value ?? null);

/** Hide each point's text that would cover an earlier one's: whether there is room depends on the window, the zoom and the size of the type. */
function showWhereFree(plot) {
  const taken = [];
  for (const text of plot.querySelectorAll('.scatterlayer .textpoint')) {
    const box = text.getBoundingClientRect();
    const covers = taken.some(other => box.left < other.right && other.left < box.right && box.top < other.bottom && other.top < box.bottom);
    text.style.visibility = covers ? 'hidden' : '';
    if (!covers) taken.push(box);
  }
}

function report(state, event) {
  const point = event.points?.[0];
  if (!point || !state.clicks) return;
  state.send('click', {
    curve: point.curveNumber, x: plain(point.x), y: plain(point.y), z: plain(point.z),
    point: plain(point.pointIndex ?? point.pointNumber), customdata: plain(point.customdata),
  });
}

/** Made once a chart: with a changed setting, and a new function counts as one, Plotly.react starts afresh and forgets the zoom. */
function config(P, state) {
  const download = {
    name: 'download', title: 'Download as PNG', icon: P.Icons.camera,
    click: plot => P.downloadImage(
      { data: plot.data, layout: { ...plot.layout, paper_bgcolor: state.page } },
      { format: 'png', scale: 2, filename: state.name, width: plot.clientWidth, height: plot.clientHeight }),
  };
  return { displaylogo: false, displayModeBar: 'hover', responsive: false, showTips: false, modeBarButtons: [['resetScale2d', download]] };
}

function say(state, text) {
  state.notice.textContent = text;
  state.notice.hidden = !text;
}

/**
 * The axes of a layout with each range written as what the axis shows of itself. A range that grows with the figure would beat the zoom of a
 * person, who would also find the first figure's range, not this one's, at a double click.
 */
function ownRanges(layout) {
  const own = ([name, axis]) => {
    const range = /^[xy]axis\d*$/.test(name) && ['linear', undefined].includes(axis?.type) && !axis.fixedrange ? axis.range : null;
    if (!range?.every(Number.isFinite)) return [name, axis];
    const { range: [from, to], ...rest } = axis;
    return [name, { ...rest, autorange: from > to ? 'reversed' : true, autorangeoptions: { minallowed: Math.min(from, to), maxallowed: Math.max(from, to) } }];
  };
  return Object.fromEntries(Object.entries(layout).map(own));
}

const hasPoints = figure => (figure.data ?? []).some(({ x, y, z }) => [x, y, z].some(values => values?.length || values?.bdata));

/** How much larger than usual the page's type is: 1.5 while it is presented. */
const growth = () => (parseFloat(getComputedStyle(document.documentElement).fontSize) || 16) / 16;

const PIXELS = new Set(['size', 'width', 'xshift', 'yshift', 'ax', 'ay', 'standoff', 'thickness', 'l', 'r', 't', 'b']);
const OF_PIXELS = /^(margin|line|marker|error_[xy]|colorbar|annotations|title|.*font)$/;

let webgl;
/** Whether the browser draws with the graphics card; asked once, since there are few such contexts. */
const hasWebgl = () => (webgl ??= Boolean(document.createElement('canvas').getContext('webgl')));

/** The traces as this browser can draw them: without WebGL thousands of points are drawn more slowly, and not at all by Plotly's own choice. */
const drawable = traces => traces.map(trace => (trace.type === 'scattergl' && !hasWebgl() ? { ...trace, type: 'scatter' } : trace));

/** Type, lines, marks and margins that a figure gives in pixels, `factor` times as large. The data stay as they are. */
function grown(part, factor, name = 'figure') {
  if (Array.isArray(part)) return part.map(item => (item && typeof item === 'object' ? grown(item, factor, name) : item));
  const larger = {};
  for (const [key, value] of Object.entries(part)) {
    if (typeof value === 'number') larger[key] = PIXELS.has(key) && OF_PIXELS.test(name) ? value * factor : value;
    else larger[key] = value && typeof value === 'object' && !ArrayBuffer.isView(value) ? grown(value, factor, key) : value;
  }
  return larger;
}

function look(state, P, css) {
  const [given, factor] = [parseFigure(state.text, css), growth()];
  const figure = factor === 1 ? given : grown(given, factor);
  const theme = factor === 1 ? template(css) : grown(template(css), factor);
  state.page = theme.page;
  const { width: _width, height: _height, ...layout } = figure.layout ?? {};
  dressCells(state, figure.data ?? [], layout); // cells.js
  return P.react(state.plot, drawable(figure.data ?? []), {
    ...(hasPoints(figure) ? ownRanges(layout) : layout), template: theme, autosize: true, uirevision: layout.uirevision ?? 'keep', clickmode: layout.clickmode ?? 'event',
  }, (state.config ??= config(P, state)));
}

/** Draw what was last asked for. Calls that arrive while Plotly works are joined into one more drawing. */
async function draw(state) {
  if (state.busy) { state.again = true; return; }
  state.busy = true;
  try {
    const P = await loadPlotly(state.path);
    do {
      state.again = false;
      if (state.gone) return;
      const css = getComputedStyle(state.host);
      const wanted = `${growth()}|${css.getPropertyValue('--st-text-color')}|${css.getPropertyValue('--st-background-color')}|${state.text}`;
      if (wanted === state.drawn) continue;
      await look(state, P, css);
      if (!state.drawn) {
        state.plot.on('plotly_click', event => report(state, event));
        state.plot.on('plotly_afterplot', () => showWhereFree(state.plot));
        showWhereFree(state.plot);
        state.observer.observe(state.host);
        watchCells(state);
      }
      await fitCells(state);
      state.drawn = wanted;
      state.host.dataset.drawn = String((Number(state.host.dataset.drawn) || 0) + 1);
      say(state, '');
    } while (state.again);
  } catch (error) {
    console.warn('chart:', error);
    say(state, `This chart could not be drawn (${error.message}). Reload the page to try again.`);
  } finally {
    state.busy = false;
  }
}

function resize(state) {
  cancelAnimationFrame(state.frame);
  state.frame = requestAnimationFrame(async () => {
    const { clientWidth: width, clientHeight: height } = state.plot;
    const now = state.plot._fullLayout;
    if (state.gone || !now || !width || !height || (now.width === width && now.height === height)) return;
    await window.Plotly.Plots.resize(state.plot);
    draw(state); // the type may have grown with the page
    if (now.showlegend && !state.gone) window.Plotly.redraw(state.plot); // after a resize alone a legend stands where it was as high as before
  });
}

/** As high as the window has room below the chart's top, as wide as high at most; data.height says how high it is at least. */
function fillWindow(state) {
  if (!state.fill || state.gone) return;
  const top = state.host.getBoundingClientRect().top + (state.host.closest('.stMain')?.scrollTop ?? 0);
  const height = Math.max(state.height, Math.min(innerHeight - top - 14, state.host.clientWidth + 24));
  if (Math.abs(height - state.host.clientHeight) > 1) state.host.style.height = `${Math.floor(height)}px`;
}

function mount(parent) {
  const host = document.createElement('div');
  const plot = document.createElement('div');
  const notice = document.createElement('p');
  host.className = 'dhc-plot';
  plot.className = 'dhc-plot-area';
  plot.setAttribute('role', 'img');
  notice.className = 'dhc-plot-notice';
  notice.setAttribute('role', 'status');
  notice.hidden = true;
  host.append(plot, notice);
  parent.append(host);
  const state = { host, plot, notice, drawn: '', busy: false, again: false, gone: false };
  state.observer = new ResizeObserver(() => resize(state));
  state.refill = () => requestAnimationFrame(() => fillWindow(state));
  addEventListener('resize', state.refill);
  state.above = new ResizeObserver(state.refill); // what stands above may come late, or go
  for (const box of [parent.closest('.stMainBlockContainer'), host].filter(Boolean)) state.above.observe(box);
  states.set(parent, state);
  return state;
}

/** Links to the lessons on what the chart shows. */
function linkLessons(state, lessons) {
  const text = JSON.stringify(lessons);
  if (text === state.lessons) return;
  state.lessons = text;
  state.host.querySelector('.dhc-plot-lessons')?.remove();
  if (!lessons.length) return;
  const line = Object.assign(document.createElement('span'), { className: 'dhc-plot-lessons' });
  for (const [title, href] of lessons) {
    line.append(Object.assign(document.createElement('a'), { href, textContent: title, title: `Lesson: ${title}` }));
  }
  state.host.append(line);
}

function dispose(parent, state) {
  state.gone = true;
  state.observer.disconnect();
  state.above.disconnect();
  removeEventListener('resize', state.refill);
  linked.delete(state);
  cancelAnimationFrame(state.frame);
  window.Plotly?.purge(state.plot);
  state.host.remove();
  if (states.get(parent) === state) states.delete(parent);
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = states.get(parentElement) ?? mount(parentElement);
  const call = (state.call = (state.call ?? 0) + 1);
  Object.assign(state, { text: data.figure, path: data.plotly, name: data.name, clicks: data.clicks, send: setTriggerValue });
  Object.assign(state, { fill: data.fill, height: data.height });
  if (data.fill) fillWindow(state);
  else state.host.style.height = `${data.height}px`;
  state.host.classList.toggle('dhc-plot-clicks', data.clicks);
  state.plot.setAttribute('aria-label', data.alt);
  linkLessons(state, data.lessons ?? []);
  draw(state);
  return () => { if (state.call === call) dispose(parentElement, state); };
}
