// A 3-D picture that turns: the surface, its box and its ticks, drawn here as soon as one looks from another side than
// matplotlib did. The projection is matplotlib's.

import { numbers } from "./formula.mjs";
import { inside } from "./geometry.mjs";
import { strokeLine } from "./marks.mjs";

const STEEPEST = 89; // degrees: from straight above, left and right change places
const WALL = 0.05; // of the ink
const KEY = 5; // degrees for an arrow key; with Shift three times as far
const [NEAR, FAR_OFF] = [26, 72]; // px from an edge of the box to its numbers and to its name

const radians = (degrees) => (degrees * Math.PI) / 180;
const dot = (a, b) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

/** From where one looks now, [elevation, azimuth] in degrees. */
const viewOf = (model, { space }) => (model.get("turned").length ? model.get("turned") : space.view);

/** What makes pixels and depth of a place in the data of a 3-D Axes, seen from there. */
export function projection({ low, high, aspect, distance, origin, unit }, [elevation, azimuth]) {
  const [e, a] = [radians(elevation), radians(azimuth)];
  const toEye = [Math.cos(e) * Math.cos(a), Math.cos(e) * Math.sin(a), Math.sin(e)];
  const right = [-Math.sin(a), Math.cos(a), 0], up = [-Math.sin(e) * Math.cos(a), -Math.sin(e) * Math.sin(a), Math.cos(e)];
  return (place) => {
    const from = place.map((value, i) => aspect[i] * ((value - low[i]) / (high[i] - low[i]) - 0.5));
    const away = distance - dot(toEye, from);
    return [origin[0] + (unit[0] * dot(right, from)) / away, origin[1] + (unit[1] * dot(up, from)) / away, away];
  };
}

/** The marks of 3-D Axes as they are seen now. */
export function turnedMarks(model, marks) {
  if (!model.get("turned").length) return marks;
  const solid = model.get("solids").map(({ axes }) => axes);
  return marks.map((mark) => {
    if (!mark.space || !solid.includes(mark.axes)) return mark;
    const axes = model.get("axes")[mark.axes], seen = projection(axes.space, viewOf(model, axes));
    const values = Float32Array.from({ length: mark.values.length }, () => NaN);
    for (let k = 0; k < values.length / 2; k++) {
      const [x, y] = seen([mark.space[3 * k], mark.space[3 * k + 1], mark.space[3 * k + 2]]);
      if (Number.isFinite(x) && Number.isFinite(y)) (values[2 * k] = x), (values[2 * k + 1] = y);
    }
    return { ...mark, values };
  });
}

/** Every surface that can be turned and has been; enter(i) makes pixels of the i-th Axes those of the canvas. */
export function drawSolids(ctx, model, enter) {
  if (!model.get("turned").length) return;
  for (const solid of model.get("solids")) {
    const axes = model.get("axes")[solid.axes], seen = projection(axes.space, viewOf(model, axes));
    enter(solid.axes);
    ctx.fillStyle = axes.paper;
    const [left, above, width, height] = axes.panel, top = Math.max(above, axes.box[1]); // a title stays
    ctx.fillRect(left, top, width, above + height - top);
    drawBox(ctx, axes, seen, viewOf(model, axes));
    drawSurface(ctx, solid, seen);
  }
}

/** Its cells, the farthest first, each in the colour of its height. */
function drawSurface(ctx, solid, seen) {
  const { xlim, ylim, n, colors } = solid, heights = (solid.heights ??= numbers(solid.data, Float32Array)), [least, most] = solid.zlim;
  const place = (j, i) => {
    const z = heights[j * n + i];
    return seen([xlim[0] + ((xlim[1] - xlim[0]) * i) / (n - 1), ylim[0] + ((ylim[1] - ylim[0]) * j) / (n - 1), z]);
  };
  const points = Array.from({ length: n * n }, (_, k) => place(Math.floor(k / n), k % n)), cells = [];
  for (let j = 0; j < n - 1; j++) for (let i = 0; i < n - 1; i++) {
    const at = [j * n + i, j * n + i + 1, (j + 1) * n + i + 1, (j + 1) * n + i], corners = at.map((k) => points[k]);
    const height = at.reduce((sum, k) => sum + heights[k], 0) / 4, share = (height - least) / (most - least || 1);
    if (!Number.isFinite(height)) continue;
    const color = colors[Math.min(Math.floor(share * colors.length), colors.length - 1)];
    cells.push({ corners, color, depth: corners.reduce((sum, corner) => sum + corner[2], 0) });
  }
  cells.sort((one, other) => other.depth - one.depth);
  ctx.lineWidth = 0.7; // over the joints
  for (const { corners, color } of cells) {
    ctx.beginPath();
    corners.forEach(([x, y], k) => ctx[k ? "lineTo" : "moveTo"](x, y));
    ctx.closePath();
    ctx.fillStyle = ctx.strokeStyle = color;
    ctx.fill(), ctx.stroke();
  }
}

