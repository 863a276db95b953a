// The marks on the canvas: one entry for each kind, which draws it in the units of the picture. The same pixels, drawn by
// matplotlib, are in marks.py.

import { inside, lost, pointsOf, select } from "./geometry.mjs";
import { heightsOf, labelsAt, linesAt } from "./levels.mjs";
import { formatNumber } from "./words.mjs";

const SANS = '"DejaVu Sans", Verdana, sans-serif';
const WORDS = 19; // px, as in pen.py
const ASIDE = 12; // px from a head to its label
const HEIGHT = 16; // px of the words on contours, as in contours.py

/** What draws each kind of mark: (ctx, mark, box of its Axes, positions of the sliders, the slider of the steps). */
const KINDS = {
  path(ctx, mark, box, index, trail) {
    const points = pointsOf(mark, index, trail);
    if (!points.length) return;
    clipTo(ctx, mark, box, () => {
      strokeOnHalo(ctx, mark, points);
      if (mark.dots) drawMarkers(ctx, "o", mark.dots, points);
    });
    if (inside(box, points.at(-1))) drawHead(ctx, mark, points.at(-1));
  },
  line(ctx, mark, box, index, trail) {
    const points = pointsOf(mark, index, trail);
    if (points.length) clipTo(ctx, mark, box, () => strokeOnHalo(ctx, mark, points));
  },
  points(ctx, mark, box, index, trail) {
    const points = pointsOf(mark, index, trail);
    clipTo(ctx, mark, box, () => {
      ctx.fillStyle = mark.halo;
      if (mark.casing) drawMarkers(ctx, mark.marker, mark.size + 2 * mark.casing, points);
      ctx.fillStyle = mark.color;
      drawMarkers(ctx, mark.marker, mark.size, points);
    });
  },
  arrow(ctx, mark, box, index, trail) {
    const [tail, tip] = pointsOf(mark, index, trail);
    if (lost(tail) || lost(tip)) return;
    const head = arrowHead(tail, tip), base = [0, 1].map((i) => (head[1][i] + head[2][i]) / 2);
    clipTo(ctx, mark, box, () => {
      // one no longer than the head is all head: what rounding leaves of a shaft is none
      if (Math.hypot(tip[0] - tail[0], tip[1] - tail[1]) > HEAD) strokeOnHalo(ctx, mark, [tail, base]);
      trace(ctx, head);
      ctx.fill();
    });
  },
  contours(ctx, mark, box, index) {
    const { lines, labels } = linesOf(mark, index), [[left, bottom], [right, top]] = mark.corners;
    const n = mark.shape.at(-1), [across, up] = [(right - left) / (n - 1), (top - bottom) / (n - 1)];
    clipTo(ctx, mark, box, () => {
      ctx.beginPath();
      for (const line of lines) line.forEach(([x, y], k) => ctx[k ? "lineTo" : "moveTo"](left + across * x, bottom + up * y));
      ctx.strokeStyle = mark.color;
      ctx.lineWidth = mark.width;
      ctx.stroke();
    });
    for (const [u, v, words] of labels) drawText(ctx, words, [left + u * (right - left), bottom + v * (top - bottom)], "center", "middle", mark.ink, HEIGHT, mark);
  },
  text(ctx, mark, [left, top, width, height], index) {
    const place = [left + mark.at[0] * width, top + (1 - mark.at[1]) * height];
    const words = readout(mark, index), color = words.endsWith("(diverged)") ? mark.warn : mark.color;
    drawText(ctx, words, place, mark.align, "top", color, mark.size, mark);
  },
};

const drawnLines = new WeakMap(); // of each mark: the lines of its contours with their heights, and at which positions

function linesOf(mark, index) {
  const mesh = select(mark, index), known = drawnLines.get(mark);
  if (known?.at === mesh.byteOffset) return known;
  const heights = heightsOf(mark.levels, mesh), drawn = { at: mesh.byteOffset, lines: linesAt(mesh, heights), labels: labelsAt(mesh, heights) };
  drawnLines.set(mark, drawn);
  return drawn;
}

/** Marks in the order in which they are drawn: contours lie below all others. */
export const fromBelow = (marks) => [...marks].sort((one, other) => (other.kind === "contours") - (one.kind === "contours"));

/** One mark on the canvas. */
export function drawMark(ctx, mark, box, index, trail) {
  KINDS[mark.kind](ctx, mark, box, index, trail);
}

/** The words of a text mark: each part followed by its number, and whether the run has diverged. */
export function readout(mark, index) {
  const numbers = [...select(mark, index)], diverged = numbers.pop();
  const words = mark.parts.map(([text, spec]) => text + (spec ? formatNumber(numbers.shift(), spec) : "")).join("");
  return words + (diverged ? " (diverged)" : "");
}

