// What figures that are drawn as SVG share: elements, numbers in the page's language, a height that fits the window, states that come to rest.

const SVG = 'http://www.w3.org/2000/svg';

/** An SVG element with its attributes; `text` is what stands in it. */
function drawn(tag, attributes = {}, text = undefined) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  return element;
}

function changed(element, attributes, text = undefined) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined && element.textContent !== text) element.textContent = text;
  return element;
}

/** A number with so many digits behind the language's decimal sign, and a true minus. */
function written(value, digits, language) {
  const text = new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: true }).format(value);
  return text.replace(/^-(?=[0.,]*$)/, '').replace('-', '−');
}

/** Keep an SVG as wide as its parent, and as high as its drawing wants to be and the window has room for above `below` pixels. */
function fitted(svg, parent, below = () => 0) {
  let wasSeen = false; // one that is no longer seen is not measured again
  const fit = () => {
    if (svg.isConnected) wasSeen = true;
    else if (wasSeen) return removeEventListener('resize', fit);
    const { width: wide, height: high } = svg.viewBox.baseVal;
    const width = parent.clientWidth;
    if (!width || !wide) return;
    const room = innerHeight - Math.max(0, svg.getBoundingClientRect().top) - below() - 12;
    svg.style.height = `${Math.round(Math.max(240, Math.min((width * high) / wide, room)))}px`;
  };
  new ResizeObserver(fit).observe(parent);
  addEventListener('resize', fit);
  return fit;
}

/** Tell the server of a state once it has not changed for a moment. */
function restful(send, pause = 350) {
  let timer = 0;
  return (...state) => { clearTimeout(timer); timer = setTimeout(() => send(...state), pause); };
}
