// One setting beside another: what was kept is drawn pale below what is shown now, with its numbers in words.

import { marksNow } from "./alive.mjs";
import { dialedNow, saidOf } from "./dials.mjs";
import { drawMark, fromBelow, readout } from "./marks.mjs";

const PALE = 0.38; // of the ink of a kept mark
const shades = new WeakMap(); // of each kept setting: a model that has it

/** Whether there is anything to compare: something besides the step can be changed. */
export const canKeep = (model) =>
  model.get("handles").length + model.get("dials").length > 0 ||
  model.get("sliders").some(({ labels }, i) => i !== model.get("trail") && labels.length > 1);

/** What makes the present setting: all but the step. */
function setting(model) {
  const sliders = model.get("sliders").map((_, i) => (i === model.get("trail") ? null : model.get(`slider_${i}`)));
  return { start: model.get("start"), dialed: model.get("dialed"), placed: model.get("placed"), sliders };
}

/** The kept setting at the step that is shown: its marks, and the sliders' positions. null where none is kept. */
function keptNow(model, index) {
  const kept = model.get("kept");
  if (!kept.sliders) return null;
  if (!shades.has(kept)) shades.set(kept, { get: (name) => (name in kept && name !== "sliders" ? kept[name] : model.get(name)) });
  const at = model.get("sliders").map(({ first, stride }, i) =>
    kept.sliders[i] === null ? index[i] : Math.round((kept.sliders[i] - first) / stride));
  return { marks: marksNow(shades.get(kept), at), at };
}

/** Draw what is kept; enter(i) makes pixels of the i-th Axes those of the canvas. */
export function drawKept(ctx, model, index, enter) {
  const kept = keptNow(model, index);
  if (!kept) return;
  ctx.globalAlpha = PALE;
  for (const mark of fromBelow(kept.marks)) {
    if (mark.kind === "text") continue;
    enter(mark.axes);
    drawMark(ctx, mark, model.get("axes")[mark.axes].box, kept.at, model.get("trail"));
  }
  ctx.globalAlpha = 1;
}

/** The setting and the numbers of what is kept, in words; "" where nothing is. */
function keptWords(model, index) {
  const kept = keptNow(model, index);
  if (!kept) return "";
  const { start, placed } = model.get("kept"), values = dialedNow(shades.get(model.get("kept")));
  const places = model.get("sliders").flatMap(({ name, labels }, i) =>
    i === model.get("trail") || labels.length < 2 ? [] : [`${name} ${labels[kept.at[i]]}`]);
  const turned = saidOf(model.get("dials"), values);
  const from = start.length ? [`start (${start.map((value) => Number(value.toPrecision(3))).join(", ")})`] : [];
  const data = placed?.length ? [`${placed.length / 3} data ${placed.length > 3 ? "points" : "point"} moved`] : [];
  const numbers = kept.marks.filter(({ kind }) => kind === "text").map((mark) => readout(mark, kept.at));
  return `Kept, pale: ${[...turned, ...places, ...from, ...data, ...numbers].join("; ")}`;
}

/** Set the words of an element where they change: the view draws anew when its box does. */
const tell = (element, text) => { if (element.textContent !== text) element.textContent = text; };

/** The button that keeps and lets go, the words below, and what brings both up to date. */
export function keeper(model, asking, signal) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "keep" });
  const words = Object.assign(document.createElement("p"), { className: "kept" });
  const on = () => Boolean(model.get("kept").sliders);
  button.addEventListener("click", () => {
    model.set("kept", on() ? {} : setting(model));
    model.save_changes();
  }, { signal });
  return {
    button,
    words,
    follow(index) {
      tell(button, on() ? "Let go" : "Keep");
      button.title = on() ? "take the pale setting away" : "keep this setting, pale, beside the next one";
      button.disabled = asking();
      button.hidden = !canKeep(model);
      tell(words, keptWords(model, index));
    },
  };
}
