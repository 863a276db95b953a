// What can be dragged in the picture, its handles: by mouse, finger, or arrow keys on the focused picture.

import { warm } from "./alive.mjs";
import { SWIPE, dialedNow, turnTo } from "./dials.mjs";
import { at, inside, lost, pairs, select, toData, toPixels } from "./geometry.mjs";
import { drawText, strokeLine } from "./marks.mjs";

const FEW = 12; // points: each has a ring; of more, those that were moved
const GRASP = 16; // px from the middle of a ring
const RING = 12; // px, its radius

const clamped = (value, low, size) => Math.min(Math.max(value, low), low + size);
/** A number as finely as an axis of these ends shows it. */
function fine(value, [low, high], scale) {
  const places = Math.max(0, Math.ceil(3 - Math.log10(Math.abs(high - low))));
  return Number(scale === "log" ? value.toPrecision(4) : value.toFixed(Math.min(places, 20)));
}

const trios = (flat) => Array.from({ length: flat.length / 3 }, (_, i) => flat.slice(3 * i, 3 * i + 3));
const short = (values) => values.map((value) => Number(value.toPrecision(3))).join(", ");

/** A place, at the edge of the box where it lies outside. */
export const edged = ([x, y], [left, top, width, height]) => [clamped(x, left, width), clamped(y, top, height)];

/** The two ends of a line [x0, y0, x1, y1], cut where it leaves a box; none where it stays outside. */
function within([x0, y0, x1, y1], [left, top, width, height]) {
  const way = [x1 - x0, y1 - y0], sides = [[x0 - left, way[0]], [left + width - x0, -way[0]], [y0 - top, way[1]], [top + height - y0, -way[1]]];
  let [from, to] = [0, 1];
  for (const [room, speed] of sides) {
    if (speed > 0) from = Math.max(from, -room / speed);
    else if (speed < 0) to = Math.min(to, -room / speed);
    else if (room < 0) return [];
  }
  return from < to ? [from, to].map((part) => [x0 + part * way[0], y0 + part * way[1]]) : [];
}

/** Of each kind of handle: where they are in pixels, what a move to a place in the data sets, what puts it back, and its
 *  name. free: a click anywhere in its Axes moves it there; joined: a line joins them; quiet: of so many, only those that
 *  were moved have a ring. view: { model, shown, first }, where shown() are the marks that
 *  are drawn and first(i) the numbers of the i-th of them at the first step. */
const HANDLES = {
  start: {
    free: true,
    places({ model, shown, first }, { axes }) {
      const path = shown().findIndex((mark) => mark.kind === "path" && mark.axes === axes), where = model.get("axes")[axes];
      if (path < 0) return [];
      const [x, y] = model.get("start"), place = first(path); // lost where the loss is infinite: then at the upper edge
      return [edged(lost(place) && x !== undefined ? toPixels(where, [x, y ?? where.ylim[1]]) : place, where.box)];
    },
    move({ model }, handle, k, there) {
      model.set("start", there.slice(0, model.get("descents")[0].init.inputs[0][0])); // one number or two
    },
    back({ model }) { model.set("start", []); },
    touched: ({ model }) => model.get("start").length > 0,
    name: () => "the start",
    now: ({ model }) => (model.get("start").length ? `Now from the start (${short(model.get("start"))}).` : ""),
  },
  ends: { // of the line of the first step, y = w x + b, whose params are the start: it turns about the other end
    joined: true,
    places: ({ model, first }, { axes, mark }) => within(first(mark), model.get("axes")[axes].box),
    move(view, handle, k, there) {
      const axes = view.model.get("axes")[handle.axes], ends = HANDLES.ends.places(view, handle).map((end) => toData(axes, end));
      const [[x, y], [along]] = [ends[1 - k], ends[k]], slope = (there[1] - y) / (along - x);
      if (Number.isFinite(slope)) view.model.set("start", [slope, y - slope * x]);
    },
    back: (view) => HANDLES.start.back(view),
    touched: (view) => HANDLES.start.touched(view),
    name: (_, handle, k) => (k ? "the other end of the line" : "one end of the line"),
    now: (view) => HANDLES.start.now(view),
  },
  points: {
    ring: 9,
    quiet: (many) => many > FEW,
    places: ({ first }, { mark }) => pairs(first(mark)),
    move({ model }, { axes }, k, [x, y]) {
      const moved = trios(model.get("placed")).filter(([which]) => which !== k), { xlim, ylim, scales } = model.get("axes")[axes];
      model.set("placed", [...moved, [k, fine(x, xlim, scales[0]), fine(y, ylim, scales[1])]].flat());
    },
    back({ model }, handle, k) {
      model.set("placed", trios(model.get("placed")).filter(([which]) => which !== k).flat());
    },
    touched: ({ model }, handle, k) => trios(model.get("placed")).some(([which]) => which === k),
    name: (_, handle, k) => `data point ${k + 1}`,
    now({ model }) {
      return trios(model.get("placed")).map(([k, x, y]) => `Data point ${k + 1} is now at (${x}, ${y}).`).join(" ");
    },
  },
  turn: {
    free: true,
    places({ model }, { axes, dials }) {
      return [toPixels(model.get("axes")[axes], dials.map((k) => dialedNow(model)[k]))];
    },
    move({ model }, { dials }, k, there) {
      const values = [...dialedNow(model)];
      dials.forEach((dial, i) => {
        const { low, high } = model.get("dials")[dial];
        values[dial] = clamped(Number(there[i].toPrecision(3)), low, high - low);
      });
      turnTo(model, values);
    },
    back({ model }, { dials }) {
      turnTo(model, dialedNow(model).map((value, i) => (dials.includes(i) ? model.get("dials")[i].value : value)));
    },
    touched: ({ model }) => model.get("dialed").length > 0,
    name: ({ model }, { dials }) => dials.map((k) => model.get("dials")[k].name).join(" and "),
    now: ({ model }, { dials }) => `Now ${short(dials.map((k) => dialedNow(model)[k]))}.`,
  },
};