/** The three walls behind the surface with their grid, and at the edges in front numbers and names. */
function drawBox(ctx, { space, ink }, seen, [elevation, azimuth]) {
  const { low, high, ticks, names, grid } = space;
  const towards = [Math.cos(radians(azimuth)) > 0, Math.sin(radians(azimuth)) > 0, elevation > 0];
  const back = low.map((value, i) => (towards[i] ? value : high[i])), front = low.map((value, i) => (towards[i] ? high[i] : value));
  const with_ = (place, changes) => place.map((value, i) => changes[i] ?? value);
  const line = (from, to) => strokeLine(ctx, [seen(from), seen(to)], grid, 1, []);
  for (const wall of [0, 1, 2]) {
    const [one, other] = [0, 1, 2].filter((i) => i !== wall);
    const corners = [[low, low], [high, low], [high, high], [low, high]].map(([a, b]) => with_(back, { [one]: a[one], [other]: b[other] }));
    ctx.beginPath();
    corners.map(seen).forEach(([x, y], k) => ctx[k ? "lineTo" : "moveTo"](x, y));
    ctx.globalAlpha = WALL;
    ctx.fillStyle = ink;
    ctx.fill();
    ctx.globalAlpha = 1;
    for (const [along, across] of [[one, other], [other, one]])
      for (const value of [low[along], ...ticks[along].map(([at]) => at), high[along]])
        line(with_(back, { [along]: value, [across]: low[across] }), with_(back, { [along]: value, [across]: high[across] }));
  }
  const middle = seen(low.map((value, i) => (value + high[i]) / 2));
  const edges = [with_(front, { 2: back[2] }), with_(front, { 2: back[2] }), with_(front, { 1: back[1] })];
  edges.forEach((edge, i) => {
    const ends = [seen(with_(edge, { [i]: low[i] })), seen(with_(edge, { [i]: high[i] }))];
    strokeLine(ctx, ends, ink, 1, []);
    const centre = [0, 1].map((k) => (ends[0][k] + ends[1][k]) / 2);
    const out = outwards(ends, centre, middle), beside = ([x, y], far) => [x + far * out[0], y + far * out[1]];
    for (const [value, words] of ticks[i]) {
      plainText(ctx, words, beside(seen(with_(edge, { [i]: value })), NEAR), ink, space.small);
    }
    plainText(ctx, names[i], beside(centre, FAR_OFF), ink, space.large);
  });
}

/** The direction at right angles to an edge on the screen, away from the middle of the box. */
function outwards([[x0, y0], [x1, y1]], centre, middle) {
  const length = Math.hypot(x1 - x0, y1 - y0) || 1, across = [(y1 - y0) / length, (x0 - x1) / length];
  const away = across[0] * (centre[0] - middle[0]) + across[1] * (centre[1] - middle[1]) < 0 ? -1 : 1;
  return across.map((part) => part * away);
}

function plainText(ctx, words, [x, y], color, size) {
  ctx.font = `${size}px "DejaVu Sans", Verdana, sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = color;
  ctx.fillText(words, x, y);
}

/** Turning by mouse, finger or keys. view: { model, canvas, placeOf }, where placeOf(event, i) is the place of a pointer
 *  on the panel of the i-th Axes. Returns whether there is something to turn, what a key does, and words. */
export function turning({ model, canvas, placeOf }, signal) {
  let held = null, telling = 0;
  const solids = () => model.get("solids");
  const axesOf = ({ axes }) => model.get("axes")[axes];
  const under = (event) => solids().find((solid) => {
    const place = placeOf(event, solid.axes);
    return place && inside(axesOf(solid).box, place);
  });

  function turn({ space }, [elevation, azimuth]) {
    const [lowest, highest] = [Math.min(0, space.view[0]), Math.max(STEEPEST, space.view[0])];
    const level = Math.min(Math.max(elevation, lowest), highest), round = (value) => Number(value.toFixed(1));
    model.set("turned", [round(level), round(((((azimuth + 180) % 360) + 360) % 360) - 180)]);
  }

  function grasped(event) {
    const solid = event.button === 0 && under(event);
    if (!solid) return;
    held = { solid, from: placeOf(event, solid.axes), view: viewOf(model, axesOf(solid)) };
    canvas.setPointerCapture(event.pointerId);
  }

  function dragged(event) {
    const place = held && placeOf(event, held.solid.axes);
    if (!place) return;
    const [, , width, height] = axesOf(held.solid).box;
    turn(axesOf(held.solid), [held.view[0] + (180 * (place[1] - held.from[1])) / height, held.view[1] - (180 * (place[0] - held.from[0])) / width]);
  }

  function released() {
    if (held) model.save_changes();
    held = null;
  }

  function back() {
    model.set("turned", []);
    model.save_changes();
  }

  const heard = { pointerdown: grasped, pointermove: dragged, pointerup: released, pointercancel: released };
  for (const [event, listener] of Object.entries(heard)) canvas.addEventListener(event, listener, { signal });
  canvas.addEventListener("dblclick", (event) => { if (under(event)) back(); }, { signal });
  canvas.addEventListener("touchstart", (event) => { if (under(event.touches[0])) event.preventDefault(); }, { passive: false, signal });
  signal.addEventListener("abort", () => clearTimeout(telling));

  return {
    on: () => solids().length > 0,

    /** What a key does: way is the direction of an arrow, [1, 0] to the right; null for other keys. Whether it did. */
    pressed(event, way) {
      const far = KEY * (event.shiftKey ? 3 : 1), [elevation, azimuth] = viewOf(model, axesOf(solids()[0]));
      if (event.key === "Home") back();
      else if (way) turn(axesOf(solids()[0]), [elevation + far * way[1], azimuth - far * way[0]]);
      else return false;
      clearTimeout(telling);
      telling = setTimeout(() => model.save_changes(), 300);
      return true;
    },

    words() {
      const now = model.get("turned"), from = now.length ? ` Elevation ${now[0]} degrees, azimuth ${now[1]} degrees.` : "";
      return `${from} Arrow keys (with Shift: far) or dragging turn it; Home puts it back.`;
    },
  };
}
