// A key pressed anywhere on the page clicks the element that is named for it, so that whatever a key does a mouse can do, too.

const TYPING = `textarea, select, input:not([type=checkbox], [type=radio], [type=button]), [contenteditable=''], [contenteditable=true],
  [role=textbox], [role=combobox], [role=listbox], [role=menu], [role=grid], .stDataFrame`;
const MOVING = '[role=slider], [role=radiogroup], [role=tablist], [role=group].grid, input[type=radio]'; // arrow keys move inside
const OPEN = '[role=dialog], [data-testid=stPopoverBody], [data-testid=stTooltipContent]'; // Escape closes it

let targets = {};

function hasUseForIt(event) {
  const arrow = event.key.startsWith('Arrow');
  return event.composedPath().some(node => node instanceof Element && (node.matches(TYPING) || (arrow && node.matches(MOVING))));
}

function press(event) {
  const target = targets[event.key];
  if (!target || event.defaultPrevented || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
  if (hasUseForIt(event) || document.querySelector('[role=dialog][aria-modal=true]')) return;
  if (event.key === 'Escape' && document.querySelector(OPEN)) return;
  const element = document.querySelector(target);
  if (!element) return;
  event.preventDefault();
  element.click();
}

export default function ({ data, parentElement }) {
  targets = data.targets;
  parentElement.className = 'dhc-keyboard';
  document.removeEventListener('keydown', press); // one listener a page, however often this is called
  document.addEventListener('keydown', press);
}
