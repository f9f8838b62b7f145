// A grid of numbers on a canvas: small ones as cells with their numbers, large ones as a picture; parts of it dim, hatched or framed.

const WRITTEN = 14; // rows or columns up to which the numbers are written into the cells
const COLD = [38, 99, 235], WARM = [220, 68, 20]; // below and above zero, where that counts
const FRAME = '#ffcc00';

/** (h, w) numbers sent as base64 of float32. */
function unpack({ values, shape }) {
  const raw = Uint8Array.from(atob(values), letter => letter.charCodeAt(0));
  return { numbers: new Float32Array(raw.buffer), rows: shape[0], columns: shape[1] };
}

/** A number as a person of that language writes it, with at most `digits` behind the sign. */
function text(value, language, digits = 2) {
  const shown = Math.abs(value) >= 1000 ? 0 : Math.abs(value) >= 100 ? Math.min(1, digits) : digits;
  return (value + 0).toLocaleString(language, { maximumFractionDigits: shown, useGrouping: Math.abs(value) >= 10000 }).replace('-', '−').replace(/^−0$/, '0');
}

const light = ([r, g, b]) => {
  const part = value => ((value /= 255) <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  return 0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b);
};

/** How many digits behind the sign have room in a cell. */
const digits = (value, side) => (Math.abs(value) < 10 ? (side < 30 ? 1 : 2) : side < 44 ? 0 : 1);

/** Black or white, whichever is easier to read on that ground. */
const ink = ground => (light(ground) > 0.179 ? '#000' : '#fff');

/** The colour of a number: from black at `low` to white at `high`, or, `signed`, from blue over light grey at 0 to red. */
function colour(value, { low, high, signed }) {
  if (signed) {
    const share = Math.max(-1, Math.min(1, value / (Math.max(Math.abs(low), Math.abs(high)) || 1)));
    return [245, 245, 245].map((ground, i) => Math.round(ground + Math.abs(share) * ((share < 0 ? COLD : WARM)[i] - ground)));
  }
  const tone = Math.round(255 * Math.max(0, Math.min(1, (value - low) / (high - low || 1))));
  return [tone, tone, tone];
}

/** Make the canvas hold rows × columns cells, at most width × height CSS pixels in all; returns the side of a cell. */
function fit(canvas, rows, columns, width, height) {
  const side = Math.min(width / columns, height / rows);
  const ratio = devicePixelRatio || 1;
  const [w, h] = [Math.round(side * columns), Math.round(side * rows)];
  canvas.width = Math.round(w * ratio);
  canvas.height = Math.round(h * ratio);
  canvas.style.width = `${w}px`;
  canvas.style.height = `${h}px`;
  canvas.getContext('2d').setTransform(ratio, 0, 0, ratio, 0, 0);
  return side;
}

const isWritten = (rows, columns) => Math.max(rows, columns) <= WRITTEN;

/** Draw a grid. `scale` as in `colour`; `look(i)` says of a number 'empty', 'dim', 'zero' (around the picture) or nothing. */
function drawGrid(canvas, grid, side, { scale, language, look = () => '', line = '#8888' }) {
  const context = canvas.getContext('2d');
  const { numbers, rows, columns } = grid;
  context.clearRect(0, 0, side * columns + 1, side * rows + 1);
  if (!isWritten(rows, columns)) return drawPixels(context, grid, side, scale, look);
  const size = Math.max(9, Math.min(side * 0.38, 30));
  context.font = `${size}px ${getComputedStyle(canvas).fontFamily}`;
  context.textAlign = 'center';
  context.textBaseline = 'middle';
  for (let i = 0; i < numbers.length; i += 1) {
    const [x, y] = [(i % columns) * side, Math.floor(i / columns) * side];
    const kind = look(i);
    const ground = colour(numbers[i], scale);
    if (kind !== 'empty') {
      context.fillStyle = kind === 'zero' ? 'transparent' : `rgb(${ground})`;
      context.fillRect(x, y, side, side);
      if (kind === 'unseen') hatch(context, x, y, side);
      context.fillStyle = kind === 'zero' ? line : ink(ground);
      context.fillText(text(numbers[i], language, digits(numbers[i], side)), x + side / 2, y + side / 2 + 1, side - 4);
    }
    context.strokeStyle = line;
    context.lineWidth = 1;
    context.setLineDash(kind === 'zero' || kind === 'empty' ? [3, 3] : []);
    context.strokeRect(x + 0.5, y + 0.5, side - 1, side - 1);
  }
  context.setLineDash([]);
}

function drawPixels(context, { numbers, rows, columns }, side, scale, look) {
  const image = new ImageData(columns, rows);
  for (let i = 0; i < numbers.length; i += 1) {
    const kind = look(i);
    image.data.set([...(kind === 'zero' ? [0, 0, 0] : kind === 'unseen' ? [200, 0, 120] : colour(numbers[i], scale)), kind === 'empty' ? 24 : 255], 4 * i);
  }
  const small = Object.assign(document.createElement('canvas'), { width: columns, height: rows });
  small.getContext('2d').putImageData(image, 0, 0);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, 0, 0, side * columns, side * rows);
}

function hatch(context, x, y, side) {
  context.save();
  context.beginPath();
  context.rect(x, y, side, side);
  context.clip();
  context.strokeStyle = '#ff5fae';
  context.lineWidth = 2;
  for (const [x1, y1, x2, y2] of [[0, 0.3, 0.3, 0], [0.7, 1, 1, 0.7]]) { // two corners: the number between them can be read
    context.beginPath();
    context.moveTo(x + x1 * side, y + y1 * side);
    context.lineTo(x + x2 * side, y + y2 * side);
    context.stroke();
  }
  context.restore();
}

/** A green corner in some cells whose numbers are written. */
function markCells(canvas, { rows, columns }, side, marks) {
  if (!isWritten(rows, columns)) return;
  const context = canvas.getContext('2d');
  const size = Math.min(side / 3, 14);
  context.lineWidth = 1;
  for (const place of marks) {
    const [right, top] = [((place % columns) + 1) * side - 1, Math.floor(place / columns) * side + 1];
    context.beginPath();
    context.moveTo(right - size, top);
    context.lineTo(right, top);
    context.lineTo(right, top + size);
    context.closePath();
    context.fillStyle = '#2ecc71';
    context.fill();
    context.strokeStyle = '#000';
    context.stroke();
  }
}

/** A frame that is seen on any ground. */
function frame(canvas, left, top, width, height) {
  const context = canvas.getContext('2d');
  for (const [colourOf, thick] of [['#000', 5], [FRAME, 3]]) {
    context.strokeStyle = colourOf;
    context.lineWidth = thick;
    context.strokeRect(left + 2.5, top + 2.5, Math.max(1, width - 5), Math.max(1, height - 5));
  }
}