const HEAD = 15; // px from the base of an arrow's head to its tip

/** The triangle at the tip of an arrow, no longer than the arrow itself; the shaft ends in the middle of its base. */
export function arrowHead([x0, y0], [x1, y1], length = HEAD, half = 7) {
  const size = Math.max(Math.hypot(x1 - x0, y1 - y0), 1e-9);
  const scale = Math.min(length, size) / size;
  const [ax, ay] = [(x1 - x0) * scale, (y1 - y0) * scale], wide = half / length;
  return [[x1, y1], [x1 - ax - ay * wide, y1 - ay + ax * wide], [x1 - ax + ay * wide, y1 - ay - ax * wide]];
}

const ARM = 1 / 6; // of a cross, as in pen.py
const QUARTER = [[-ARM, -1], [ARM, -1], [ARM, -ARM], [1, -ARM], [1, ARM], [ARM, ARM]];
const OUTLINES = {
  "+": [...QUARTER, ...QUARTER.map(([u, v]) => [-u, -v])],
  s: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  "^": [[0, -1], [1, 1], [-1, 1]],
  D: [[0, -Math.SQRT2], [Math.SQRT2, 0], [0, Math.SQRT2], [-Math.SQRT2, 0]],
};

/** Draw within the box of an Axes, with the colour and the ends of a mark. */
function clipTo(ctx, mark, [left, top, width, height], draw) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.fillStyle = mark.color;
  ctx.lineJoin = "round";
  ctx.lineCap = mark.cap ?? "round";
  draw();
  ctx.restore();
}

/** A line, dashed or not, on its halo. */
function strokeOnHalo(ctx, mark, points) {
  strokeLine(ctx, points, mark.halo, mark.width + 3, []);
  if (mark.dash.length) ctx.lineCap = "butt";
  strokeLine(ctx, points, mark.color, mark.width, mark.dash);
}

/** The marker at the end of a path, with its label. */
function drawHead(ctx, mark, head) {
  traceMarkers(ctx, mark.marker, mark.size, [head]);
  ctx.fillStyle = mark.color;
  ctx.fill();
  ctx.strokeStyle = mark.halo;
  ctx.lineWidth = 2;
  ctx.stroke();
  if (!mark.label) return;
  const leftwards = head[0] > mark.turn, place = [head[0] + (leftwards ? -ASIDE : ASIDE), head[1]];
  drawText(ctx, mark.label, place, leftwards ? "right" : "left", "middle", mark.color, WORDS, mark);
}

function trace(ctx, points) {
  let lift = true; // the pen, at the start and behind a point that is lost
  ctx.beginPath();
  for (const point of points) {
    if (!lost(point)) lift ? ctx.moveTo(...point) : ctx.lineTo(...point);
    lift = lost(point);
  }
}

/** The outlines of markers as one path, which is filled at once. */
function traceMarkers(ctx, marker, size, points) {
  ctx.beginPath();
  for (const [x, y] of points) {
    if (!(marker in OUTLINES)) {
      ctx.moveTo(x + size / 2, y);
      ctx.arc(x, y, size / 2, 0, 2 * Math.PI); // is closed: closePath would take most of the time
      continue;
    }
    OUTLINES[marker].forEach(([u, v], k) => ctx[k ? "lineTo" : "moveTo"](x + (u * size) / 2, y + (v * size) / 2));
    ctx.closePath();
  }
}

export function strokeLine(ctx, points, color, width, dash) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash.map((part) => part * width));
  trace(ctx, points);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Words with their halo; down to half as large where they would leave the picture, which is span px wide. */
export function drawText(ctx, words, [x, y], align, baseline, color, size, { halo, span }) {
  const room = { left: span - x, right: x, center: 2 * Math.min(x, span - x) }[align];
  ctx.font = `bold ${size}px ${SANS}`;
  const fit = Math.min(1, Math.max(room / ctx.measureText(words).width, 0.5));
  ctx.font = `bold ${size * fit}px ${SANS}`;
  ctx.textAlign = align;
  ctx.textBaseline = baseline;
  ctx.lineWidth = 5;
  ctx.lineJoin = "round";
  ctx.strokeStyle = halo;
  ctx.strokeText(words, x, y);
  ctx.fillStyle = color;
  ctx.fillText(words, x, y);
}

export function drawMarkers(ctx, marker, size, points) {
  traceMarkers(ctx, marker, size, points.filter((point) => !lost(point)));
  ctx.fill();
}
