// Gradient descent as dhc/lessons/descent.py has it, number by number (tests/test_lessons_learning.py compares them): here, because the paths
// follow the mouse. A loss is a list of terms [c, i, j], each c · x^i · y^j.

const lossAt = (terms, [x, y]) => terms.reduce((sum, [c, i, j]) => sum + c * x ** i * y ** j, 0);

const slopeAt = (terms, [x, y]) => terms.reduce(([alongX, alongY], [c, i, j]) => [
  alongX + (i ? c * i * x ** (i - 1) * y ** j : 0), alongY + (j ? c * j * x ** i * y ** (j - 1) : 0),
], [0, 0]);

/** How a method moves a weight: from its slope, the number of the step and what it remembers of this weight. */
const MOVES = {
  plain: (slope, step, memory, rate) => -rate * slope,
  momentum: (slope, step, memory, rate, { momentum }) => {
    memory.speed = momentum * (memory.speed ?? 0) - rate * slope;
    return memory.speed;
  },
  adam: (slope, step, memory, rate, { beta1, beta2, epsilon }) => {
    memory.mean = beta1 * (memory.mean ?? 0) + (1 - beta1) * slope;
    memory.square = beta2 * (memory.square ?? 0) + (1 - beta2) * slope ** 2;
    const share = Math.sqrt(1 - beta2 ** step) / (1 - beta1 ** step);
    return (-rate * share * memory.mean) / (Math.sqrt(memory.square) + epsilon);
  },
};

/** The places of a walk, the start first; it ends early where it has flown off. */
function walk(method, terms, start, rate, steps, constants) {
  const places = [start];
  const memories = [{}, {}];
  for (let step = 1; step <= steps; step += 1) {
    const place = places[places.length - 1];
    const slope = slopeAt(terms, place);
    places.push(place.map((weight, i) => weight + MOVES[method](slope[i], step, memories[i], rate, constants)));
    if (places[step].some(weight => Math.abs(weight) > constants.far)) break;
  }
  return places;
}
