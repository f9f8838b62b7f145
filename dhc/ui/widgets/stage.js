// Present: one part of the page fills the window. What is large is marked with an attribute, which React leaves alone; frame.css does the rest.
// Parts come and go with every run of the page, so they are looked for again whenever the page's elements change.

const ROW = 35; // pixels that a row of a table is high, with type of the usual size
const WHOLE = '.st-key-dhc_lesson_grid'; // what stands in it is large with it only
const root = document.documentElement;
let stage = null; // the state of the page's only stage

const main = () => document.querySelector('.stMain');
const found = selector => (selector ? [...(main()?.querySelectorAll(selector) ?? [])].filter(part => part.offsetWidth > 150) : []);

/** The parts to choose from; null is the whole page. */
function parts({ first, others }) {
  const begin = found(first);
  const rest = found(others).filter(part => !begin.includes(part) && !part.closest(WHOLE));
  return first ? [...begin, ...rest, null] : [null, ...rest];
}

const nameOf = part => part?.querySelector('[aria-label]')?.getAttribute('aria-label') ?? (part ? 'Pictures' : 'The whole page');

function enlarge(part) {
  document.querySelectorAll('[data-dhc-large]').forEach(other => { if (other !== part) other.removeAttribute('data-dhc-large'); });
  part?.setAttribute('data-dhc-large', '');
  root.classList.toggle('dhc-large', Boolean(part));
}

/** What frame.css cannot know: where the bar ends, the page's ground, whether it is dark. Streamlit keeps that to itself. */
function tell() {
  const [bar, app] = [document.querySelector('.st-key-dhc-bar'), document.querySelector('.stApp')];
  if (bar) root.style.setProperty('--dhc-bar', `${Math.ceil(bar.getBoundingClientRect().bottom)}px`);
  if (!app) return;
  const { backgroundColor, colorScheme } = getComputedStyle(app);
  root.style.setProperty('--dhc-ground', backgroundColor);
  root.style.colorScheme = colorScheme; // for menus and dialogs, which stand outside
}

/** A table is drawn on a canvas, its type as large as the page's was when the table came. Zoom makes up for the rest. */
function zoomTables(wanted) {
  for (const table of found('.stDataFrame')) {
    const row = table.querySelector('.dvn-stack')?.offsetHeight / table.querySelector('[aria-rowcount]')?.getAttribute('aria-rowcount');
    const zoom = row > 0 ? (wanted * ROW) / row : 1;
    table.style.setProperty('zoom', Math.abs(zoom - 1) < 0.05 ? '' : zoom);
    table.style.setProperty('--dhc-zoom', zoom);
  }
}

function show() {
  const { presented, chooser } = stage;
  root.classList.toggle('dhc-present', presented);
  const all = presented ? parts(stage) : [];
  stage.count = all.length;
  const place = Math.min(stage.place, all.length - 1);
  enlarge(all[place] ?? null);
  chooser.hidden = all.length < 2;
  const [text, title] = [`${place + 1} / ${all.length}`, nameOf(all[place])];
  if (chooser.count.textContent !== text) chooser.count.textContent = text;
  if (chooser.title !== title) chooser.title = title;
  tell();
  zoomTables(presented ? parseFloat(getComputedStyle(root).fontSize) / 16 : 1);
}

function soon() {
  cancelAnimationFrame(stage.frame);
  stage.frame = requestAnimationFrame(show);
}

function turn(by) {
  stage.place = (Math.min(stage.place, stage.count - 1) + by + stage.count) % stage.count;
  stage.sent.push(stage.place);
  stage.send('place', stage.place);
  show();
}

function button(name, sign, title, by) {
  const element = document.createElement('button');
  element.type = 'button';
  element.className = name;
  element.textContent = sign;
  element.title = title;
  element.setAttribute('aria-label', title);
  element.addEventListener('click', () => turn(by));
  return element;
}

function mount(parent) {
  const chooser = document.createElement('div');
  chooser.className = 'dhc-stage';
  chooser.count = document.createElement('span');
  chooser.count.setAttribute('role', 'status');
  chooser.append(button('dhc-stage-before', '‹', 'The figure before (←)', -1), chooser.count, button('dhc-stage-next', '›', 'The next figure (→)', 1));
  parent.append(chooser);
  const state = { parent, chooser, place: 0, given: null, page: null, count: 0, sent: [] };
  state.observer = new MutationObserver(() => { soon(); });
  state.sizes = new ResizeObserver(() => { soon(); }); // of the bar, which may shrink when its style comes after it
  return state;
}

/** The place that the address names counts on a new page, and where it is not our own choice of a moment ago. */
function take(data) {
  if (stage.page !== data.page || (stage.given !== data.place && !stage.sent.includes(data.place))) stage.place = data.place;
  if (stage.place === data.place) stage.sent = [];
  Object.assign(stage, { page: data.page, given: data.place });
}

export default function ({ data, parentElement, setTriggerValue }) {
  if (stage?.parent !== parentElement) stage = mount(parentElement);
  const [mine, call] = [stage, (stage.call = (stage.call ?? 0) + 1)];
  take(data);
  Object.assign(stage, { presented: data.presented, first: data.first, others: data.others, send: setTriggerValue });
  if (main()) stage.observer.observe(main(), { childList: true, subtree: true });
  const bar = document.querySelector('.st-key-dhc-bar');
  if (bar) stage.sizes.observe(bar);
  addEventListener('resize', soon);
  show();
  return () => { if (mine.call === call) [mine.observer, mine.sizes].forEach(each => each.disconnect()); };
}
