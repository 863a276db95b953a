// The view of a player: a picture that stands still and a canvas above it that draws the marks at the sliders' positions.
// All state is in the model's traits. Inside the stage every place is a part of the stage, in per cent: paper, a zoom or a
// scaled slide changes them together.

import { isMoved, marksNow } from "./alive.mjs";
import { clockButtons, runClock } from "./clock.mjs";
import { nameControls, unlock } from "./controls.mjs";
import { dialRows } from "./dials.mjs";
import { handlesOf } from "./drag.mjs";
import { earsOf, numbersNow } from "./ears.mjs";
import { at, density, inside, layout, select, toData, partOf } from "./geometry.mjs";
import { guessOf } from "./guess.mjs";
import { drawKept, keeper } from "./kept.mjs";
import { drawMark, fromBelow, strokeLine } from "./marks.mjs";
import { placing } from "./placing.mjs";
import { tableOf } from "./table.mjs";
import { drawSolids, turning } from "./turn.mjs";

const NO_ANSWER_MS = 3000;
const NO_ANSWER = "No answer from the kernel yet: is it running? The sliders work without it.";
const LEAST = 2; // dots for each CSS pixel at rest, as the PNG has: WebKit tells of no zoom; what moves has the screen's
const REST = 250; // ms
const NO_CANVAS = "This browser refuses a canvas, or is too old: the picture stands still.";
const NO_PICTURE = "The picture behind the marks is missing: a policy of this page (img-src) blocks it.";

/** The bytes of a PNG as a URL, for pages that let in no blob:. */
function dataUrl({ buffer, byteOffset, byteLength }) {
  const letters = Array.from(new Uint8Array(buffer, byteOffset, byteLength), (byte) => String.fromCharCode(byte));
  return `data:image/png;base64,${btoa(letters.join(""))}`;
}

/** Called once for each model, before its views. */
export const initialize = ({ model }) => runClock(model);

