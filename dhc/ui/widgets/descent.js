// Three small maps of one loss, side by side, each with another learning rate, and on each the paths of three ways of going down it. The start
// is dragged, clicked or moved with arrows; rate and step are sliders. All is drawn here; the server hears of what came to rest.

const MOST = 2; // of the map: weights from -2 to 2 upwards, and as many to the sides as there is room for
const RATES = [-3, 0]; // powers of ten on the slider
const APART = [0.1, 1, 10]; // the rates of the three maps, times the slider's
const states = new WeakMap();

const make = (kind, name, parts = {}) => Object.assign(document.createElement(kind), { className: name }, parts);
const rateOf = state => 10 ** Number(state.rate.value);
const stepOf = state => Number(state.step.value);

/** As the other lessons write it: down to a millionth without a power of ten, then 2.1·10⁻⁷. */
function number(state, value) {
  if (!Number.isFinite(value) || Math.abs(value) >= 1e5) return '∞';
  const { language } = state.data;
  if (value === 0 || value >= 1e-6) return value.toLocaleString(language, { maximumSignificantDigits: value >= 0.001 ? 3 : 2 });
  const [mantissa, power] = value.toExponential(1).split('e-');
  return `${Number(mantissa).toLocaleString(language)}·10⁻${power.replace(/\d/g, digit => '⁰¹²³⁴⁵⁶⁷⁸⁹'[digit])}`;
}

/** A canvas as sharp as the screen, cleared; null while it has no room. */
function paper(canvas) {
  const [width, height, sharp] = [canvas.clientWidth, canvas.clientHeight, window.devicePixelRatio || 1];
  if (!width || !height) return null;
  if (canvas.width !== Math.round(width * sharp) || canvas.height !== Math.round(height * sharp)) {
    Object.assign(canvas, { width: Math.round(width * sharp), height: Math.round(height * sharp) });
  }
  const pen = canvas.getContext('2d');
  pen.setTransform(sharp, 0, 0, sharp, 0, 0);
  pen.clearRect(0, 0, width, height);
  return { pen, width, height };
}

const toPixel = ({ width, height }, [x, y]) => [width / 2 + (x * height) / (2 * MOST), height / 2 - (y * height) / (2 * MOST)];
const toWeight = (width, height, [left, top]) => [((left - width / 2) * 2 * MOST) / height, ((height / 2 - top) * 2 * MOST) / height];

/** The ground: the higher the loss, the deeper the colour, in bands whose borders are lines of equal loss. Drawn once for a size and a loss. */
function ground(state, { width, height }) {
  const key = [width, height, JSON.stringify(state.data.terms)].join();
  if (state.ground?.key === key) return state.ground.picture;
  const picture = make('canvas', '', { width: Math.round(width), height: Math.round(height) });
  const pen = picture.getContext('2d');
  const image = pen.createImageData(picture.width, picture.height);
  const band = (left, top) => {
    const above = lossAt(state.data.terms, toWeight(width, height, [left, top])) - state.data.lowest;
    return Math.floor(2.2 * Math.log2(1 + 12 * Math.max(0, above)));
  };
  for (let top = 0; top < picture.height; top += 1) {
    let left = band(-1, top);
    for (let x = 0; x < picture.width; x += 1) {
      const own = band(x, top);
      const border = own !== left || own !== band(x, top - 1);
      image.data.set([138, 92, 240, Math.min(64, 4 * own) + (border ? 60 : 0)], 4 * (top * picture.width + x));
      left = own;
    }
  }
  pen.putImageData(image, 0, 0);
  state.ground = { key, picture };
  return picture;
}

function dot(pen, [x, y], radius, color, edge) {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  Object.assign(pen, { fillStyle: color, strokeStyle: edge, lineWidth: 2 });
  pen.fill();
  pen.stroke();
}

function drawMap(state, panel) {
  const sheet = paper(panel.map);
  if (!sheet) return;
  const { pen } = sheet;
  pen.drawImage(ground(state, sheet), 0, 0, sheet.width, sheet.height);
  const clip = place => toPixel(sheet, place).map(pixel => Math.max(-1e4, Math.min(1e4, pixel)));
  for (const [method, places] of panel.walks) {
    const out = places.findIndex(place => Math.max(...place.map(Math.abs)) > 2 * MOST); // what comes after hides the rest
    const seen = places.slice(0, Math.min(stepOf(state), out < 0 ? Infinity : out) + 1).map(clip);
    const color = state.data.methods[method].color;
    for (const [width, stroke] of [[4, state.page], [2, color]]) {
      Object.assign(pen, { strokeStyle: stroke, lineWidth: width, lineJoin: 'round' });
      pen.beginPath();
      seen.forEach(([x, y]) => pen.lineTo(x, y));
      pen.stroke();
    }
    pen.fillStyle = color;
    seen.forEach(([x, y]) => pen.fillRect(x - 2.2, y - 2.2, 4.4, 4.4)); // each step
  }
  for (const [method, places] of panel.walks) {
    dot(pen, clip(places[Math.min(stepOf(state), places.length - 1)]), 5, state.data.methods[method].color, state.page);
  }
  dot(pen, clip(state.start), 7, state.page, state.text);
}

