// A player on a page without a kernel: the model that anywidget would give the view, and the browser's own controls.

import { asked, keyOf, partsOf, settingOf, withParts } from "./address.mjs";
import { isMoved } from "./alive.mjs";
import { steady } from "./dials.mjs";
import { numbersNow } from "./ears.mjs";
import { initialize, render } from "./view.mjs";

const COPIED = "The link is copied: whoever opens it sees this setting.";
const WRITTEN = "The link to this setting is in the address bar.";
const players = []; // of each on the page: its model, and its traits at first

/** Bring every player of the page to life that is not yet. */
export function showAll() {
  for (const element of document.querySelectorAll(".gdviz-page:not([data-alive])")) {
    element.dataset.alive = "";
    const asleep = [...element.children];
    try {
      showPlayer(element);
    } catch (error) { // no canvas, say: the still picture stays
      element.replaceChildren(...asleep);
      console.error(error);
    }
  }
}

function showPlayer(element) {
  const { traits, note } = JSON.parse(element.querySelector("script").textContent, revived);
  const model = modelOf(traits), place = make("div"), controls = make("fieldset");
  element.append(place, controls, make("p", { className: "note", textContent: note }));
  const index = () => traits.sliders.map((s, i) => (model.get(`slider_${i}`) - s.first) / s.stride);
  const said = () => numbersNow(model, index());
  traits.sliders.forEach((slider, i) => {
    if (slider.labels.length > 1) controls.append(sliderRow(model, i, slider, said)); // else there is nothing to choose
  });
  const wait = () => { controls.disabled = traits.asks >= 0 && !traits.guess.length; };
  model.on("change:guess", wait);
  const mind = () => element.toggleAttribute("data-moved", isMoved(model.get));
  for (const name of ["start", "dialed", "placed"]) model.on(`change:${name}`, mind);
  controls.addEventListener("keydown", keepKeys);
  const n = players.push({ model, first: { ...traits } });
  const obey = () => {
    const pairs = asked(location, n);
    if (!pairs.length) return []; // an anchor, or another player's
    const { set, hidden, strange } = settingOf(pairs, model.get), { first } = players[n - 1];
    const moving = Object.keys(first).filter((name) => /^(slider_\d+|start|dialed|placed|turned)$/.test(name));
    moving.sort((a, b) => (a === "start") - (b === "start")); // last: a slider that chooses the start lets it go
    for (const name of moving) model.set(name, set[name] ?? first[name]);
    model.set("message", strange);
    return hidden;
  };
  const hidden = obey();
  addEventListener("hashchange", obey);
  initialize({ model });
  render({ model, el: place });
  place.querySelector(".clock").append(copyButton(model));
  hide(element, hidden);
  model.on(`change:slider_${traits.trail}`, () => { if (!element.isConnected) model.set("playing", false); });
  place.addEventListener("keydown", keepKeys);
  wait(), mind();
  element.querySelector(".asleep")?.remove();
  if (element.nextElementSibling?.matches(".caption")) element.nextElementSibling.ariaHidden = "true"; // the picture says it
}

/** Copies the address of the page with the settings of all its players. */
function copyButton(model) {
  const button = make("button", { type: "button", className: "copy", textContent: "Copy link" });
  button.title = "copy the address of this page, with what is shown now";
  button.addEventListener("click", async () => {
    const parts = players.map(({ model: { get }, first }, i) => partsOf(get, first, i + 1)).filter(Boolean).join("&");
    const address = withParts(location, parts);
    try {
      await navigator.clipboard.writeText(address);
      model.set("message", COPIED);
    } catch {
      history.replaceState(null, "", address);
      model.set("message", WRITTEN);
    }
  });
  return button;
}

/** Take away the controls that an address hides, by their names; "controls" is all of them. */
function hide(element, names) {
  const all = names.includes("controls");
  for (const row of element.querySelectorAll("[data-key]")) row.hidden = all || names.includes(row.dataset.key);
  for (const one of element.querySelectorAll(".clock, .copy")) one.hidden = all;
  element.toggleAttribute("data-bare", all);
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
  steady(input);
  for (const other of model.get("sliders").keys()) model.on(`change:slider_${other}`, follow); // the readouts follow all
  for (const other of ["start", "dialed", "placed"]) model.on(`change:${other}`, follow);
  row.append(make("span", { textContent: name, ariaHidden: "true" }), input, shown);
  row.dataset.key = keyOf(name);
  follow();
  return row;
}

/** The keys of a control are not those of the page around it, such as slides. */
function keepKeys(event) {
  if ([" ", "Enter", "Home", "End"].includes(event.key) || event.key.startsWith("Arrow")) event.stopPropagation();
}
