// The course: all lessons as cards, or one line with the way to the next. What a person has done stands in the browser's own storage, so that it
// outlives a reload and works where the server keeps nothing. Links are plain links; keyboard.js keeps them on the page.

const STORE = 'dhc-lessons'; // {"done": [names], "last": name}
const MOST = 20000; // letters of it that are read: anyone may have written there
let speaker = null; // whose language the page is in: another course may be mounted before this one is gone
let memory = { done: [], last: '' }; // where the browser refuses its storage

/** All lessons that are done, of this course and of others, and the one seen last. */
function progress() {
  let kept = memory;
  try { kept = JSON.parse((localStorage.getItem(STORE) ?? '{}').slice(0, MOST)); } catch { /* refused, or not ours */ }
  const done = Array.isArray(kept?.done) ? kept.done.filter(name => typeof name === 'string') : [];
  return { done, last: typeof kept?.last === 'string' ? kept.last : '' };
}

function keep(state) {
  memory = state;
  try { localStorage.setItem(STORE, JSON.stringify(state)); } catch { /* then it lasts as long as the page */ }
}

/** The lesson to go on with: the one seen last, if it is not done, else the next that is not; "" once all are. */
function following(course, { done, last }) {
  const from = Math.max(0, course.indexOf(last));
  return [...course.slice(from), ...course.slice(0, from)].find(name => !done.includes(name)) ?? '';
}

const fill = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

function make(tag, name, text = '', attributes = {}) {
  const element = document.createElement(tag);
  element.className = name;
  element.textContent = text;
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  return element;
}

/** A line of small marks, one a lesson: done, here, still to do. */
function marks(course, done, current) {
  const line = make('span', 'dhc-course-marks', '', { 'aria-hidden': 'true' });
  for (const name of course) {
    const mark = make('i', done.includes(name) ? 'is-done' : '');
    mark.classList.toggle('is-here', name === current);
    line.append(mark);
  }
  return line;
}

function card(lesson, isDone, doneWord) {
  const link = make('a', 'dhc-course-card', '', { href: lesson.href });
  const icon = make('span', 'dhc-course-icon', lesson.icon, { 'aria-hidden': 'true', translate: 'no' });
  link.append(icon, make('span', 'dhc-course-number', lesson.number), make('strong', '', lesson.title), make('span', 'dhc-course-line', lesson.line));
  if (isDone) link.append(make('span', 'dhc-course-done', `✓ ${doneWord}`));
  return link;
}

function group({ title, lessons }, done, words) {
  const section = make('section', 'dhc-course-group', '', { 'aria-label': title });
  const list = make('div', 'dhc-course-list');
  list.append(...lessons.map(lesson => card(lesson, done.includes(lesson.name), words.done)));
  section.append(make('h3', '', title), list);
  return section;
}

/** A button that asks once more before it clears. */
function clearing(words, clear) {
  const button = make('button', 'dhc-course-clear', words.clear, { type: 'button' });
  button.addEventListener('click', () => {
    if (button.dataset.asked) { clear(); return; }
    button.dataset.asked = 'yes';
    button.textContent = words.sure;
  });
  return button;
}

function contents(host, data) {
  const { course, words } = data;
  const state = progress();
  const next = data.groups.flatMap(({ lessons }) => lessons).find(({ name }) => name === following(course, state));
  const head = make('div', 'dhc-course-head');
  if (next) {
    const text = fill(course.includes(state.last) ? words.go_on : words.begin, next);
    head.append(make('a', 'dhc-course-go-on', text, { href: next.href }));
  }
  const counts = { done: course.filter(name => state.done.includes(name)).length, count: course.length };
  head.append(marks(course, state.done, ''), make('span', 'dhc-course-count', fill(words.progress, counts), { role: 'status' }));
  if (state.done.length || state.last) head.append(clearing(words, () => { keep({ done: [], last: '' }); contents(host, data); }));
  host.replaceChildren(head, ...data.groups.map(part => group(part, state.done, words)));
}

function turn(side, sign, way) {
  const link = make('a', `dhc-course-${side}`, '', { href: way.href, title: way.title });
  const title = make('span', 'dhc-course-title', way.title);
  link.append(...(side === 'next' ? [title, sign] : [sign, title]));
  return link;
}

function rail(host, data) {
  const { course, current, words } = data;
  let state = { done: [], last: '' };
  if (data.keeps) {
    state = progress();
    const done = data.done && !state.done.includes(current) ? [...state.done, current] : state.done;
    if (done !== state.done || state.last !== current) keep((state = { done, last: current }));
  }
  const parts = [make('a', 'dhc-course-contents', words.contents, { href: data.contents })];
  if (data.previous) parts.push(turn('previous', '‹', data.previous));
  const place = make('span', 'dhc-course-place', data.place);
  if (state.done.includes(current)) place.append(make('span', 'dhc-course-done', `✓ ${words.done}`));
  parts.push(place, marks(course, state.done, current));
  if (data.next) parts.push(turn('next', '›', data.next));
  const focused = host.contains(document.activeElement) ? document.activeElement.className : '';
  host.replaceChildren(...parts);
  if (focused) host.getElementsByClassName(focused)[0]?.focus();
}

export default function ({ data, parentElement }) {
  let host = parentElement.querySelector('.dhc-course');
  if (!host) parentElement.append((host = make('nav', 'dhc-course')));
  host.setAttribute('aria-label', data.name);
  host.classList.toggle('is-rail', data.shape === 'rail');
  speaker = parentElement;
  document.documentElement.lang = data.lang; // for screen readers
  (data.shape === 'rail' ? rail : contents)(host, data);
  return () => { if (speaker === parentElement) document.documentElement.lang = 'en'; };
}
