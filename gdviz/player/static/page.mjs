// A player on a page without a kernel: the model that anywidget would give the view, and the browser's own controls.

import { marksNow } from "./alive.mjs";
import { readout } from "./marks.mjs";
import { initialize, render } from "./view.mjs";

/** Bring every player of the page to life that is not yet. */
export function showAll() {
  for (const element of document.querySelectorAll(".gdviz-page:not([data-alive])")) {
    element.dataset.alive = "";
    showPlayer(element);
  }
}

function showPlayer(element) {
  const { traits, note } = JSON.parse(element.querySelector("script").textContent, revived);
  const model = modelOf(traits), place = make("div"), controls = make("fieldset");
  element.append(place, controls, make("p", { className: "note", textContent: note }));
  const index = () => traits.sliders.map((s, i) => (model.get(`slider_${i}`) - s.first) / s.stride);
  const words = () => marksNow(model, index()).filter((mark) => mark.kind === "text");
  const said = () => words().map((mark) => readout(mark, index())).join("; ");
  traits.sliders.forEach((slider, i) => {
    if (slider.labels.length > 1) controls.append(sliderRow(model, i, slider, said)); // else there is nothing to choose
  });
  const wait = () => { controls.disabled = traits.asks >= 0 && !traits.guess.length; };
  model.on("change:guess", wait);
  const mind = () => element.toggleAttribute("data-moved", traits.start.length + traits.dialed.length > 0);
  for (const name of ["start", "dialed"]) model.on(`change:${name}`, mind);
  controls.addEventListener("keydown", keepKeys);
  initialize({ model });
  render({ model, el: place });
  model.on(`change:slider_${traits.trail}`, () => { if (!element.isConnected) model.set("playing", false); });
  place.addEventListener("keydown", keepKeys);
  wait(), mind();
  element.querySelector(".asleep")?.remove();
}

const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

/** Bytes, where pages.py has written them as base64. */
function revived(_, value) {
  if (typeof value?.base64 !== "string") return value;
  return new DataView(Uint8Array.from(atob(value.base64), (letter) => letter.charCodeAt(0)).buffer);
}

function modelOf(traits) {
  const listeners = [];
  return {
    get: (name) => traits[name],
    set(name, value) {
      traits[name] = value;
      for (const [event, listener] of [...listeners]) if (event === `change:${name}`) listener();
    },
    alone: true, // there is no kernel to tell
    save_changes() {},
    on: (event, listener) => listeners.push([event, listener]),
    off(event, listener) {
      const i = listeners.findIndex(([e, l]) => e === event && l === listener);
      if (i >= 0) listeners.splice(i, 1);
    },
  };
}

/** A name, a slider over the positions and the label of the present one, which a screen reader says with the readouts. */
function sliderRow(model, i, { name, first, stride, labels }, said) {
  const row = make("label", { className: "slider" }), shown = make("span", { className: "value" });
  const input = make("input", { type: "range", min: 0, max: labels.length - 1, step: 1 });
  const longest = Math.max(...labels.map((label) => label.length));
  shown.style.minWidth = `min(${longest}ch, 40%)`; // no label moves the slider
  shown.setAttribute("aria-hidden", "true"); // it is the slider's value, said below
  input.setAttribute("aria-label", name);
  function follow() {
    const k = Math.round((model.get(`slider_${i}`) - first) / stride);
    input.value = k;
    shown.textContent = labels[k];
    input.setAttribute("aria-valuetext", [labels[k], said()].filter(Boolean).join("; "));
  }
  input.addEventListener("input", () => model.set(`slider_${i}`, first + stride * Number(input.value)));
  for (const other of model.get("sliders").keys()) model.on(`change:slider_${other}`, follow); // the readouts follow all
  for (const other of ["start", "dialed"]) model.on(`change:${other}`, follow);
  row.append(make("span", { textContent: name }), input, shown);
  follow();
  return row;
}

/** The keys of a control are not those of the page around it, such as slides. */
function keepKeys(event) {
  if ([" ", "Enter", "Home", "End"].includes(event.key) || event.key.startsWith("Arrow")) event.stopPropagation();
}