/** The loss above its lowest, step by step, on a scale of powers of ten. */
function drawLoss(state, panel) {
  const sheet = paper(panel.chart);
  if (!sheet) return;
  const { pen, width, height } = sheet;
  const place = (step, loss) => {
    const power = Math.max(-5, Math.min(2, Math.log10(Math.max(1e-12, loss))));
    return [3 + ((width - 6) * step) / state.data.steps, 3 + ((height - 6) * (2 - power)) / 7];
  };
  Object.assign(pen, { strokeStyle: state.line, lineWidth: 1 });
  pen.beginPath();
  for (let power = -4; power <= 2; power += 2) {
    const [, y] = place(0, 10 ** power);
    pen.moveTo(0, y);
    pen.lineTo(width, y);
  }
  const [now] = place(stepOf(state), 1);
  pen.moveTo(now, 0);
  pen.lineTo(now, height);
  pen.stroke();
  Object.assign(pen, { fillStyle: state.text, font: `0.75rem ${getComputedStyle(state.root).fontFamily}` });
  pen.fillText(state.data.words.chart, 3, height - 4);
  for (const [method, places] of panel.walks) {
    Object.assign(pen, { strokeStyle: state.data.methods[method].color, lineWidth: 2 });
    pen.beginPath();
    places.forEach((at, step) => pen.lineTo(...place(step, above(state, at))));
    pen.stroke();
  }
}

const above = (state, place) => {
  const loss = lossAt(state.data.terms, place) - state.data.lowest;
  return Number.isFinite(loss) ? Math.max(0, loss) : Infinity;
};

/** What became of a walk up to this step, in a word. */
function fate(state, places, step) {
  const [first, last] = [above(state, places[0]), above(state, places[Math.min(step, places.length - 1)])];
  if (step >= places.length || last > Math.max(1.5 * first, 1e-3)) return 'away';
  if (last < 0.01) return 'arrived';
  const slope = slopeAt(state.data.terms, places[Math.min(step, places.length - 1)]);
  return Math.hypot(...slope) < 0.05 ? 'stuck' : 'going';
}

function read(state, panel, apart) {
  panel.title.textContent = `${state.data.words.rate} ${number(state, rateOf(state) * apart)}`;
  const step = stepOf(state);
  for (const [method, places] of panel.walks) {
    const { loss, word } = panel.readings[method];
    const end = places[Math.min(step, places.length - 1)];
    const [kind, value] = [fate(state, places, step), step >= places.length ? Infinity : above(state, end)];
    loss.textContent = number(state, value);
    word.textContent = state.data.words[kind];
    word.className = `fate ${kind}`;
  }
}

function draw(state) {
  const css = getComputedStyle(state.root);
  Object.assign(state, { text: css.color, page: css.getPropertyValue('--st-background-color') || '#fff', line: css.getPropertyValue('--st-border-color') || '#888' });
  state.panels.forEach((panel, i) => {
    const { terms, methods, steps, constants } = state.data;
    panel.walks = Object.keys(methods).map(method => [method, walk(method, terms, state.start, rateOf(state) * APART[i], steps, constants)]);
    drawMap(state, panel);
    drawLoss(state, panel);
    read(state, panel, APART[i]);
  });
  const { words } = state.data;
  state.rateWords.textContent = number(state, rateOf(state));
  state.stepWords.textContent = `${stepOf(state)} / ${state.data.steps}`;
  state.rate.setAttribute('aria-valuetext', `${words.rate} ${number(state, rateOf(state))}`);
  state.step.setAttribute('aria-valuetext', `${words.step} ${stepOf(state)}`);
  const start = state.start.map(weight => number(state, Math.abs(weight)).replace(/^/, weight < 0 ? '−' : '')).join('; ');
  state.maps.setAttribute('aria-label', `${words.start}: ${start}`);
}

/** Tell the server what came to rest, once for several keys in a row. */
function rest(state) {
  clearTimeout(state.timer);
  const tell = () => state.send('rest', { rate: rateOf(state), x: state.start[0], y: state.start[1], step: stepOf(state) });
  state.timer = setTimeout(tell, 250);
}

function moveTo(state, [x, y]) {
  state.start = [x, y].map(weight => Math.max(-MOST, Math.min(MOST, Math.round(100 * weight) / 100)));
  draw(state);
}

