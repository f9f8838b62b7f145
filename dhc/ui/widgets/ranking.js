// A ranked list of pairs that can be clicked: one <button> a row. Names may be anybody's words, so they only ever enter the page as text.
// Rows are updated in place; a row that was chosen elsewhere is scrolled into view inside the list, never the page.

function span(name) {
  const part = document.createElement('span');
  part.className = name;
  return part;
}

function newRow() {
  const row = document.createElement('button');
  const name = span('name');
  const arrow = span('arrow');
  row.type = 'button';
  arrow.textContent = '→';
  name.append(document.createElement('bdi'), arrow, document.createElement('bdi'));
  row.className = 'row';
  row.append(span('rank'), name, span('count'), span('share'));
  return row;
}

function update(row, { from, to, count, share, fraction, tooltip }, i, chosen) {
  const [first, second] = row.querySelectorAll('bdi');
  row.querySelector('.rank').textContent = i + 1;
  first.textContent = from;
  second.textContent = to;
  row.querySelector('.count').textContent = count;
  row.querySelector('.share').textContent = share;
  row.style.setProperty('--share', fraction);
  row.title = tooltip;
  row.setAttribute('aria-label', tooltip);
  choose(row, chosen);
}

function choose(row, chosen) {
  row.setAttribute('aria-pressed', String(chosen));
}

/** One stop for the Tab key in the whole list; arrows, Home and End move inside it. */
function focusable(list, wanted) {
  const rows = [...list.children];
  const stop = rows.includes(wanted) ? wanted : rows.find(row => row.tabIndex === 0) ?? rows[0];
  rows.forEach(row => { row.tabIndex = row === stop ? 0 : -1; });
}

function move(list, event) {
  const rows = [...list.children];
  const at = rows.indexOf(event.target.closest('.row'));
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: rows.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  if (!rows[to]) return;
  focusable(list, rows[to]);
  rows[to].focus();
}

function click(list, event) {
  const row = event.target.closest('.row');
  if (!row) return;
  const rows = [...list.children];
  focusable(list, row);
  rows.forEach(other => choose(other, other === row)); // at once; the answer from Python confirms it or takes it back
  list.shown = rows.indexOf(row);
  list.send('click', list.shown);
}

function newList(parent) {
  const list = document.createElement('div');
  list.className = 'list';
  list.setAttribute('role', 'group');
  list.addEventListener('click', event => click(list, event));
  list.addEventListener('keydown', event => move(list, event));
  parent.append(list);
  return list;
}

/** In the next frame, when the browser lays the page out anyway: measuring at once would make it do so twice. */
function reveal(list, at) {
  if (list.shown === at || !list.children[at]) return;
  requestAnimationFrame(() => {
    const row = list.children[at];
    if (!row) return;
    const top = row.offsetTop - list.offsetTop;
    if (top < list.scrollTop || top + row.offsetHeight > list.scrollTop + list.clientHeight) list.scrollTop = top - list.clientHeight / 2;
  });
}

export default function ({ data, parentElement, setTriggerValue }) {
  const list = parentElement.querySelector('.list') ?? newList(parentElement);
  list.send = setTriggerValue;
  list.style.maxHeight = `${data.height}px`;
  list.setAttribute('aria-label', data.label);
  while (list.children.length > data.items.length) list.lastChild.remove();
  while (list.children.length < data.items.length) list.append(newRow());
  data.items.forEach((item, i) => update(list.children[i], item, i, i === data.selected));
  focusable(list, list.children[data.selected]);
  reveal(list, data.selected);
  list.shown = data.selected;
}
