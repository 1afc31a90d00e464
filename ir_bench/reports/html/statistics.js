// Paired comparison of two systems over the same queries. What takes long is a generator that yields now and then, so
// that the page stays usable: see `inPieces`.
const RESAMPLES = 10000, WORK = 3e7, EXACT = 14, PIECE = 1e6;

/** Random 32-bit integers that are the same each time (xorshift, Marsaglia 2003). */
function generator(seed) {
  let x = seed | 0 || 1;
  return () => { x ^= x << 13; x ^= x >>> 17; x ^= x << 5; return x >>> 0; };
}

function mean(values) {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return values.length ? sum / values.length : 0;
}

function quantile(sorted, share) {
  const at = share * (sorted.length - 1), low = Math.floor(at), high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (at - low) * (sorted[high] - sorted[low]);
}

/** Percentile bootstrap interval of the mean. */
function* bootstrapped(values, level = 0.95) {
  const n = values.length, next = generator(20240229), scale = n / 4294967296;
  const rounds = Math.max(1000, Math.min(RESAMPLES, Math.floor(WORK / n)));
  const means = new Float64Array(rounds), pause = Math.max(1, Math.floor(PIECE / n));
  for (let r = 0; r < rounds; r++) {
    if (r % pause === 0) yield;
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[(next() * scale) | 0];
    means[r] = sum / n;
  }
  means.sort();
  return [quantile(means, (1 - level) / 2), quantile(means, (1 + level) / 2)];
}

/** Two-sided paired randomisation test of the mean difference; queries without a difference change nothing. */
function* randomised(differences) {
  const some = Float64Array.from(differences).filter(d => d !== 0), n = some.length;
  if (!n) return {p: 1, rounds: 0};
  const observed = Math.abs(some.reduce((a, b) => a + b, 0)) * (1 - 1e-12);
  let extreme = 0;
  if (n <= EXACT) {
    const rounds = 2 ** n;
    for (let signs = 0; signs < rounds; signs++) {
      let sum = 0;
      for (let i = 0; i < n; i++) sum += signs >> i & 1 ? some[i] : -some[i];
      if (Math.abs(sum) >= observed) extreme++;
    }
    return {p: extreme / rounds, rounds};
  }
  const next = generator(19730607), rounds = Math.max(1000, Math.min(RESAMPLES, Math.floor(2 * WORK / n)));
  const pause = Math.max(1, Math.floor(PIECE / n));
  for (let r = 0; r < rounds; r++) {
    if (r % pause === 0) yield;
    let sum = 0, bits = 0;
    for (let i = 0; i < n; i++) {
      if (i % 32 === 0) bits = next();
      sum += bits & 1 ? some[i] : -some[i];
      bits >>>= 1;
    }
    if (Math.abs(sum) >= observed) extreme++;
  }
  return {p: (extreme + 1) / (rounds + 1), rounds};
}

/** Runs a generator to its end with pauses for the page; null as soon as its result is no longer `wanted`. */
async function inPieces(steps, wanted) {
  for (;;) {
    const step = steps.next();
    if (step.done) return step.value;
    await new Promise(resolve => setTimeout(resolve));
    if (!wanted()) return null;
  }
}

/** Wins, ties, losses and mean difference of B against A. */
function paired(a, b) {
  const differences = Float64Array.from(b, (value, i) => value - a[i]);
  let wins = 0, losses = 0;
  for (const d of differences) { if (d > 0) wins++; else if (d < 0) losses++; }
  return {differences, wins, losses, ties: differences.length - wins - losses, difference: mean(differences)};
}
