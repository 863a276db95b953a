// Places by two native sliders, x and y: a screen reader keeps the arrow keys from a picture, but not from them. They are
// seen while one of them has the focus.

import { edged } from "./drag.mjs";
import { toData } from "./geometry.mjs";

const NOTCHED = 80; // of a slider

/** The controls and what brings them up to date. targets() are what can be placed now, each { name, axes, place in pixels,
 *  move(place), words and act(place) of its button }; next() has the focus when the button was pressed. */
export function placing(targets, next, signal) {
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const field = make("fieldset", { className: "placing" }), legend = make("legend"), which = make("select"), button = make("button", { type: "button" });
  const sliders = [0, 1].map(() => make("input", { type: "range", min: 0, max: NOTCHED, step: 1 })), names = sliders.map(() => make("span", { ariaHidden: "true" }));
  let all = [], at = 0;
  which.setAttribute("aria-label", "what is placed");
  field.append(legend, which);
  sliders.forEach((slider, axis) => {
    const row = make("label");
    row.append(names[axis], slider);
    field.append(row);
    slider.addEventListener("input", () => {
      const { axes: { box }, place: before } = all[at], place = edged(before, box); // the other number stays as it is
      place[axis] = placeOf(box, axis, Number(slider.value));
      all[at].move((all[at].place = place));
      say(place);
    }, { signal });
  });
  field.append(button);
  which.addEventListener("change", () => { at = which.selectedIndex, follow(); }, { signal });
  field.addEventListener("focusin", () => follow(), { signal });
  button.addEventListener("click", () => {
    const { act, place, goesOn } = all[at];
    act(place);
    if (goesOn) next()?.focus();
    follow();
  }, { signal });

  // y counts upwards, as the axis does
  const placeOf = ([left, top, width, height], axis, notch) =>
    axis ? top + height * (1 - notch / NOTCHED) : left + (width * notch) / NOTCHED;
  const notchOf = ([left, top, width, height], axis, place) =>
    NOTCHED * (axis ? 1 - (place[1] - top) / height : (place[0] - left) / width);

  function say(place) {
    toData(all[at].axes, place).forEach((value, i) => sliders[i].setAttribute("aria-valuetext", String(Number(value.toPrecision(3)))));
  }

  function follow() {
    all = targets();
    at = Math.min(at, Math.max(all.length - 1, 0));
    field.hidden = all.length === 0;
    if (field.hidden) return;
    const { axes, place, words, name } = all[at], labels = all.map((one) => one.name);
    if ([...which.options].map(({ text }) => text).join("|") !== labels.join("|")) which.replaceChildren(...labels.map((text) => new Option(text, text)));
    which.selectedIndex = at;
    which.hidden = all.length < 2;
    legend.textContent = `Place ${name}`;
    button.textContent = words;
    sliders.forEach((slider, i) => {
      names[i].textContent = axes.names[i] || "xy"[i];
      slider.setAttribute("aria-label", names[i].textContent);
      slider.value = Math.round(notchOf(axes.box, i, place));
    });
    say(place);
  }
  return { field, follow };
}
