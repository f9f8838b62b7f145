// A key pressed anywhere on the page clicks the element that is named for it, so that whatever a key does a mouse can do, too.

const TYPING = `textarea, select, input:not([type=checkbox], [type=radio], [type=button]), [contenteditable=''], [contenteditable=true],
  [role=textbox], [role=combobox], [role=listbox], [role=menu], [role=grid], .stDataFrame`;
const MOVING = '[role=slider], [role=radiogroup], [role=tablist], [role=group].grid, input[type=radio]'; // arrow keys move inside
const OPEN = '[role=dialog], [data-testid=stPopoverBody], [data-testid=stTooltipContent]'; // Escape closes it

const BLINK = 250; // ms

let targets = {};
let once = []; // keys of which one counts in a blink: a second would be for what nobody has seen
let last = -BLINK; // when one of them was pressed
let send = () => {};
let parameter = ''; // of an address: what links to a place of this page hold

function hasUseForIt(event) {
  const arrow = event.key.startsWith('Arrow');
  return event.composedPath().some(node => node instanceof Element && (node.matches(TYPING) || (arrow && node.matches(MOVING))));
}

function press(event) {
  const target = targets[event.key];
  if (!target || event.defaultPrevented || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (hasUseForIt(event) || document.querySelector('[data-testid=stDialog]')) return;
  if (event.key === 'Escape' && document.querySelector(OPEN)) return;
  const element = document.querySelector(target);
  if (!element) return;
  event.preventDefault();
  if (once.includes(event.key)) {
    const isSlip = event.timeStamp - last < BLINK;
    last = event.timeStamp;
    if (isSlip) return;
  }
  element.click();
}

/** A link to a parameter of this page, or to another page of ours: Streamlit would open it in another tab. */
function follow(event) {
  const link = event.target.closest?.('a[href]');
  if (link?.matches('[data-testid=stPageLink-NavLink]')) return; // Streamlit goes there: a second way at once breaks its page
  const address = link?.getAttribute('href') ?? '';
  const isHere = address.startsWith('?') && new URLSearchParams(address).get(parameter);
  if (!(isHere || /^[a-z]+\?/.test(address)) || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  send('link', address);
}

export default function ({ data, parentElement, setTriggerValue }) {
  ({ targets, once, parameter } = data);
  send = setTriggerValue;
  parentElement.className = 'dhc-keyboard';
  document.removeEventListener('keydown', press); // one listener a page, however often this is called
  document.addEventListener('keydown', press);
  document.removeEventListener('click', follow);
  document.addEventListener('click', follow);
}
