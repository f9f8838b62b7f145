// A slider over the epochs of a run, with its drops of the learning rate beneath, and the film of its confusion matrix: while it plays or is
// dragged, each epoch's matrix is counted here from the answers and shown by the chart itself (`showCells` of cells.js), without the server.
// The server hears of the epoch at which it comes to rest. Streamlit calls the exported function again with every change.

const WHOLE_FILM = 9000; // milliseconds, of the fastest 60 and of the slowest 500 for an epoch
const THUMB = 16; // CSS pixels: the slider's thumb, whose middle marks the epoch

const states = new WeakMap();

function bytes(text, wide) {
  const raw = Uint8Array.from(atob(text), letter => letter.charCodeAt(0));
  return wide ? new Uint16Array(raw.buffer) : raw;
}

/** The reel's matrix after the epoch at this place among its frames: rows of z, null where a cell is empty or hidden. */
function frame(reel, place) {
  const { order, by, diagonal, pictures: n } = reel;
  const [k, at] = [order.length, new Map(order.map((c, i) => [c, i]))];
  const z = Array.from({ length: k }, () => new Array(k).fill(0));
  const totals = new Map();
  const start = Math.min(place, reel.frames - 1) * n;
  for (let picture = 0; picture < n; picture += 1) {
    const [t, p] = [reel.true[picture], reel.answers[start + picture]];
    const whole = by === 'pred' ? p : t;
    totals.set(whole, (totals.get(whole) ?? 0) + 1);
    const [i, j] = [at.get(t), at.get(p)];
    if (i !== undefined && j !== undefined) z[i][j] += 1;
  }
  const total = (i, j) => (by === 'counts' ? 1 : totals.get(order[by === 'pred' ? j : i]));
  return z.map((row, i) => row.map((count, j) => (count && (diagonal || i !== j) ? Math.sqrt(count / total(i, j)) : null)));
}

/** The place among the film's epochs of the one that is shown for `epoch`: the last that is not after it. */
function placeOf(numbers, epoch) {
  let place = 0;
  while (place + 1 < numbers.length && numbers[place + 1] <= epoch) place += 1;
  return place;
}

const chart = reel => document.querySelector(`.st-key-${reel.box} .dhc-plot-area`);

async function show(state, epoch) {
  const place = placeOf(state.numbers, epoch);
  await Promise.all(state.reels.map(reel => chart(reel)?.showCells?.(frame(reel, place))));
}

function words(state, epoch) {
  const accuracy = state.accuracy[epoch - 1];
  const best = epoch === state.best ? ', the best' : '';
  return `epoch ${epoch} of ${state.total}${best}${accuracy === undefined ? '' : ` · accuracy ${accuracy.toFixed(3)}`}`;
}

function mark(state, epoch) {
  state.slider.value = epoch;
  state.slider.setAttribute('aria-valuetext', words(state, epoch));
  state.words.textContent = words(state, epoch);
  state.words.classList.toggle('other', epoch !== state.best);
}

function rest(state) {
  state.playing = false;
  look(state);
  const epoch = Number(state.slider.value);
  if (epoch !== state.epoch) state.send('epoch', epoch);
}

async function play(state) {
  const pace = Math.min(500, Math.max(60, WHOLE_FILM / state.numbers.length));
  const from = Number(state.slider.value);
  let place = [state.best, state.total].includes(from) ? -1 : placeOf(state.numbers, from); // where nothing is chosen, all of it
  state.playing = true;
  look(state);
  while (state.playing && place + 1 < state.numbers.length && state.root.isConnected) {
    place += 1;
    const pause = new Promise(resolve => setTimeout(resolve, pace));
    mark(state, state.numbers[place]);
    await show(state, state.numbers[place]);
    await pause;
  }
  if (state.playing) rest(state);
}

function look(state) {
  state.button.textContent = state.playing ? '❚❚' : '▶';
  const label = state.playing ? 'Pause' : 'Play the epochs like a film';
  state.button.title = label;
  state.button.setAttribute('aria-label', label);
  state.button.hidden = !state.reels.length || state.total < 2;
}

/** A dragged slider draws the newest epoch only, whatever has been passed while the one before was drawn. */
async function follow(state) {
  state.playing = false;
  look(state);
  mark(state, Number(state.slider.value));
  if (state.following) return;
  state.following = true;
  let shown = 0;
  while (shown !== Number(state.slider.value)) {
    shown = Number(state.slider.value);
    await show(state, shown);
  }
  state.following = false;
}

function tick(state, epoch, text, title, kind) {
  const part = document.createElement('span');
  const share = state.total > 1 ? (epoch - 1) / (state.total - 1) : 0;
  part.className = kind;
  part.style.left = `calc(${THUMB / 2}px + (100% - ${THUMB}px) * ${share})`;
  part.title = title;
  part.textContent = text;
  state.marks.append(part);
}

/** The best epoch and the drops beneath the slider, each drop with its new rate where there is room for it. */
function drawMarks(state) {
  state.marks.replaceChildren();
  let end = -1;
  for (const { epoch, rate, title } of state.drops) {
    const share = epoch / state.total;
    const room = share - end > 46 / Math.max(1, state.marks.clientWidth);
    tick(state, epoch, room ? rate : '', title, 'drop');
    if (room) end = share;
  }
  tick(state, state.best, '', `epoch ${state.best} is the best`, 'best');
}

function mount(parent) {
  const make = (kind, name) => Object.assign(document.createElement(kind), { className: name });
  const [root, button, track, slider, marks, output] = [
    make('div', 'film'), make('button', 'play'), make('div', 'track'), make('input', 'slider'), make('div', 'marks'), make('output', 'words'),
  ];
  button.type = 'button';
  Object.assign(slider, { type: 'range', min: 1, step: 1 });
  slider.setAttribute('aria-label', 'Epoch');
  output.setAttribute('aria-live', 'off'); // the slider's own value says so, once
  track.append(slider, marks);
  root.append(button, output, track);
  parent.append(root);
  const state = { root, button, slider, marks, words: output, playing: false };
  button.addEventListener('click', () => (state.playing ? rest(state) : play(state)));
  slider.addEventListener('input', () => follow(state));
  slider.addEventListener('change', () => rest(state));
  new ResizeObserver(() => drawMarks(state)).observe(marks);
  states.set(parent, state);
  return state;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = states.get(parentElement) ?? Object.assign(mount(parentElement), { drops: [], total: 1, best: 1 });
  const reels = data.reels.map(reel => ({ ...reel, true: bytes(reel.true, reel.wide), answers: bytes(reel.answers, reel.wide) }));
  Object.assign(state, { ...data, reels, send: setTriggerValue });
  state.slider.max = data.total;
  state.slider.disabled = data.total < 2;
  if (!state.playing && document.activeElement !== state.slider) mark(state, data.epoch);
  else if (!state.playing && !state.root.matches(':active')) mark(state, data.epoch);
  drawMarks(state);
  look(state);
}