function follow(state, map, event) {
  const box = map.getBoundingClientRect();
  moveTo(state, toWeight(box.width, box.height, [event.clientX - box.left, event.clientY - box.top]));
}

function listen(state) {
  for (const { map } of state.panels) {
    map.addEventListener('pointerdown', event => { map.setPointerCapture(event.pointerId); follow(state, map, event); });
    map.addEventListener('pointermove', event => { if (map.hasPointerCapture(event.pointerId)) follow(state, map, event); });
    map.addEventListener('pointerup', () => rest(state));
  }
  state.maps.addEventListener('keydown', event => {
    const [x, y] = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key] ?? [0, 0];
    if (!x && !y) return;
    event.preventDefault();
    event.stopPropagation();
    const far = event.shiftKey ? 0.01 : 0.1;
    moveTo(state, [state.start[0] + x * far, state.start[1] + y * far]);
    rest(state);
  });
  for (const slider of [state.rate, state.step]) {
    slider.addEventListener('input', () => { state.playing = false; look(state); draw(state); });
    slider.addEventListener('change', () => rest(state));
  }
  state.button.addEventListener('click', () => (state.playing ? pause(state) : play(state)));
}

function look(state) {
  state.button.textContent = state.playing ? '❚❚' : '▶';
  state.button.setAttribute('aria-label', state.data.words[state.playing ? 'pause' : 'play']);
  state.button.title = state.data.words[state.playing ? 'pause' : 'play'];
}

function pause(state) {
  state.playing = false;
  look(state);
  rest(state);
}

function play(state) {
  state.playing = true;
  if (stepOf(state) >= state.data.steps) state.step.value = 0;
  look(state);
  let last = performance.now();
  const tick = now => {
    if (!state.playing || !state.root.isConnected) return;
    if (now - last > 60) {
      last = now;
      state.step.value = stepOf(state) + 1;
      draw(state);
    }
    if (stepOf(state) >= state.data.steps) pause(state);
    else requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}

function mountPanel(methods) {
  const [root, title, map, chart, list] = [make('div', 'panel'), make('div', 'rate'), make('canvas', 'map'), make('canvas', 'loss'), make('div', 'readings')];
  const readings = {};
  for (const [method, { name, color }] of Object.entries(methods)) {
    const [mark, label, loss, word] = [make('span', 'mark'), make('span', 'name', { textContent: name }), make('span', 'number'), make('span', 'fate')];
    mark.style.background = color;
    list.append(mark, label, loss, word);
    readings[method] = { label, loss, word };
  }
  root.append(title, map, chart, list);
  return { root, title, map, chart, readings, walks: [] };
}

function mount(parent, data) {
  const [root, maps, controls, button] = [make('div', 'descent'), make('div', 'panels'), make('div', 'controls'), make('button', 'play', { type: 'button' })];
  const panels = APART.map(() => mountPanel(data.methods));
  Object.assign(maps, { tabIndex: 0 });
  maps.setAttribute('role', 'application');
  maps.append(...panels.map(panel => panel.root));
  const slider = parts => make('input', 'slider', { type: 'range', ...parts });
  const [rate, step] = [slider({ min: RATES[0], max: RATES[1], step: 0.01 }), slider({ min: 0, max: data.steps, step: 1 })];
  const [rateName, stepName, rateWords, stepWords] = [make('span', 'label'), make('span', 'label'), make('output', 'value'), make('output', 'value')];
  controls.append(rateName, rate, rateWords, stepName, step, stepWords);
  const foot = make('div', 'foot');
  foot.append(button, controls);
  root.append(maps, foot);
  parent.append(root);
  const state = { root, maps, panels, rate, step, rateName, stepName, rateWords, stepWords, button, playing: false, data };
  states.set(parent, state);
  listen(state);
  new ResizeObserver(() => draw(state)).observe(maps);
  return state;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const state = states.get(parentElement) ?? mount(parentElement, data);
  const { words } = data;
  Object.assign(state, { data, send: setTriggerValue });
  if (!state.playing && !state.root.matches(':active')) {
    Object.assign(state, { start: data.start });
    state.rate.value = Math.log10(data.rate);
    state.step.value = data.step;
  }
  Object.assign(state.rateName, { textContent: words.rate });
  Object.assign(state.stepName, { textContent: words.step });
  state.rate.setAttribute('aria-label', words.rate);
  state.step.setAttribute('aria-label', words.step);
  for (const panel of state.panels) {
    for (const [method, { name }] of Object.entries(data.methods)) panel.readings[method].label.textContent = name;
    panel.chart.setAttribute('role', 'img');
    panel.chart.setAttribute('aria-label', words.loss);
    panel.chart.title = words.loss;
  }
  look(state);
  draw(state);
}