export function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "gdviz-player";
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves the arrow keys on the canvas to us
  root.innerHTML = '<div class="stage"><div></div><canvas role="img"></canvas></div><div class="clock"></div><div class="dials"></div><p class="message" role="status"></p>';
  const [stage, panels, canvas, clock, dialed, message] = [".stage", ".stage > div", "canvas", ".clock", ".dials", "p"].map((css) => root.querySelector(css));
  const ctx = canvas.getContext("2d"), signals = new AbortController();
  if (!ctx || ![].at) throw new Error(NO_CANVAS); // before anything is shown: the still picture is
  let plan = null, arranged = [], url = "", frame = 0, cursor = null, waiting = 0, resting = 0, fine = true, controls = null;

  const index = () => model.get("sliders").map((s, i) => Math.round((model.get(`slider_${i}`) - s.first) / s.stride));
  const asking = () => model.get("asks") >= 0 && !model.get("guess").length; // the controls wait for a guess
  const target = () => (asking() ? model.get("asks") : model.get("clickable")); // or -1
  const soon = () => { frame ||= requestAnimationFrame(draw); };
  const moved = () => { fine = false, soon(); };
  const settle = () => { hand.follow(), fine || (fine = true, soon()); };

  // Units of the picture to those of the canvas, for what is drawn on one Axes.
  function enter(i) {
    const { from, scale, y } = plan.places[i], dense = canvas.width / plan.width;
    ctx.setTransform(scale * dense, 0, 0, scale * dense, -from[0] * scale * dense, (y - from[1] * scale) * dense);
  }

  function draw() {
    frame = 0;
    arrange();
    const now = index(); // drawn also where nobody sees it yet: paper shows slides that were never turned to
    const size = [canvas.clientWidth || plan.width, canvas.clientHeight || plan.height];
    const shown = (devicePixelRatio * canvas.getBoundingClientRect().width) / size[0]; // within a zoom or a scaled slide
    const dots = density(...size, Math.max(shown, devicePixelRatio, fine ? LEAST : 1)), pixels = size.map((n) => Math.round(n * dots));
    if (canvas.width !== pixels[0]) canvas.width = pixels[0];
    if (canvas.height !== pixels[1]) canvas.height = pixels[1];
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, ...pixels);
    drawSolids(ctx, model, enter);
    drawKept(ctx, model, now, enter);
    for (const mark of fromBelow(marksNow(model, now))) {
      enter(mark.axes);
      drawMark(ctx, mark, model.get("axes")[mark.axes].box, now, model.get("trail"));
    }
    if (handles.on()) handles.draw(ctx, enter);
    if (guessed.follow(now)) message.textContent = guessed.words();
    guessed.draw(ctx, enter);
    if (cursor && target() >= 0) {
      enter(target());
      const [x, y] = cursor, { ink } = model.get("axes")[target()];
      for (const [dx, dy] of [[14, 0], [0, 14]]) strokeLine(ctx, [[x - dx, y - dy], [x + dx, y + dy]], ink, 2, []);
    }
    speak(now);
    ears.follow();
    table.follow();
    clearTimeout(resting);
    resting = setTimeout(settle, REST);
  }

  // What a screen reader says: the picture its caption, a slider its value with the readouts.
  function speak(now) {
    const words = numbersNow(model, now);
    const places = model.get("sliders").map((s, i) => `${s.name} ${s.labels[now[i]]}`);
    const click = model.get("clickable") < 0 ? "" : " Arrow keys, a click or the sliders that follow move the start.";
    const start = handles.on() ? handles.words() : solid.on() ? solid.words() : click;
    const how = asking() ? " Arrow keys and Enter, a click, or the sliders that follow make your guess." : start;
    const state = [...places, ...dials.said(), words, guessed.words()].filter(Boolean).join("; ");
    const first = isMoved((name) => model.get(name)) ? "As it was first: " : "";
    const told = model.get(now[Math.max(model.get("trail"), 0)] === 0 ? "opening" : "caption");
    canvas.setAttribute("aria-label", [`${first}${told}${how}`, state].filter(Boolean).join(" Shown: "));
    dials.follow(words);
    keep.follow(now);
    if (findControls()) nameControls(controls, model, now, words);
  }

  // The box of the controls, which come each in its time.
  function findControls() {
    const found = root.closest(".widget-vbox");
    if (found && found !== controls) {
      joined.observe(found, { childList: true, subtree: true });
      found.addEventListener("input", typed, { signal: signals.signal });
    }
    return (controls = found);
  }

  function arrange() {
    const [width, height] = model.get("size");
    root.style.width = `${width}px`; // at most: the style sheet says max-width: 100%
    const available = root.clientWidth || width;
    if (arranged[0] === url && arranged[1] === available) return;
    arranged = [url, available];
    plan = layout([width, height], model.get("axes"), available);
    stage.style.setProperty("--width", `${plan.width}px`);
    stage.style.setProperty("--ratio", plan.width / plan.height);
    stage.style.background = model.get("axes")[0]?.paper ?? "";
    while (panels.children.length > plan.panels.length) panels.lastChild.remove();
    plan.panels.forEach(({ from, scale, y }, i) => {
      const panel = panels.children[i] ?? panels.appendChild(document.createElement("div"));
      const image = panel.firstChild ?? panel.appendChild(document.createElement("img"));
      Object.assign(panel.style, partOf([0, y, from[2] * scale, from[3] * scale], [0, 0, plan.width, plan.height]));
      Object.assign(image.style, partOf([0, 0, width, height], from));
      if (image.src !== url) image.src = url;
      image.alt = ""; // the canvas above speaks for both
      image.onerror = () => { if (image.src === url) pictureLost(); };
    });
  }

  function showPicture() {
    URL.revokeObjectURL(url);
    url = URL.createObjectURL(new Blob([model.get("picture")], { type: "image/png" }));
    arrange();
    soon();
  }

  function pictureLost() {
    if (url.startsWith("data:")) message.textContent = NO_PICTURE;
    else url = dataUrl(model.get("picture")), soon();
  }

  function showClickable() {
    const on = target() >= 0 || handles.on() || solid.on();
    canvas.classList.toggle("clickable", on);
    const turns = solid.on() ? "Drag to turn it; double click puts it back" : "";
    canvas.title = handles.on() ? handles.title() : turns;
    canvas.tabIndex = on ? 0 : -1;
    play.follow();
    soon();
  }

  function say() {
    clearTimeout(waiting);
    message.textContent = model.get("message");
  }

  // Whatever goes to the kernel: where no answer comes, a sentence says so. A page is alone and waits for none.
  function wait() {
    clearTimeout(waiting);
    if (!model.alone) waiting = setTimeout(() => { message.textContent = NO_ANSWER; }, NO_ANSWER_MS);
  }

  function typed({ target }) {
    if (target.matches("input[type=text]")) wait();
  }

  function send(name, value) {
    wait();
    model.set(name, value);
    model.save_changes();
  }

  function guess(place) {
    message.textContent = "Your guess is noted. Now move it.";
    cursor = null;
    unlock(model);
    send("guess", toData(model.get("axes")[model.get("asks")], place));
  }

  function ask(place) {
    const axes = model.get("axes")[target()];
    if (!axes || !inside(axes.box, place)) return;
    if (asking()) return guess(place);
    cursor = place;
    soon();
    send("click", [...toData(axes, place), (model.get("click")[2] ?? 0) + 1]);
  }

  /** The place of a pointer in pixels of the picture, on the panel of this Axes. */
  function placeOf(event, axes) {
    const shown = canvas.getBoundingClientRect(), place = plan?.places[axes];
    if (!place || !shown.width) return null;
    const { from, scale, y } = place;
    const u = ((event.clientX - shown.left) / shown.width) * plan.width;
    const v = ((event.clientY - shown.top) / shown.height) * plan.height;
    return [from[0] + u / scale, from[1] + (v - y) / scale];
  }

  function clicked(event) {
    const place = placeOf(event, target());
    if (place) ask(place);
  }

  // Where a guess or a click by keys begins: at the first path's start, else in the middle.
  function somewhere(axes) {
    const path = shown().find((mark) => mark.kind === "path" && model.get("axes")[mark.axes] === axes);
    const [left, top, width, height] = axes.box;
    return path ? [...select(path, at(index(), model.get("trail"), 0))] : [left + width / 2, top + height / 2];
  }

  // What the two sliders place.
  function targets() {
    const axes = model.get("axes")[target()], name = asking() ? "your guess" : "the start", words = asking() ? "Guess here" : "Start here";
    if (!axes) return handles.on() ? handles.targets() : [];
    return [{ axes, name, words, place: cursor ?? somewhere(axes), act: ask, move: (place) => { cursor = place, soon(); }, goesOn: true }];
  }

  function pressed(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const axes = model.get("axes")[target()], sets = asking() && cursor && ["Enter", " "].includes(event.key);
    const hand = handles.on() ? handles : !axes && solid.on() ? solid : null;
    if (!(hand ? hand.pressed(event, way) : axes && (way || sets))) return;
    event.preventDefault();
    event.stopPropagation();
    if (hand) return;
    if (sets) return ask(cursor);
    const [left, top, width, height] = axes.box;
    cursor ??= somewhere(axes);
    const fit = (value, low, size) => Math.min(Math.max(value, low), low + size);
    const next = [fit(cursor[0] + (way[0] * width) / 40, left, width), fit(cursor[1] + (way[1] * height) / 40, top, height)];
    if (!asking()) return ask(next);
    cursor = next;
    soon();
  }

  const shown = () => marksNow(model, index()), guessed = guessOf(model);
  const handles = handlesOf({ model, canvas, asking, index, shown, placeOf, soon }, signals.signal);
  const solid = turning({ model, canvas, placeOf }, signals.signal);
  const tell = () => { if (!model.get("descents").length) wait(); model.save_changes(); };
  const dials = dialRows(model, { asking, say: (words) => { message.textContent = words; }, told: tell }, signals.signal);
  const listeners = {
    "change:picture": showPicture, "change:marks": soon, "change:clickable": showClickable,
    "change:handles": showClickable, "change:descents": soon, "change:start": moved, "change:dialed": moved,
    "change:placed": moved, "change:turned": moved, "change:kept": soon,
    "change:asks": showClickable, "change:guess": showClickable,
    "change:answered": say, "change:heard": say, "change:message": say, "change:caption": soon, "change:opening": soon,
    ...Object.fromEntries(model.get("sliders").map((_, i) => [`change:slider_${i}`, () => (handles.slid(i), moved())])),
  };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  canvas.addEventListener("click", clicked, { signal: signals.signal });
  canvas.addEventListener("keydown", pressed, { signal: signals.signal });
  root.addEventListener("focusout", ({ relatedTarget }) => { if (!root.contains(relatedTarget)) cursor = null, soon(); }, { signal: signals.signal });
  const joined = new MutationObserver(soon), resized = new ResizeObserver(soon);
  resized.observe(root);
  try {
    resized.observe(canvas, { box: "device-pixel-content-box" }); // tells of a move to a screen of another density, too
  } catch {
    resized.observe(canvas); // Safari knows no such box
  }

  const play = clockButtons(model, asking, signals.signal);
  const keep = keeper(model, asking, signals.signal);
  const ears = earsOf(model, index, signals.signal), table = tableOf(model, index, asking, signals.signal);
  const hand = placing(targets, () => play.buttons[0], signals.signal);
  clock.append(...play.buttons, keep.button, table.button);
  clock.after(keep.words, table.place);
  clock.before(hand.field);
  message.after(ears.line);
  dialed.append(...dials.rows);
  el.append(root);
  showPicture(), showClickable(), say(), hand.follow();

  return () => {
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
    signals.abort();
    resized.disconnect();
    joined.disconnect();
    cancelAnimationFrame(frame);
    clearTimeout(waiting), clearTimeout(resting);
    URL.revokeObjectURL(url);
    play.closed();
    root.remove();
  };
}

export default { initialize, render };
