// The view of a player: a picture that stands still and a canvas above it that draws the marks at the sliders' positions.
// All state is in the model's traits; the geometry is pure and exported for the tests. Pixels are CSS pixels of the picture.
// Inside the stage every place is a part of the stage, in per cent: paper, a zoom or a scaled slide changes them together.

const SANS = '"DejaVu Sans", Verdana, sans-serif';
const NO_ANSWER_MS = 3000;
const NO_ANSWER = "No answer from the kernel yet: is it running? The sliders work without it.";
const NO_PICTURE = "The picture behind the marks is missing: a policy of this page (img-src) blocks it.";
const WORDS = 19; // px, as in marks.py
const JOINER = "\u2060", DOLLAR = "\uff04"; // as in sliders.py
const LESS_MOTION = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)"); // node has none

// --- pure: numbers to words -------------------------------------------------------------------------------------------

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

/** The bytes of a PNG as a URL, for pages that let in no blob:. */
function dataUrl({ buffer, byteOffset, byteLength }) {
  const letters = Array.from(new Uint8Array(buffer, byteOffset, byteLength), (byte) => String.fromCharCode(byte));
  return `data:image/png;base64,${btoa(letters.join(""))}`;
}

// --- pure: geometry ---------------------------------------------------------------------------------------------------

/** A mark with its bytes as `values` (float32 pixels, or the float64 numbers of a text) and the `strides` of its axes. */
export function unpack(mark) {
  const { buffer, byteOffset, byteLength } = mark.data;
  const bytes = buffer.slice(byteOffset, byteOffset + byteLength);
  const values = mark.kind === "text" ? new Float64Array(bytes) : new Float32Array(bytes);
  const strides = mark.shape.map((_, i) => mark.shape.slice(i + 1).reduce((a, b) => a * b, 1));
  return { ...mark, values, strides };
}

/** The numbers of a mark at the sliders' positions; an axis of length 1 serves every position. */
export function select(mark, index) {
  const offset = index.reduce((sum, k, i) => sum + (mark.shape[i] > 1 ? k : 0) * mark.strides[i], 0);
  const length = mark.shape.slice(index.length).reduce((a, b) => a * b, 1);
  return mark.values.subarray(offset, offset + length);
}

const lost = ([x, y]) => Number.isNaN(x) || Number.isNaN(y);
const at = (index, axis, position) => index.map((k, i) => (i === axis ? position : k));
const pairs = (flat) => Array.from({ length: flat.length / 2 }, (_, i) => [flat[2 * i], flat[2 * i + 1]]);

/** The points to draw: of a path the trail up to its step, which ends before the first that is not a number. */
export function pointsOf(mark, index, trail) {
  if (mark.kind !== "path") return pairs(select(mark, index));
  const steps = mark.shape[trail] > 1 ? index[trail] + 1 : 1;
  const points = Array.from({ length: steps }, (_, k) => [...select(mark, at(index, trail, k))]);
  const end = points.findIndex(lost);
  return end < 0 ? points : points.slice(0, end);
}

const HEAD = 15; // px from the base of an arrow's head to its tip

/** The triangle at the tip of an arrow, no longer than the arrow itself; the shaft ends in the middle of its base. */
export function arrowHead([x0, y0], [x1, y1], length = HEAD, half = 7) {
  const size = Math.max(Math.hypot(x1 - x0, y1 - y0), 1e-9);
  const scale = Math.min(length, size) / size;
  const [ax, ay] = [(x1 - x0) * scale, (y1 - y0) * scale], wide = half / length;
  return [[x1, y1], [x1 - ax - ay * wide, y1 - ay + ax * wide], [x1 - ax + ay * wide, y1 - ay - ax * wide]];
}

/** How Play moves a slider: one stride on at its usual pace, in ms; or, for who has asked for less motion, in about eight
 *  stills, a second each. */
export function stills({ stride, labels }, usual, wanted = LESS_MOTION?.matches) {
  return wanted ? { jump: stride * Math.ceil((labels.length - 1) / 8), pace: 1000 } : { jump: stride, pace: usual };
}

/** The words of a text mark: each part followed by its number, and whether the run has diverged. */
export function readout(mark, index) {
  const numbers = [...select(mark, index)], diverged = numbers.pop();
  const words = mark.parts.map(([text, spec]) => text + (spec ? formatNumber(numbers.shift(), spec) : "")).join("");
  return words + (diverged ? " (diverged)" : "");
}

