// What dhc/lessons/schedules.py and stopping.py make of a recorded curve, number by number (tests/test_lessons_learning.py compares them): here,
// because the figure follows a slider. A value that is null was not a number, and is never better.

/** ReduceLROnPlateau after each epoch, in float32 as Keras has it: [{ isBetter, waited, rate, hasDropped }], the rate of the next epoch. */
function plateauEpochs(values, first, factor, patience, minLr, minDelta = 1e-4) {
  let [best, waited, rate] = [-Infinity, 0, Math.fround(first)];
  return values.map(given => {
    const value = given ?? NaN;
    const isBetter = Math.fround(value - minDelta) > Math.fround(best);
    if (isBetter) [best, waited] = [value, 0];
    else waited += 1;
    const hasDropped = waited >= patience && rate > Math.fround(minLr);
    if (hasDropped) rate = Math.fround(Math.max(rate * factor, minLr));
    const epoch = { isBetter, waited, rate, hasDropped };
    if (hasDropped) waited = 0;
    return epoch;
  });
}

/** The timetables beside it: the rate of each epoch. */
const TIMETABLES = {
  exponential: (first, decay, epochs) => Array.from({ length: epochs }, (_, epoch) => first * decay ** epoch),
  warm_up: (first, decay, epochs) => {
    const rising = Math.min(epochs, Math.max(1, Math.floor(epochs / 5)));
    const rise = Array.from({ length: rising }, (_, epoch) => (first * (epoch + 1)) / (rising + 1));
    return [...rise, ...TIMETABLES.exponential(first, decay, epochs - rising)];
  },
  cosine: (first, decay, epochs, last) => Array.from({ length: epochs }, (_, epoch) => last + ((first - last) * (1 + Math.cos((Math.PI * epoch) / epochs))) / 2),
};

/** Early stopping with a checkpoint: { last, best } epochs, from 1, and whether it is early. */
function endingOf(values, patience) {
  let [best, bestEpoch, waited] = [-Infinity, 1, 0];
  for (const [place, given] of values.entries()) {
    if ((given ?? NaN) > best) [best, bestEpoch, waited] = [given, place + 1, 0];
    else waited += 1;
    if (waited >= patience && place > 0) return { last: place + 1, best: bestEpoch, isEarly: place + 1 < values.length };
  }
  return { last: values.length, best: bestEpoch, isEarly: false };
}
