// Sliders that a lesson's chart follows while they are dragged: what they mean is computed here (recorded.js) and drawn into the chart beside by
// Plotly; the server hears of where they come to rest, and draws the same.

const PATIENCE = 3000; // milliseconds within which the answer to the last place is waited for
const states = new WeakMap();
const make = (kind, name, parts = {}) => Object.assign(document.createElement(kind), { className: name }, parts);
const valueOf = (state, name) => {
  const { values } = state.data.knobs.find(knob => knob.name === name);
  return values[Number(state.sliders[name].value)];
};
const places = (list, test) => list.flatMap((item, place) => (test(item, place) ? [place] : []));
const dotted = (color, width) => ({ color, width, dash: 'dot' });
const upright = (x, line) => ({ type: 'line', x0: x, x1: x, y0: 0, y1: 1, yref: 'paper', line });

function number(state, value, digits) {
  return Number.isFinite(value) ? value.toLocaleString(state.data.language, digits) : '–';
}

/** How each kind of chart follows: what is to be read beside it, and the changes of its traces and of its layout. */
const LIVE = {
  plateau: (state, { values, rates, others, words, floor }) => {
    const [patience, factor, minLr] = ['patience', 'factor', 'floor'].map(name => valueOf(state, name));
    const epochs = plateauEpochs(values, rates[0], factor, patience, minLr);
    const own = [rates[0], ...epochs.slice(0, -1).map(epoch => epoch.rate)];
    const kinds = [epoch => epoch.isBetter && !epoch.hasDropped, epoch => !epoch.isBetter && !epoch.hasDropped, epoch => epoch.hasDropped];
    const points = kinds.map(kind => places(epochs, kind));
    const tables = others.map(name => TIMETABLES[name](rates[0], factor ** (1 / patience), values.length, minLr));
    const steps = [own, ...tables].map(table => [...table, table[table.length - 1]]);
    const traces = {
      x: [...points.map(at => at.map(place => place + 1)), ...steps.map(table => table.map((_, epoch) => epoch))],
      y: [...points.map(at => at.map(place => values[place])), ...steps],
      text: [...points.map(at => at.map(place => String(epochs[place].waited))), ...steps.map(() => null)],
    };
    const other = own.findIndex((rate, epoch) => Math.abs(rate - rates[epoch]) > 1e-4 * rates[epoch]);
    const last = epochs[epochs.length - 1].rate;
    const said = words.summary.replace('%drops', points[2].length).replace('%rate', number(state, last, { maximumSignificantDigits: 3 }));
    return {
      texts: [`${said} ${other < 0 ? words.exact : words.indicative.replace('%epoch', other + 1)}`],
      traces,
      first: 1,
      layout: {
        shapes: [...points[2].map(place => upright(place + 1, dotted(floor, 1))), { type: 'line', x0: 0, x1: 1, xref: 'paper', y0: minLr, y1: minLr, yref: 'y2', line: dotted(floor, 1) }],
        'annotations[0].y': minLr,
      },
    };
  },
  stopping: (state, { train, values, words, stop }) => {
    const end = endingOf(values, valueOf(state, 'patience'));
    const parts = [train, values].flatMap(curve => [[1, curve.slice(0, end.last)], [end.last, curve.slice(end.last - 1)]]);
    const share = value => number(state, value, { minimumFractionDigits: 2, maximumFractionDigits: 2 });
    const text = end.isEarly ? ` ${words.stop.replace('%epoch', end.last)} ` : '';
    return {
      texts: [
        words.of.replace('%epoch', end.last).replace('%total', values.length), String(end.best), share(values[end.best - 1] ?? NaN),
        share((train[end.last - 1] ?? NaN) - (values[end.last - 1] ?? NaN)),
      ],
      traces: {
        x: [...parts.map(([start, part]) => part.map((_, place) => start + place)), [end.best]],
        y: [...parts.map(([, part]) => part), [values[end.best - 1]]],
      },
      first: 1,
      layout: {
        shapes: end.isEarly ? [upright(end.last, dotted(stop, 2))] : [],
        'annotations[0].text': text,
        'annotations[0].x': end.last,
        'annotations[0].xanchor': end.last > 0.6 * values.length ? 'right' : 'left',
      },
    };
  },
};