export const inside = ([left, top, width, height], [x, y]) =>
  x >= left - 1 && x <= left + width + 1 && y >= top - 1 && y <= top + height + 1;

/** Pixels to the data coordinates of an Axes, linear or log. */
export function toData(axes, [x, y]) {
  const [left, top, width, height] = axes.box;
  const between = ([a, b], scale, part) => (scale === "log" ? a * (b / a) ** part : a + (b - a) * part);
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
export function within([left, top, width, height], [x0, y0, whole, high]) {
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

const OUTLINES = {
  s: [[-1, -1], [1, -1], [1, 1], [-1, 1]],
  "^": [[0, -1], [1, 1], [-1, 1]],
  D: [[0, -Math.SQRT2], [Math.SQRT2, 0], [0, Math.SQRT2], [-Math.SQRT2, 0]],
};

// --- drawing ----------------------------------------------------------------------------------------------------------

function trace(ctx, points) {
  let lift = true; // the pen, at the start and behind a point that is lost
  ctx.beginPath();
  for (const point of points) {
    if (!lost(point)) lift ? ctx.moveTo(...point) : ctx.lineTo(...point);
    lift = lost(point);
  }
}

function traceMarker(ctx, marker, size, [x, y]) {
  ctx.beginPath();
  if (marker in OUTLINES) {
    for (const [u, v] of OUTLINES[marker]) ctx.lineTo(x + (u * size) / 2, y + (v * size) / 2);
    ctx.closePath();
  } else ctx.arc(x, y, size / 2, 0, 2 * Math.PI);
}

function strokeLine(ctx, points, color, width, dash) {
  ctx.strokeStyle = color;
  ctx.lineWidth = width;
  ctx.setLineDash(dash.map((part) => part * width));
  trace(ctx, points);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** Words with their halo; down to half as large where they would leave the picture, which is span px wide. */
function drawText(ctx, words, [x, y], align, baseline, color, size, { halo, span }) {
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

function drawMarkers(ctx, marker, size, points) {
  for (const point of points.filter((point) => !lost(point))) {
    traceMarker(ctx, marker, size, point);
    ctx.fill();
  }
}

/** One mark on the canvas, in the units of the picture. */
export function drawMark(ctx, mark, box, index, trail) {
  const [left, top, width, height] = box;
  if (mark.kind === "text") {
    const place = [left + mark.at[0] * width, top + (1 - mark.at[1]) * height];
    const words = readout(mark, index), color = words.endsWith("(diverged)") ? mark.warn : mark.color;
    drawText(ctx, words, place, mark.align, "top", color, mark.size, mark);
    return;
  }
  const points = pointsOf(mark, index, trail), head = points.at(-1);
  if (!head || (mark.kind === "arrow" && points.some(lost))) return;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.fillStyle = mark.color;
  ctx.lineJoin = "round";
  ctx.lineCap = mark.cap ?? "round";
  if (mark.kind === "points") {
    ctx.fillStyle = mark.halo;
    if (mark.casing) drawMarkers(ctx, mark.marker, mark.size + 2 * mark.casing, points);
    ctx.fillStyle = mark.color;
    drawMarkers(ctx, mark.marker, mark.size, points);
  }
  else {
    const triangle = mark.kind === "arrow" && arrowHead(...points);
    const shaft = triangle ? [points[0], [0, 1].map((i) => (triangle[1][i] + triangle[2][i]) / 2)] : points;
    if (!triangle || Math.hypot(points[1][0] - points[0][0], points[1][1] - points[0][1]) > HEAD) { // else all head
      strokeLine(ctx, shaft, mark.halo, mark.width + 3, []);
      if (mark.dash.length) ctx.lineCap = "butt";
      strokeLine(ctx, shaft, mark.color, mark.width, mark.dash);
    }
    if (triangle) trace(ctx, triangle), ctx.fill();
    if (mark.dots) drawMarkers(ctx, "o", mark.dots, points);
  }
  ctx.restore();
  if (mark.kind !== "path" || !inside(box, head)) return;
  traceMarker(ctx, mark.marker, mark.size, head);
  ctx.fillStyle = mark.color;
  ctx.fill();
  ctx.strokeStyle = mark.halo;
  ctx.lineWidth = 2;
  ctx.stroke();
  const leftwards = head[0] > mark.turn;
  const aside = [head[0] + (leftwards ? -12 : 12), head[1]];
  if (mark.label) drawText(ctx, mark.label, aside, leftwards ? "right" : "left", "middle", mark.color, WORDS, mark);
}

/** The model of ipywidgets' Play, mended: shown twice it pauses itself, because it starts its clock inside the event that
 *  tells its views; and it runs on when its last view is gone. Start it right after that event, and count the views. */
async function clockOf(model) {
  const play = await model.widget_manager?.get_model(model.get("clock"));
  if (play?.loop && !Object.hasOwn(play, "loop")) calm(play, model.get("sliders")[model.get("trail")]);
  if (!play?.animate) return { closed() {} };
  if (!Object.hasOwn(play, "animate")) {
    const { animate } = play;
    play.animate = () => queueMicrotask(() => animate.call(play));
  }
  play.shown = (play.shown ?? 0) + 1;
  return { closed: () => { if ((play.shown -= 1) === 0) play.pause(); } };
}

/** Let ipywidgets' Play go the way of stills. */
function calm(play, slider) {
  const { loop } = play, usual = play.get("interval");
  play.loop = () => {
    const { jump, pace } = stills(slider, usual), left = play.get("max") - play.get("value");
    play.set({ step: left ? Math.min(jump, left) : jump, interval: pace });
    loop.call(play);
  };
}

/** Let the controls of a player go, which waited for a guess. */
async function unlock(model) {
  for (const id of model.get("locked")) {
    const control = await model.widget_manager?.get_model(id);
    control?.set("disabled", false);
    control?.save_changes();
  }
}

// --- the view ---------------------------------------------------------------------------------------------------------

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "gdviz-player";
  root.dataset.lmSuppressShortcuts = "true"; // JupyterLab leaves the arrow keys on the canvas to us
  root.innerHTML = '<div class="stage"><div></div><canvas></canvas></div><p class="message" role="status"></p>';
  const [stage, panels, canvas, message] = [".stage", ".stage > div", "canvas", "p"].map((css) => root.querySelector(css));
  const ctx = canvas.getContext("2d"), signals = new AbortController();
  let marks = [], plan = null, arranged = [], url = "", frame = 0, cursor = null, waiting = 0, controls = null;

  const index = () => model.get("sliders").map((s, i) => Math.round((model.get(`slider_${i}`) - s.first) / s.stride));
  const asking = () => model.get("asks") >= 0 && !model.get("guess").length; // the controls wait for a guess
  const target = () => (asking() ? model.get("asks") : model.get("clickable")); // the Axes of a click, or -1
  const soon = () => { frame ||= requestAnimationFrame(draw); };

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
    const dots = density(...size, Math.max(shown, devicePixelRatio)), pixels = size.map((n) => Math.round(n * dots));
    if (canvas.width !== pixels[0]) canvas.width = pixels[0];
    if (canvas.height !== pixels[1]) canvas.height = pixels[1];
    ctx.setTransform(1, 0, 0, 1, 0, 0);
    ctx.clearRect(0, 0, ...pixels);
    for (const mark of marks) {
      enter(mark.axes);
      drawMark(ctx, mark, model.get("axes")[mark.axes].box, now, model.get("trail"));
    }
    const guessed = model.get("guess"), asked = model.get("asks");
    if (guessed.length) {
      enter(asked);
      const { ink, halo } = model.get("axes")[asked], place = toPixels(model.get("axes")[asked], guessed);
      ctx.fillStyle = ink;
      drawMarkers(ctx, "D", 13, [place]);
      const around = { halo, span: model.get("size")[0] };
      drawText(ctx, "your guess", [place[0], place[1] + 12], "center", "top", ink, 16, around);
    }
    if (cursor && target() >= 0) {
      enter(target());
      const [x, y] = cursor, { ink } = model.get("axes")[target()];
      for (const [dx, dy] of [[14, 0], [0, 14]]) strokeLine(ctx, [[x - dx, y - dy], [x + dx, y + dy]], ink, 2, []);
    }
    speak(now);
  }

  // What a screen reader says: the picture its caption, a slider its value with the readouts.
  function speak(now) {
    const words = marks.filter((mark) => mark.kind === "text").map((mark) => readout(mark, now)).join("; ");
    const places = model.get("sliders").map((s, i) => `${s.name} ${s.labels[now[i]]}`);
    const start = model.get("clickable") < 0 ? "" : " Arrow keys or a click move the start.";
    const how = asking() ? " Arrow keys and Enter, or a click, make your guess." : start;
    const state = [...places, words].filter(Boolean).join("; ");
    canvas.setAttribute("aria-label", [`${model.get("caption")}${how}`, state].filter(Boolean).join(" Shown: "));
    if (!findControls()) return;
    for (const label of controls.querySelectorAll(".widget-label")) {
      if (!label.textContent.includes(JOINER)) continue;
      label.classList.add("mathjax_ignore", "tex2jax_ignore");
      label.textContent = plain(label.textContent);
      label.title = plain(label.title);
    }
    const handles = controls.querySelectorAll(".noUi-handle, .ui-slider-handle");
    const shown = model.get("sliders").map((s, i) => [s, now[i]]).filter(([s]) => s.labels.length > 1);
    if (handles.length === shown.length) shown.forEach(([slider, k], i) => {
      handles[i].setAttribute("aria-label", slider.name);
      handles[i].setAttribute("aria-valuetext", [slider.labels[k], words].filter(Boolean).join("; "));
    });
    for (const [icon, name] of [["play", "Play"], ["pause", "Pause"], ["stop", "Back to the start"]]) {
      controls.querySelector(`.widget-play .fa-${icon}`)?.parentElement.setAttribute("aria-label", name);
    }
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
      Object.assign(panel.style, within([0, y, from[2] * scale, from[3] * scale], [0, 0, plan.width, plan.height]));
      Object.assign(image.style, within([0, 0, width, height], from));
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

  function showMarks() {
    marks = model.get("marks").map(unpack);
    soon();
  }

  function showClickable() {
    const on = target() >= 0;
    canvas.classList.toggle("clickable", on);
    canvas.setAttribute("role", on ? "application" : "img");
    canvas.tabIndex = on ? 0 : -1;
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

  function clicked(event) {
    const shown = canvas.getBoundingClientRect(), place = plan?.places[target()];
    if (!place || !shown.width) return;
    const { from, scale, y } = place;
    const u = ((event.clientX - shown.left) / shown.width) * plan.width;
    const v = ((event.clientY - shown.top) / shown.height) * plan.height;
    ask([from[0] + u / scale, from[1] + (v - y) / scale]);
  }

  function pressed(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    const axes = model.get("axes")[target()], sets = asking() && cursor && ["Enter", " "].includes(event.key);
    if (!(way || sets) || !axes) return;
    event.preventDefault();
    event.stopPropagation();
    if (sets) return ask(cursor);
    const path = marks.find((mark) => mark.kind === "path" && model.get("axes")[mark.axes] === axes);
    const [left, top, width, height] = axes.box, trail = model.get("trail");
    cursor ??= path ? [...select(path, at(index(), trail, 0))] : [left + width / 2, top + height / 2];
    const fit = (value, low, size) => Math.min(Math.max(value, low), low + size);
    const next = [fit(cursor[0] + (way[0] * width) / 40, left, width), fit(cursor[1] + (way[1] * height) / 40, top, height)];
    if (!asking()) return ask(next);
    cursor = next;
    soon();
  }

  const listeners = {
    "change:picture": showPicture, "change:marks": showMarks, "change:clickable": showClickable,
    "change:asks": showClickable, "change:guess": showClickable,
    "change:answered": say, "change:heard": say, "change:message": say, "change:caption": soon,
    ...Object.fromEntries(model.get("sliders").map((_, i) => [`change:slider_${i}`, soon])),
  };
  for (const [event, listener] of Object.entries(listeners)) model.on(event, listener);
  canvas.addEventListener("click", clicked, { signal: signals.signal });
  canvas.addEventListener("keydown", pressed, { signal: signals.signal });
  canvas.addEventListener("blur", () => { cursor = null; soon(); }, { signal: signals.signal });
  const joined = new MutationObserver(soon), resized = new ResizeObserver(soon);
  resized.observe(root);
  try {
    resized.observe(canvas, { box: "device-pixel-content-box" }); // tells of a move to a screen of another density, too
  } catch {
    resized.observe(canvas); // Safari knows no such box
  }

  el.append(root);
  showMarks(), showPicture(), showClickable(), say();
  const clock = clockOf(model).catch(() => ({ closed() {} })); // a page without widgets has no Play

  return () => {
    for (const [event, listener] of Object.entries(listeners)) model.off(event, listener);
    signals.abort();
    resized.disconnect();
    joined.disconnect();
    cancelAnimationFrame(frame);
    clearTimeout(waiting);
    URL.revokeObjectURL(url);
    clock.then((play) => play.closed());
    root.remove();
  };
}

export default { render };
