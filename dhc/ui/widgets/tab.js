// What the browser's tab tells of a run while one works elsewhere: its title, a ring in its icon that fills, and at the run's end a message,
// for those who asked for it with the bell. Texts come from runs, which anybody may have written: they only ever enter the page as text.

const WANTED = 'dhc-notify'; // in the browser's own storage: whether the bell is on
const SIZE = 32; // pixels of the icon
const COLORS = { waits: '#858199', works: '#7a4fd8', good: '#0f9d6b', bad: '#d64545' };
const NO_SECURE_CONTEXT = 'The browser shows messages only for pages of this machine (127.0.0.1) or over https.';
const NO_API = 'This browser shows no messages of pages.';
const BLOCKED = 'Messages of this page are blocked: allow them in the browser’s settings of the page.';

const states = new WeakMap(); // parentElement -> state of the component inside it
const alive = new Map(); // run -> whether it trained when it was last heard of; a page that runs again may mount the component anew

const iconLink = () => document.querySelector('link[rel~="icon"]');

/** A ring, `fraction` (0 to 1) of it filled, as a PNG: not every browser takes an SVG that changes. */
function icon(fraction, tone) {
  const canvas = Object.assign(document.createElement('canvas'), { width: SIZE, height: SIZE });
  const pen = canvas.getContext('2d');
  const arc = (share, color) => {
    pen.beginPath();
    pen.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 4, -Math.PI / 2, (2 * share - 0.5) * Math.PI);
    pen.lineWidth = 7;
    pen.strokeStyle = color;
    pen.stroke();
  };
  arc(1, 'rgba(133,129,153,0.35)');
  if (fraction > 0) arc(Math.min(1, fraction), COLORS[tone]);
  return canvas.toDataURL();
}

/** Put title and icon on, and note what the page itself had there: that comes back when the run's page is left. */
function dress(state) {
  const link = iconLink();
  const now = { title: document.title, icon: link?.getAttribute('href') };
  for (const part of ['title', 'icon']) if (now[part] !== state.shown[part]) state.page[part] = now[part];
  if (now.title !== state.title) document.title = state.title;
  if (link && now.icon !== state.icon) link.setAttribute('href', state.icon);
  state.shown = { title: state.title, icon: state.icon };
}

function undress(state) {
  if (document.title === state.shown.title && state.page.title) document.title = state.page.title;
  const link = iconLink();
  if (link && link.getAttribute('href') === state.shown.icon && state.page.icon) link.setAttribute('href', state.page.icon);
}

/** Why no message can be shown, or "". */
function hindrance() {
  if (!window.isSecureContext) return NO_SECURE_CONTEXT;
  if (!('Notification' in window)) return NO_API;
  return Notification.permission === 'denied' ? BLOCKED : '';
}

function stored() {
  try { return localStorage.getItem(WANTED) === 'on'; } catch { return false; } // a browser may refuse its storage
}

function store(on) {
  try { localStorage.setItem(WANTED, on ? 'on' : 'off'); } catch { /* then it is asked anew */ }
}

const wanted = () => stored() && !hindrance() && Notification.permission === 'granted';

async function toggle(state) {
  if (wanted()) store(false);
  else if (!hindrance() && (await Notification.requestPermission()) === 'granted') store(true);
  state.notice.textContent = wanted() ? '' : hindrance();
  look(state);
}

function look(state) {
  state.bell.hidden = !state.alive;
  state.bell.setAttribute('aria-pressed', String(wanted()));
  state.bell.title = hindrance() || (wanted() ? 'A message comes at the end, as long as this page is open. Click to have none.' : 'Have a message at the end, as long as this page is open.');
}

/** Tell of the end of a run that was seen alive, once. */
function hear(state, { run, news, alive: now }) {
  const ended = alive.get(run) === true && !now;
  alive.set(run, now);
  if (!ended || !wanted()) return;
  try {
    const message = new Notification(news, { tag: run, icon: state.icon });
    message.onclick = () => { window.focus(); message.close(); };
  } catch (error) { // on phones only a service worker may
    state.notice.textContent = NO_API;
  }
}

function mount(parent) {
  const host = document.createElement('span');
  const bell = document.createElement('button');
  const notice = document.createElement('span');
  host.className = 'dhc-tab';
  bell.type = 'button';
  bell.textContent = 'Notify me';
  notice.setAttribute('role', 'status');
  host.append(bell, notice);
  parent.append(host);
  const state = { host, bell, notice, shown: {}, page: {} };
  bell.addEventListener('click', () => toggle(state));
  state.observer = new MutationObserver(() => dress(state));
  states.set(parent, state);
  return state;
}

function dispose(parent, state) {
  state.observer.disconnect();
  undress(state);
  state.host.remove();
  if (states.get(parent) === state) states.delete(parent);
}

export default function ({ data, parentElement }) {
  const state = states.get(parentElement) ?? mount(parentElement);
  const call = (state.call = (state.call ?? 0) + 1);
  const ring = `${Math.round(100 * data.fraction)} ${data.tone}`;
  if (ring !== state.ring) Object.assign(state, { ring, icon: icon(data.fraction, data.tone) });
  Object.assign(state, { title: data.title, alive: data.alive });
  dress(state);
  state.observer.observe(document.head, { subtree: true, childList: true, characterData: true, attributes: true, attributeFilter: ['href'] });
  hear(state, data);
  look(state);
  return () => { if (state.call === call) dispose(parentElement, state); };
}
