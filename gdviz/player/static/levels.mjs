// Lines of equal loss: the loss on a mesh, the heights of the lines and where they run. As matplotlib draws them.

import { formatNumber } from "./words.mjs";

/** A traced loss of one row of a mesh, made ready (formula.mjs): given(values), then the whole mesh, rows are y.
 *
 *  A loss that was quadratic in its two parameters when it was sent is one polynomial, found at six points and checked at
 *  all others of a row; of any other every row is computed. */
export function meshOf({ inputs: [row], outputs: [losses], run }, [x0, x1, y0, y1], quadratic) {
  const n = row.length / 2, mesh = new Float64Array(n * n), along = Float64Array.from({ length: n }, (_, i) => (2 * i) / (n - 1) - 1);
  const [mx, my, hx, hy] = [(x0 + x1) / 2, (y0 + y1) / 2, (x1 - x0) / 2, (y1 - y0) / 2];
  const at = (i, u, v) => { (row[2 * i] = mx + hx * u), (row[2 * i + 1] = my + hy * v); };
  if (quadratic && n > SIX.length) {
    const probes = Array.from({ length: n }, (_, i) => SIX[i] ?? [2 * ((GOLDEN * i) % 1) - 1, 2 * ((GOLDEN ** 2 * i) % 1) - 1]);
    probes.forEach((probe, i) => at(i, ...probe));
    run();
    const [c, east, west, north, south, both, ...others] = losses;
    const [a, b, p, r] = [(east - west) / 2, (north - south) / 2, (east + west) / 2 - c, (north + south) / 2 - c];
    const q = both - c - a - b - p - r, value = (u, v) => c + u * (a + p * u + q * v) + v * (b + r * v);
    const size = Math.max(...[c, east, west, north, south, both].map(Math.abs));
    if (others.every((one, i) => Math.abs(one - value(...probes[6 + i])) <= 1e-12 * size)) {
      for (let j = 0; j < n; j++) for (let i = 0; i < n; i++) mesh[j * n + i] = value(along[i], along[j]);
      return mesh;
    }
  }
  for (let j = 0; j < n; j++) {
    for (let i = 0; i < n; i++) at(i, along[i], along[j]);
    run();
    mesh.set(losses, j * n);
  }
  return mesh.map((z) => (Math.abs(z) <= HIGHEST ? z : NaN));
}

const SIX = [[0, 0], [1, 0], [-1, 0], [0, 1], [0, -1], [1, 1]]; // these fix a polynomial of degree two
const GOLDEN = 0.7548776662466927; // its powers, times a number, lie evenly in a square
const HIGHEST = 1e305; // as in limits.py

/** The heights of the lines: as they are, or of so many the quantiles of the mesh, as in levels.py. */
export function heightsOf(levels, mesh) {
  if (typeof levels !== "number") return levels;
  const sorted = mesh.filter((z) => !Number.isNaN(z)).sort(), last = sorted.length - 1;
  const heights = Array.from({ length: levels + 1 }, (_, k) => {
    const share = k === levels ? 1 : k * (1 / levels), place = last * share * share;
    const below = Math.floor(place), part = place - below;
    const [low, high] = [sorted[below], sorted[Math.min(below + 1, last)]];
    return part < 0.5 ? low + (high - low) * part : high - (high - low) * (1 - part);
  });
  return [...new Set(heights)];
}

const APART = 0.1, MARGIN = 0.05, CORNERS = [[1, 0], [1, 1], [0, 0], [0, 1]]; // as in levels.py

/** The numbers that say which side is up, as in levels.py: [x, y, words], x and y as shares of the window. */
export function labelsAt(mesh, heights) {
  const n = Math.round(Math.sqrt(mesh.length)), lowest = mesh.reduce((best, z, k) => (z < mesh[best] || Number.isNaN(mesh[best]) ? k : best), 0);
  const low = [(lowest % n) / (n - 1), Math.floor(lowest / n) / (n - 1)];
  const away = CORNERS.map(([u, v]) => Math.hypot(u - low[0], v - low[1])), length = Math.max(...away);
  const corner = CORNERS[away.findIndex((one) => one > length - 1e-9)];
  const at = (t) => low.map((one, i) => one + t * (corner[i] - one));
  const along = Array.from({ length: 401 }, (_, k) => between(mesh, n, at(k / 400)));
  const crossed = heights.flatMap((height) => [...along.keys()].filter((k) => along[k] <= height && along[k + 1] > height)
    .map((k) => [(k + (height - along[k]) / (along[k + 1] - along[k])) / 400, height])).sort(([one], [other]) => one - other);
  const found = new Map();
  let last = 0;
  for (const [here, height] of crossed) {
    const place = at(here);
    if ((here - last) * length < APART || found.has(height) || place.some((one) => one < MARGIN || one > 1 - MARGIN)) continue;
    last = here;
    found.set(height, [...place, formatNumber(Number(height.toPrecision(2)), "g")]);
  }
  return [...found.values()];
}

