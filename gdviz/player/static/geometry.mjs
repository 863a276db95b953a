// Pure geometry in CSS pixels of the picture: the numbers of a mark, data coordinates, and where the picture is shown.

import { numbers } from "./formula.mjs";

/** A mark with its bytes as `values` (float32 pixels, or the float64 numbers of a text and of contours), the `strides` of its
 *  axes, and in 3-D its places as `space`. */
export function unpack(mark) {
  const values = numbers(mark.data, ["text", "contours"].includes(mark.kind) ? Float64Array : Float32Array);
  const strides = mark.shape.map((_, i) => mark.shape.slice(i + 1).reduce((a, b) => a * b, 1));
  return { ...mark, values, strides, space: mark.space && numbers(mark.space, Float32Array) };
}

/** The numbers of a mark at the sliders' positions; an axis of length 1 serves every position. */
export function select(mark, index) {
  const offset = index.reduce((sum, k, i) => sum + (mark.shape[i] > 1 ? k : 0) * mark.strides[i], 0);
  const length = mark.shape.slice(index.length).reduce((a, b) => a * b, 1);
  return mark.values.subarray(offset, offset + length);
}

export const lost = ([x, y]) => Number.isNaN(x) || Number.isNaN(y);
export const at = (index, axis, position) => index.map((k, i) => (i === axis ? position : k));
export const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);

/** The points to draw: of a path the trail up to its step, which ends before the first that is not a number. */
export function pointsOf(mark, index, trail) {
  if (mark.kind !== "path") return pairs(select(mark, index));
  const steps = mark.shape[trail] > 1 ? index[trail] + 1 : 1;
  const points = Array.from({ length: steps }, (_, k) => [...select(mark, at(index, trail, k))]);
  const end = points.findIndex(lost);
  return end < 0 ? points : points.slice(0, end);
}

export const inside = ([left, top, width, height], [x, y]) =>
  x >= left - 1 && x <= left + width + 1 && y >= top - 1 && y <= top + height + 1;

/** Pixels to the data coordinates of an Axes, linear or log. */
export function toData(axes, [x, y]) {
  const [left, top, width, height] = axes.box;
  const snapped = (value, [a, b]) => (Math.abs(value) < 1e-6 * Math.abs(b - a) ? 0 : value); // float32 pixels make 6e-8 of it
  const between = (lim, scale, part) => (scale === "log" ? lim[0] * (lim[1] / lim[0]) ** part : snapped(lim[0] + (lim[1] - lim[0]) * part, lim));
  return [
    between(axes.xlim, axes.scales[0], (x - left) / width),
    between(axes.ylim, axes.scales[1], 1 - (y - top) / height),
  ];
}

/** Data coordinates of an Axes to pixels: toData turned round. */
export function toPixels(axes, [x, y]) {
  const [left, top, width, height] = axes.box;
  const part = ([a, b], scale, value) => (scale === "log" ? Math.log(value / a) / Math.log(b / a) : (value - a) / (b - a));
  return [left + width * part(axes.xlim, axes.scales[0], x), top + height * (1 - part(axes.ylim, axes.scales[1], y))];
}

/** Where the picture is shown: as a whole, scaled to the width; or, where that is too narrow to read, one Axes below the
 *  other. Returns width and height, the panels { from: box in the picture, scale, y } and the panel of each Axes. */
export function layout([width, height], axes, available) {
  const scale = Math.min(1, available / width);
  const stacked = scale < 0.6 && axes.length > 1 && axes.every(({ panel }) => panel[2] > 0.2 * width);
  const whole = { from: [0, 0, width, height], scale, y: 0 };
  if (!stacked) return { width: width * scale, height: height * scale, panels: [whole], places: axes.map(() => whole) };
  let y = 0;
  const panels = axes.map(({ panel: from }) => {
    const panel = { from, scale: Math.min(1, available / from[2]), y };
    y += from[3] * panel.scale + 8;
    return panel;
  });
  return { width: available, height: y, panels, places: panels };
}

/** The css of a box within another one: as parts of its width and height, or of what is left where it is larger. */
export function partOf([left, top, width, height], [x0, y0, whole, high]) {
  const percent = (part) => `${100 * part}%`;
  return {
    left: percent((left - x0) / whole), top: percent((top - y0) / high),
    width: percent(width / whole), height: percent(height / high),
  };
}

/** Dots for each CSS pixel of a canvas: as many as the screen shows of it, as far as browsers hold so large a canvas. */
export function density(width, height, wanted) {
  return Math.min(wanted, 8192 / Math.max(width, height), Math.sqrt(2 ** 24 / (width * height)));
}
