// Pictures pasted anywhere on the page go to its file uploader as if they had been dropped there, under its limits of kind and size.

let target = '';

/** Browsers call whatever was copied as a picture image.png; a file keeps its own name. */
function named(file, count) {
  return file.name === 'image.png' ? new File([file], `pasted ${count}.png`, { type: file.type }) : file;
}

function paste(event) {
  const files = [...(event.clipboardData?.files ?? [])];
  const input = target && document.querySelector(`${target} input[type=file]`);
  const covers = [...document.querySelectorAll('[role=dialog]')].some(dialog => !dialog.contains(input)); // a popover is one, too
  if (!input || input.disabled || !files.length || covers) return;
  event.preventDefault();
  const transfer = new DataTransfer();
  const clock = new Date().toTimeString().slice(0, 8).replaceAll(':', '-');
  files.forEach((file, i) => transfer.items.add(named(file, i ? `${clock} ${i + 1}` : clock)));
  input.files = transfer.files;
  input.dispatchEvent(new Event('change', { bubbles: true }));
}

export default function ({ data, parentElement }) {
  ({ target } = data);
  parentElement.className = 'dhc-paste';
  document.removeEventListener('paste', paste); // one listener a page, however often this is called
  document.addEventListener('paste', paste);
  return () => { target = ''; };
}
