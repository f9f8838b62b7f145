// A grid of pictures that can be clicked: <button><img> for each. Captions and tooltips come from file and class names, which anybody may have
// written, so they only ever enter the page as text. Streamlit calls the exported function again with every change; tiles are updated in place,
// so the focus stays where it was.

const SIGNS = { plain: '', good: '✓', bad: '✗' };
const WORDS = { plain: '', good: 'right: ', bad: 'wrong: ' };

function newTile() {
  const tile = document.createElement('button');
  const frame = document.createElement('span');
  const image = document.createElement('img');
  const sign = document.createElement('span');
  const caption = document.createElement('span');
  tile.type = 'button';
  frame.className = 'frame';
  image.alt = '';
  image.decoding = 'async';
  sign.className = 'sign';
  sign.setAttribute('aria-hidden', 'true');
  caption.className = 'caption';
  frame.append(image, sign);
  tile.append(frame, caption);
  return tile;
}

function update(tile, { image, caption, tooltip, tone }, chosen) {
  const picture = tile.querySelector('img');
  const source = `data:image/png;base64,${image}`;
  if (picture.src !== source) picture.src = source;
  tile.className = `tile ${tone}`;
  tile.title = tooltip;
  tile.setAttribute('aria-label', WORDS[tone] + caption + (tooltip ? `, ${tooltip}` : ''));
  tile.querySelector('.sign').textContent = SIGNS[tone];
  tile.querySelector('.caption').textContent = caption;
  choose(tile, chosen);
}

function choose(tile, chosen) {
  tile.setAttribute('aria-pressed', String(chosen));
}

/** One stop for the Tab key in the whole grid; arrows, Home and End move inside it. */
function focusable(grid, wanted) {
  const tiles = [...grid.children];
  const stop = tiles.includes(wanted) ? wanted : tiles.find(tile => tile.tabIndex === 0) ?? tiles[0];
  tiles.forEach(tile => { tile.tabIndex = tile === stop ? 0 : -1; });
}

function perRow(grid) {
  const tiles = [...grid.children];
  const next = tiles.findIndex(tile => tile.offsetTop > tiles[0].offsetTop);
  return next < 0 ? tiles.length : next;
}

function move(grid, event) {
  const tiles = [...grid.children].filter(tile => !tile.hidden);
  const at = tiles.indexOf(event.target.closest('.tile'));
  const row = perRow(grid);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + row, ArrowUp: at - row, Home: 0, End: tiles.length - 1 }[event.key];
  if (to === undefined || at < 0) return;
  event.preventDefault();
  const tile = tiles[to];
  if (!tile) return;
  focusable(grid, tile);
  tile.focus();
}

function click(grid, event) {
  const tile = event.target.closest('.tile');
  if (!tile) return;
  const tiles = [...grid.children];
  focusable(grid, tile);
  tiles.forEach(other => choose(other, other === tile)); // at once; the answer from Python confirms it or takes it back
  grid.send('click', tiles.indexOf(tile));
}

/** How many tiles stand in a row where `room` have room: a divisor of the page's size, so that no row of a whole page is torn. */
function columns(room, page) {
  for (let count = room; count > room * 0.7; count -= 1) if (page % count === 0) return count;
  return room;
}

function layOut(grid) {
  const style = getComputedStyle(grid);
  const { paddingLeft, paddingRight, columnGap } = style;
  const size = grid.size * (parseFloat(style.getPropertyValue('--dhc-grow')) || 1); // larger while the page is presented
  grid.style.setProperty('--size', `${size}px`);
  const [gap, width] = [parseFloat(columnGap), grid.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight)];
  const room = Math.max(1, Math.floor((width + gap) / (size + 14 + gap)));
  if (grid.page) grid.style.setProperty('--columns', columns(room, grid.page));
  else grid.style.removeProperty('--columns');
  [...grid.children].forEach((tile, i) => { tile.hidden = grid.strip && i >= room; });
}

function newGrid(parent) {
  const grid = document.createElement('div');
  grid.className = 'grid';
  grid.setAttribute('role', 'group');
  grid.addEventListener('click', event => click(grid, event));
  grid.addEventListener('keydown', event => move(grid, event));
  parent.append(grid);
  new ResizeObserver(() => layOut(grid)).observe(grid); // gone with the grid
  return grid;
}

export default function ({ data, parentElement, setTriggerValue }) {
  const grid = parentElement.querySelector('.grid') ?? newGrid(parentElement);
  Object.assign(grid, { send: setTriggerValue, size: data.size, page: data.page, strip: data.strip });
  grid.setAttribute('aria-label', `${data.tiles.length} pictures`);
  while (grid.children.length > data.tiles.length) grid.lastChild.remove();
  while (grid.children.length < data.tiles.length) grid.append(newTile());
  data.tiles.forEach((tile, i) => update(grid.children[i], tile, i === data.selected));
  focusable(grid, grid.children[data.selected]);
  layOut(grid);
}