/** The handles of a player. view: { model, canvas, asking, index, shown, placeOf, soon }, where shown() are the marks that
 *  are drawn and placeOf(event, i) is the place of a pointer in pixels of the picture, on the panel of the i-th Axes. */
export function handlesOf({ model, canvas, asking, index, shown, placeOf, soon }, signal) {
  let held = null, tapped = null, telling = 0, chosen = 0; // what is held and how far beside its middle, and what a finger may tap; when the kernel is told
  const first = (place) => select(shown()[place], at(index(), model.get("trail"), 0));
  const view = { model, shown, first };
  const on = () => model.get("handles").length > 0 && !asking();
  const axesOf = ({ axes }) => model.get("axes")[axes];

  /** All of them, one for each place: { handle, kind, k, place }. */
  function spots() {
    return model.get("handles").flatMap((handle) => {
      const kind = HANDLES[handle.kind], places = kind.places(view, handle);
      const quiet = kind.quiet?.(places.length) ?? false;
      return places.map((place, k) => ({ handle, kind, k, place, quiet })).filter(({ place }) => place.every(Number.isFinite));
    });
  }

  /** The nearest one to a pointer, no farther than reach, and where it is beside it; one with a ring before others. */
  function near(event, reach) {
    let best = null;
    for (const spot of spots()) {
      const place = placeOf(event, spot.handle.axes);
      if (!place || !inside(axesOf(spot.handle).box, place)) continue;
      const beside = [place[0] - spot.place[0], place[1] - spot.place[1]], far = Math.hypot(...beside);
      const better = !best || (spot.quiet === best.quiet ? far < best.far : best.quiet);
      if (far < (spot.quiet ? Math.min(reach, GRASP) : reach) && better) best = { ...spot, beside, far };
    }
    return best;
  }

  /** Outside of its Axes it stays at the edge. */
  function move({ handle, kind, k }, place) {
    const axes = axesOf(handle);
    kind.move(view, handle, k, toData(axes, edged(place, axes.box)));
  }

  function putBack({ handle, kind, k }) {
    kind.back(view, handle, k);
    model.save_changes();
  }

  /** The kernel hears of it when nothing more is moved. */
  function tell() {
    clearTimeout(telling);
    telling = setTimeout(() => model.save_changes(), 300);
  }

  /** The free handle of the Axes where a pointer is. */
  function free(event) {
    return spots().find(({ handle, kind }) => {
      const place = placeOf(event, handle.axes);
      return kind.free && place && inside(axesOf(handle).box, place);
    });
  }

  /** The pointer, or the focus, has come near. */
  function neared() {
    if (on()) warm(model, index());
  }

  function grasped(event) {
    if (!on() || event.button !== 0 || !event.isPrimary) return; // two fingers zoom
    const spot = near(event, GRASP), elsewhere = spot ? null : free(event);
    tapped = elsewhere && event.pointerType === "touch" ? { ...elsewhere, pointer: event.pointerId, at: [event.clientX, event.clientY] } : null;
    if (tapped) return; // it may scroll the page
    held = spot ?? (elsewhere && { ...elsewhere, beside: [0, 0] });
    if (!held) return;
    chosen = spots().findIndex(({ handle, k }) => handle === held.handle && k === held.k);
    held.pointer = event.pointerId;
    canvas.setPointerCapture(event.pointerId);
    if (elsewhere) move(held, placeOf(event, held.handle.axes)); // a click sets it there
    soon();
  }

  function dragged(event) {
    const place = held?.pointer === event.pointerId && placeOf(event, held.handle.axes);
    if (place) move(held, [place[0] - held.beside[0], place[1] - held.beside[1]]);
  }

  function released(event) {
    const { type, pointerId, clientX, clientY } = event, tap = tapped?.pointer === pointerId && type === "pointerup" && tapped;
    if (tap && Math.hypot(clientX - tap.at[0], clientY - tap.at[1]) < SWIPE) {
      move(tap, placeOf(event, tap.handle.axes));
      model.save_changes();
    }
    if (tapped?.pointer === pointerId) tapped = null;
    if (held?.pointer !== pointerId) return;
    held = null;
    model.save_changes(); // only now the kernel hears of it
    soon();
  }

  /** A finger on a handle drags it; elsewhere it scrolls the page, as usual. */
  function touched(event) {
    if (on() && event.touches.length === 1 && near(event.touches[0], 2 * GRASP)) event.preventDefault();
  }

  function twice(event) {
    const spot = on() && (near(event, GRASP) ?? free(event));
    if (spot) putBack(spot);
  }

  /** The number of what N chooses: of many points all are passed over at once, and with Shift one by one. */
  function next(all, single) {
    const now = all[chosen] ?? all[0], passed = (spot) => now.quiet && !single && spot.handle === now.handle;
    for (let k = 1; k < all.length; k++) if (!passed(all[(chosen + k) % all.length])) return (chosen + k) % all.length;
    return chosen;
  }

  const heard = { pointerdown: grasped, pointermove: dragged, pointerup: released, pointercancel: released, lostpointercapture: released, dblclick: twice };
  for (const event of ["pointerenter", "focus"]) canvas.addEventListener(event, neared, { signal });
  for (const [event, listener] of Object.entries(heard)) canvas.addEventListener(event, listener, { signal });
  canvas.addEventListener("touchstart", touched, { passive: false, signal });
  signal.addEventListener("abort", () => clearTimeout(telling));

  return {
    on,

    /** The i-th slider was moved: where it chooses the start, what was dragged is let go. */
    slid(i) {
      if (!model.get("start").length || !model.get("handles").some(({ chosen }) => chosen?.includes(i))) return;
      model.set("start", []);
      model.save_changes();
    },

    /** The rings; enter(i) makes pixels of the i-th Axes those of the canvas. */
    draw(ctx, enter) {
      const focused = canvas.matches(":focus-visible");
      const all = spots();
      all.forEach(({ handle, kind, k, place, quiet }, i) => {
        const { ink, halo } = axesOf(handle), grabbed = held?.handle === handle && held.k === k;
        const touched = kind.touched(view, handle, k), marked = grabbed || (focused && i === chosen);
        if (quiet && !touched && !marked) return;
        enter(handle.axes);
        if (kind.joined && k > 0) strokeLine(ctx, [all[i - 1].place, place], ink, 1.5, [4, 3]); // the line between two ends
        const radius = kind.ring ?? RING, circle = Array.from({ length: 33 }, (_, turn) => (turn * Math.PI) / 16);
        const ring = circle.map((turn) => [place[0] + radius * Math.cos(turn), place[1] + radius * Math.sin(turn)]);
        strokeLine(ctx, ring, halo, 6, []);
        strokeLine(ctx, ring, ink, marked ? 4 : 2.5, []);
        const around = { halo, span: model.get("size")[0] };
        if (k === 0 && !quiet && !touched) drawText(ctx, "drag", [place[0], place[1] + radius + 3], "center", "top", ink, 16, around);
      });
    },

    title() {
      const points = model.get("handles").some(({ kind }) => kind === "points");
      return `Drag what has a ring${points ? ", or a data point" : ""}; double click puts it back`;
    },

    /** What a key does: way is the direction of an arrow, [1, 0] to the right; null for other keys. Whether it did. */
    pressed(event, way) {
      const all = spots(), spot = all[chosen] ?? all[0];
      if (!spot) return false;
      const [, , width, height] = axesOf(spot.handle).box, step = event.shiftKey ? 1 / 16 : 1 / 80;
      if (event.key === "Home") putBack(spot);
      else if (event.key.toLowerCase() === "n" && all.length > 1) chosen = next(all, event.shiftKey);
      else if (way) move(spot, [spot.place[0] + way[0] * step * width, spot.place[1] + way[1] * step * height]);
      else return false;
      soon();
      tell();
      return true;
    },

    /** All of them, for the sliders of placing.mjs. */
    targets() {
      return spots().map((spot, i) => ({
        name: spot.kind.name(view, spot.handle, spot.k), axes: axesOf(spot.handle), place: spot.place, words: "Put it back",
        act: () => putBack(spot),
        move(place) {
          chosen = i;
          move(spot, place);
          tell();
        },
      }));
    },

    /** What a screen reader says of it. */
    words() {
      const all = spots(), { handle, kind, k } = all[chosen] ?? all[0] ?? {};
      if (!kind) return "";
      const now = new Set(model.get("handles").map((one) => HANDLES[one.kind].now(view, one)));
      const one = all.some(({ quiet }) => quiet) ? " With Shift it goes through the data points one by one." : "";
      const choose = all.length > 1 ? ` N chooses what is moved.${one}` : "";
      const how = `Arrow keys (with Shift: far), a click, dragging or the sliders that follow move ${kind.name(view, handle, k)}; Home puts it back.`;
      return [" ", ...now, how].filter(Boolean).join(" ").replace(/ +/g, " ") + choose;
    },
  };
}
