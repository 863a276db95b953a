// Numbers to words, as Python writes them; and words as they were before Python made them inert.

export const JOINER = "\u2060", DOLLAR = "\uff04"; // as in sliders.py

/** A number as Python's format(x, spec) writes it, for the specs {+}.{digits}{f, e or g}; ties go to even. Of words with
 *  | between them the number chooses one. */
export function formatNumber(x, spec) {
  if (spec.includes("|")) return spec.split("|")[x];
  const [, sign, digits, type] = /^(\+?)(?:\.(\d+))?([feg])$/.exec(spec);
  const plus = x < 0 || Object.is(x, -0) ? "-" : sign;
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return plus + "inf";
  const size = Math.abs(x), precision = digits === undefined ? 6 : Number(digits);
  if (type === "f") return plus + fixed(size, precision);
  if (type === "e") return plus + scientific(size, precision);
  const kept = Math.max(precision, 1);
  const exponent = size === 0 ? 0 : Number(scientific(size, kept - 1).split("e")[1]);
  if (exponent < -4 || exponent >= kept) {
    const [mantissa, power] = scientific(size, kept - 1).split("e");
    return plus + trimmed(mantissa) + "e" + power;
  }
  return plus + trimmed(fixed(size, kept - 1 - exponent));
}

const trimmed = (text) => (text.includes(".") ? text.replace(/\.?0+$/, "") : text);

function fixed(size, precision) {
  if (size >= 1e21) return BigInt(size).toString() + (precision ? "." + "0".repeat(precision) : "");
  return even(size.toFixed(precision), size.toFixed(Math.min(100, precision + 60)));
}

function scientific(size, precision) {
  const [mantissa, power] = size.toExponential(precision).split("e");
  const exact = size.toExponential(Math.min(100, precision + 60)).split("e");
  const rounded = exact[1] === power ? even(mantissa, exact[0]) : mantissa;
  return rounded + "e" + power[0] + power.slice(1).padStart(2, "0");
}

/** JavaScript rounds an exact tie up, Python to the even digit: take the lower neighbour where that is the even one. */
function even(rounded, exact) {
  const point = rounded.includes(".") ? rounded.length : rounded.length + 1;
  const lower = exact.slice(0, rounded.length), rest = exact.slice(point).replace(".", "");
  const tie = exact.length > point && /^50*$/.test(rest);
  return tie && Number(lower.at(-1)) % 2 === 0 ? lower : rounded;
}

/** The words that Python's inert has written so that no front end takes them for markup or a formula. */
export const plain = (words) => words.replaceAll(DOLLAR + JOINER, "$").replaceAll(JOINER, "");
