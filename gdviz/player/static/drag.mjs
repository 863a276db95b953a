// The start of a descent as something to be dragged: by mouse, finger, or arrow keys on the focused picture.

import { at, inside, select, toData } from "./geometry.mjs";
import { drawText, strokeLine } from "./marks.mjs";

const GRASP = 16; // px from the middle of the ring
const RING = 12; // px, its radius

const clamped = (value, low, size) => Math.min(Math.max(value, low), low + size);

/** The ring at the start. view: { model, canvas, asking, index, shown, placeOf, soon }, where shown() are the marks that
 *  are drawn and placeOf(event) is the place of a pointer in pixels of the picture. */
export function startRing({ model, canvas, asking, index, shown, placeOf, soon }, signal) {
  let held = null, telling = 0; // how far beside its middle the ring is held; when the kernel is told
  const on = () => model.get("draggable") >= 0 && !asking();
  const axesOf = () => model.get("axes")[model.get("draggable")];

  /** Where the ring is, in pixels: at the beginning of the first path. */
  function middle() {
    const axes = model.get("draggable"), path = shown().find((mark) => mark.kind === "path" && mark.axes === axes);
    const place = path && [...select(path, at(index(), model.get("trail"), 0))];
    return place?.every(Number.isFinite) ? place : null;
  }

  const near = (place, reach) => {
    const from = middle();
    return from && Math.hypot(place[0] - from[0], place[1] - from[1]) < reach ? from : null;
  };

  /** Outside of its Axes the start stays at the edge. */
  function move([x, y]) {
    const axes = axesOf(), [left, top, width, height] = axes.box;
    const there = toData(axes, [clamped(x, left, width), clamped(y, top, height)]);
    model.set("start", there.slice(0, model.get("descents")[0].init.inputs[0][0])); // one number or two
  }

  function putBack() {
    model.set("start", []);
    model.save_changes();
  }

  function grasped(event) {
    const place = on() && event.button === 0 && placeOf(event);
    if (!place || !inside(axesOf().box, place)) return;
    const from = near(place, GRASP);
    held = from ? [place[0] - from[0], place[1] - from[1]] : [0, 0];
    canvas.setPointerCapture(event.pointerId);
    if (!from) move(place); // a click sets it there
    soon();
  }

  function dragged(event) {
    const place = held && placeOf(event);
    if (place) move([place[0] - held[0], place[1] - held[1]]);
  }

  function released() {
    if (!held) return;
    held = null;
    model.save_changes(); // only now the kernel hears of it
    soon();
  }

  /** A finger on the ring drags it; elsewhere it scrolls the page, as usual. */
  function touched(event) {
    const place = on() && placeOf(event.touches[0]);
    if (place && near(place, 2 * GRASP)) event.preventDefault();
  }

  const heard = { pointerdown: grasped, pointermove: dragged, pointerup: released, pointercancel: released };
  for (const [event, listener] of Object.entries(heard)) canvas.addEventListener(event, listener, { signal });
  canvas.addEventListener("touchstart", touched, { passive: false, signal });
  canvas.addEventListener("dblclick", () => { if (on()) putBack(); }, { signal });
  signal.addEventListener("abort", () => clearTimeout(telling));

  return {
    on,

    draw(ctx) {
      const place = middle(), { ink, halo } = axesOf();
      if (!place) return;
      const circle = Array.from({ length: 33 }, (_, i) => (i * Math.PI) / 16);
      const ring = circle.map((turn) => [place[0] + RING * Math.cos(turn), place[1] + RING * Math.sin(turn)]);
      strokeLine(ctx, ring, halo, 6, []);
      strokeLine(ctx, ring, ink, held ? 4 : 2.5, []);
      const around = { halo, span: model.get("size")[0] };
      if (!model.get("start").length) drawText(ctx, "drag", [place[0], place[1] + RING + 3], "center", "top", ink, 16, around);
    },

    /** What a key does: way is the direction of an arrow, [1, 0] to the right; null for other keys. Whether it did. */
    pressed(event, way) {
      const from = middle(), [, , width, height] = axesOf().box, step = event.shiftKey ? 1 / 16 : 1 / 80;
      if (event.key === "Home") putBack();
      else if (way && from) move([from[0] + way[0] * step * width, from[1] + way[1] * step * height]);
      else return false;
      clearTimeout(telling);
      telling = setTimeout(() => model.save_changes(), 300);
      return true;
    },

    /** What a screen reader says of it. */
    words() {
      const place = model.get("start").map((value) => Number(value.toPrecision(3))).join(", ");
      const now = place && ` Now from the start (${place}).`;
      return `${now} Arrow keys (with Shift: far), a click or dragging move the start; Home puts it back.`;
    },
  };
}
