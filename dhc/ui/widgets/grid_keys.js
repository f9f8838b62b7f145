// Keys of a table that Streamlit draws: Space selects the row, Enter opens it, Esc and Tab leave the table.
// The table is a canvas; below it stands a hidden table for screen readers, whose focused cell says where the keyboard is.

/** The row that has the focus, as the hidden table numbers it; null outside of the rows. */
function rowOf(cell) {
  const place = /^glide-cell-\d+-(\d+)$/.exec(cell?.id ?? '');
  return place ? Number(place[1]) : null;
}

/** What stands in the focused row under a heading; null where that column is not drawn. */
function textOf(grid, heading, row) {
  const head = [...grid.querySelectorAll('[role=columnheader]')].find(cell => cell.textContent.trim() === heading);
  const column = head?.getAttribute('aria-colindex');
  return grid.querySelector(`#glide-cell-${column}-${row}`)?.textContent ?? null;
}

function focusables(document) {
  const wanted = 'a[href], button:not([disabled]), input:not([disabled]), textarea, select, summary, [tabindex="0"]';
  return [...document.querySelectorAll(wanted)].filter(node => node.offsetParent !== null || node.getClientRects().length);
}

/** Give the focus to the first thing behind the table, or with `back` to the last one before it. */
function leave(grid, back) {
  const side = back ? Node.DOCUMENT_POSITION_PRECEDING : Node.DOCUMENT_POSITION_FOLLOWING;
  const others = focusables(grid.ownerDocument).filter(
    node => !grid.contains(node) && grid.compareDocumentPosition(node) & side && !(node.compareDocumentPosition(grid) & Node.DOCUMENT_POSITION_CONTAINED_BY),
  );
  (back ? others.at(-1) : others[0])?.focus();
}

function press(grid, heading, event, open) {
  const cell = event.target;
  if (!cell.closest?.('canvas') || event.ctrlKey || event.metaKey || event.altKey) return;
  const row = rowOf(cell) ?? rowOf(grid.querySelector('[role=gridcell][aria-selected=true]'));
  if (event.key === 'Escape' || event.key === 'Tab') leave(grid, event.key === 'Tab' && event.shiftKey);
  else if (event.key === 'Enter' && row !== null) open(textOf(grid, heading, row));
  else if (event.key === ' ' && !event.shiftKey && row !== null) {
    cell.dispatchEvent(new KeyboardEvent('keydown', { key: ' ', code: 'Space', keyCode: 32, shiftKey: true, bubbles: true, cancelable: true }));
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

export default function ({ data, parentElement, setTriggerValue }) {
  const document = parentElement.ownerDocument;
  const listen = event => {
    const grid = document.querySelector(`.st-key-${data.table}`);
    if (grid?.contains(event.target)) press(grid, data.heading, event, name => name !== null && setTriggerValue('open', name));
  };
  const enter = event => {  // a browser lets Tab stop at the box that scrolls, too, where no key of the table works
    const grid = event.target.matches?.('.dvn-scroller') && event.target.closest(`.st-key-${data.table}`);
    if (grid) grid.querySelector('canvas')?.focus();
  };
  document.addEventListener('keydown', listen, true);
  document.addEventListener('focusin', enter);
  return () => {
    document.removeEventListener('keydown', listen, true);
    document.removeEventListener('focusin', enter);
  };
}
