// What is heard of the picture: the numbers that are drawn, in words. A slider says its value by itself; what has changed is
// said after a pause, and Play says where it ends.

import { marksNow } from "./alive.mjs";
import { dialedNow, saidOf } from "./dials.mjs";
import { at, inside, lost, pointsOf, select, toData } from "./geometry.mjs";
import { readout } from "./marks.mjs";
import { formatNumber } from "./words.mjs";

const PAUSE = 700; // ms without a change
const TOLD = 3; // paths: of more, none is told where it goes
const STILL = 2; // px: no farther, and it hardly moves

const three = (value) => formatNumber(value, ".3g");
const nameOfPath = (mark, { title, names }) => mark.label || title || (mark.curve ? names[1] || "curve" : "path");

/** The numbers of a path's head: of a curve its height, else the place. "" where it has none yet. */
function headOf(mark, axes, index, trail) {
  const points = pointsOf(mark, index, trail), head = points.at(-1), whole = mark.shape[trail] > 1 ? index[trail] + 1 : 1;
  if (!head || points.length < whole) return head ? "not a number" : "";
  const place = toData(axes, head);
  const words = mark.curve ? three(place[1]) : `(${place.map(three).join(", ")})`;
  return inside(axes.box, head) ? words : "outside the picture";
}

/** The numbers of the picture in words: its readouts or, where there are none, where the head of each path is. */
export function numbersNow(model, index) {
  const marks = marksNow(model, index), texts = marks.filter(({ kind }) => kind === "text");
  const words = texts.length ? texts.map((mark) => readout(mark, index)) : headsNow(model, marks, index).filter(([, place]) => place).map((pair) => pair.join(" "));
  return words.filter(Boolean).join("; ");
}

/** Where the head of each path is: [its name, the place in words]. */
export function headsNow(model, marks, index) {
  return marks.filter(({ kind, space }) => kind === "path" && !space).map((mark) => {
    const axes = model.get("axes")[mark.axes];
    return [nameOfPath(mark, axes), headOf(mark, axes, index, model.get("trail"))];
  });
}

/** The readouts with what each number did in the last step: "loss 5.2, falling". */
function trends(marks, index, trail) {
  const told = (mark) => {
    if (mark.shape[trail] < 2) return readout(mark, index);
    const [now, before] = [index, at(index, trail, index[trail] - 1)].map((where) => [...select(mark, where)]);
    let k = 0;
    const words = mark.parts.map(([text, spec]) => {
      if (!spec) return text;
      const [value, old] = [now[k], before[k]], way = formatNumber(value, spec) === formatNumber(old, spec) ? "" : value < old ? ", falling" : ", rising";
      k += 1;
      return text + formatNumber(value, spec) + (spec.includes("|") || !Number.isFinite(value - old) ? "" : way);
    });
    return words.join("") + (now.at(-1) ? " (diverged)" : "");
  };
  return marks.filter(({ kind }) => kind === "text").map(told);
}

/** Where the paths go in the last step: "the path turns back, up and right". */
function ways(model, marks, index, trail) {
  const paths = marks.filter(({ kind, curve, space }) => kind === "path" && !curve && !space);
  return paths.length > TOLD ? [] : paths.map((mark) => {
    const points = pointsOf(mark, index, trail).slice(-3);
    if (points.length < 2 || points.some(lost)) return "";
    const [last, before] = [1, 2].map((k) => points.at(-k - 1) && [points.at(-k)[0] - points.at(-k - 1)[0], points.at(-k)[1] - points.at(-k - 1)[1]]);
    const name = mark.label || (paths.length > 1 && model.get("axes")[mark.axes].title) || "the path";
    const far = Math.hypot(...last);
    if (far < STILL) return `${name} hardly moves`;
    const along = before ? (last[0] * before[0] + last[1] * before[1]) / (far * Math.max(Math.hypot(...before), 1e-9)) : 1;
    return `${name} ${along < -0.5 ? "turns back," : along < 0.7 ? "turns," : "goes"} ${heading(last, far)}`;
  }).filter(Boolean);
}

function heading([x, y], far) {
  const part = 0.38; // of the way: less is not worth a word
  const down = Math.abs(y) > part * far ? (y > 0 ? "down" : "up") : "", right = Math.abs(x) > part * far ? (x > 0 ? "right" : "left") : "";
  return [down, right].filter(Boolean).join(" and ");
}

/** What is shown now and what changed in the last step, as one sentence. */
function changed(model, index) {
  const marks = marksNow(model, index), trail = model.get("trail"), moves = trail >= 0 && index[trail] > 0;
  const places = model.get("sliders").map(({ name, labels }, i) => labels.length > 1 && `${name} ${labels[index[i]]}`);
  const numbers = moves && marks.some(({ kind }) => kind === "text") ? trends(marks, index, trail) : [numbersNow(model, index)];
  const turned = model.get("dialed").length ? saidOf(model.get("dials"), dialedNow(model)) : [];
  return [...places, ...turned, ...numbers, ...(moves ? ways(model, marks, index, trail) : [])].filter(Boolean).join("; ");
}

/** The line that a screen reader says when it changes, unseen, and what brings it up to date. */
export function earsOf(model, index, signal) {
  const line = Object.assign(document.createElement("p"), { className: "heard" });
  line.setAttribute("role", "status");
  let timer = 0, known = null;
  const say = (words) => { clearTimeout(timer), (known = stateOf()), (line.textContent = words); };
  const stateOf = () => [index(), ...["start", "dialed", "placed"].map((name) => model.get(name))].join("|");
  function played() {
    const slider = model.get("sliders")[model.get("trail")], now = index()[model.get("trail")];
    if (model.get("playing")) return say("Playing.");
    say(`${now === slider.labels.length - 1 ? "The end." : now === 0 ? "Back at the start." : "Paused."} ${changed(model, index())}`);
  }
  model.on("change:playing", played);
  signal.addEventListener("abort", () => { clearTimeout(timer), model.off("change:playing", played); });
  return {
    line,
    /** Called with each picture: says what changed when nothing does any more. */
    follow() {
      const state = stateOf();
      if (state === known || model.get("playing")) return;
      if (known === null) return void (known = state); // as it was first
      known = state;
      clearTimeout(timer);
      timer = setTimeout(() => say(changed(model, index())), PAUSE);
    },
  };
}