function label(state) {
  for (const { name, texts, label: title } of state.data.knobs) {
    const text = texts[Number(state.sliders[name].value)];
    state.outputs[name].textContent = text;
    state.sliders[name].setAttribute('aria-valuetext', text);
    state.sliders[name].setAttribute('aria-label', title);
  }
}

/** A dragged slider draws the newest place only, whatever has been passed while the one before was drawn. */
async function follow(state) {
  label(state);
  const { live, given, box } = state.data;
  const change = LIVE[live](state, given);
  change.texts.forEach((text, place) => { state.readings[place].textContent = text; });
  const chart = document.querySelector(`.st-key-${box} .dhc-plot-area`);
  if (!chart?.data || !window.Plotly || state.drawing) return;
  state.drawing = true;
  const traces = { ...change.traces, ...(change.traces.text && { hovertext: null }) };
  await window.Plotly.update(chart, traces, change.layout, change.traces.x.map((_, place) => change.first + place));
  state.drawing = false;
  if (state.again) {
    state.again = false;
    follow(state);
  }
}

function build(state) {
  const { knobs, readings } = state.data;
  const row = make('div', 'knobs');
  row.style.gridTemplateColumns = `repeat(${knobs.length}, minmax(0, 1fr))`;
  Object.assign(state, { sliders: {}, outputs: {} });
  for (const { name, label: title, values } of knobs) {
    const knob = make('label', 'knob');
    const slider = make('input', 'slider', { type: 'range', min: 0, max: values.length - 1, step: 1 });
    const [head, output] = [make('span', 'head', { textContent: title }), make('output', 'value')];
    output.setAttribute('aria-live', 'off'); // the slider's own value says so, once
    slider.addEventListener('input', () => { state.again = state.drawing; follow(state); });
    slider.addEventListener('change', () => {
      const rest = Object.fromEntries(state.data.knobs.map(each => [each.name, Number(state.sliders[each.name].value)]));
      Object.assign(state, { asked: Object.values(rest).join(), sent: performance.now() });
      state.send('rest', rest);
    });
    knob.append(head, output, slider);
    row.append(knob);
    state.sliders[name] = slider;
    state.outputs[name] = output;
  }
  const list = make('div', readings.length > 1 ? 'readings' : 'said');
  list.style.gridTemplateColumns = `repeat(${readings.length}, minmax(0, 1fr))`;
  state.readings = readings.map(({ label: title }) => {
    const text = make('span', title ? 'figure' : 'sentence');
    const reading = make('div', 'reading');
    reading.append(...(title ? [make('span', 'head', { textContent: title })] : []), text);
    list.append(reading);
    return text;
  });
  state.root.replaceChildren(row, list);
}

/** Whether the sliders have moved on meanwhile: by a pressed mouse, or by a key of which the server does not know yet. */
function isAhead(state, knobs) {
  const isLate = state.asked !== undefined && performance.now() - state.sent < PATIENCE && knobs.map(({ place }) => place).join() !== state.asked;
  if (!isLate) state.asked = undefined;
  return isLate || state.root.querySelector('.slider:active') !== null;
}

export default function ({ data, parentElement, setTriggerValue }) {
  let state = states.get(parentElement);
  if (!state) {
    state = { root: make('div', 'host') };
    parentElement.append(state.root);
    states.set(parentElement, state);
  }
  const fixed = data.knobs.map(({ place, ...knob }) => knob); // built anew, a slider would lose the focus
  const plan = JSON.stringify([fixed, data.readings.map(reading => reading.label), data.language]);
  const isOther = plan !== state.plan;
  Object.assign(state, { data, send: setTriggerValue, plan });
  if (isOther) build(state);
  if (isOther || !isAhead(state, data.knobs)) {
    data.knobs.forEach(({ name, place }) => { state.sliders[name].value = place; });
    data.readings.forEach(({ text }, place) => { state.readings[place].textContent = text; });
  }
  label(state);
}