function between(mesh, n, place) {
  const [x, y] = place.map((one) => one * (n - 1)), [i, j] = [x, y].map((one) => Math.min(Math.floor(one), n - 2)), k = j * n + i;
  const [u, v] = [x - i, y - j];
  return (1 - v) * ((1 - u) * mesh[k] + u * mesh[k + 1]) + v * ((1 - u) * mesh[k + n] + u * mesh[k + n + 1]);
}

/** Where the lines of these heights run: of each line its points [x, y], counted in cells of the mesh. */
export function linesAt(mesh, heights) {
  const n = Math.round(Math.sqrt(mesh.length)), found = heights.map(() => ({ all: new Set(), ends: new Map() }));
  for (let j = 0; j < n - 1; j++) for (let i = 0; i < n - 1; i++) {
    const k = j * n + i, corners = [mesh[k], mesh[k + 1], mesh[k + n + 1], mesh[k + n]];
    const least = Math.min(...corners), most = Math.max(...corners); // NaN where one is
    heights.forEach((height, h) => {
      if (most > height && least <= height) cross(found[h], n, i, j, corners, height);
    });
  }
  return found.flatMap(({ all }) => [...all].map(pointsAlong));
}

/** A line as it grows: its points from the middle to either end, and the sides of the mesh where these are. */
const pointsAlong = ({ before, after }) => [...[...before].reverse(), ...after];

/** Add the pieces within one cell, whose corners go round from its lowest x and y; a saddle is cut as its middle is. */
function cross(lines, n, i, j, [a, b, c, d], height) {
  const [A, B, C, D] = [a > height, b > height, c > height, d > height], side = 2 * (j * n + i), cuts = [];
  const part = (from, to) => (height - from) / (to - from);
  if (A !== B) cuts.push({ side, point: [i + part(a, b), j] });
  if (B !== C) cuts.push({ side: side + 3, point: [i + 1, j + part(b, c)] });
  if (C !== D) cuts.push({ side: side + 2 * n, point: [i + 1 - part(c, d), j + 1] });
  if (D !== A) cuts.push({ side: side + 1, point: [i, j + 1 - part(d, a)] });
  if (cuts.length === 4 && ((a + b + c + d) / 4 > height) !== A) cuts.push(cuts.shift());
  for (let k = 0; k < cuts.length; k += 2) join(lines, cuts[k], cuts[k + 1]);
}

/** Add a piece to the lines that end at its sides. */
function join({ all, ends }, from, to) {
  const one = ends.get(from.side), other = ends.get(to.side);
  ends.delete(from.side), ends.delete(to.side);
  if (one && other && one !== other) {
    const backwards = other.last === to.side, rest = pointsAlong(other);
    const end = backwards ? other.first : other.last;
    for (const point of backwards ? rest.reverse() : rest) grow(one, from.side, point, from.side);
    grow(one, from.side, null, end);
    all.delete(other), ends.set(end, one);
  } else if (one) {
    grow(one, from.side, to.point, to.side);
    if (!other) ends.set(to.side, one);
  } else if (other) {
    grow(other, to.side, from.point, from.side);
    ends.set(from.side, other);
  } else {
    const line = { first: from.side, before: [from.point], after: [to.point], last: to.side };
    all.add(line), ends.set(from.side, line), ends.set(to.side, line);
  }
}

/** Let the end of a line that is at a side go on to a point, which is at another one. */
function grow(line, side, point, next) {
  const [points, end] = line.last === side ? [line.after, "last"] : [line.before, "first"];
  if (point) points.push(point);
  line[end] = next;
}
