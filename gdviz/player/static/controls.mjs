// The controls of ipywidgets below a player, in a notebook: names and values for a screen reader, and their lock.

import { JOINER, plain } from "./words.mjs";

/** Let the controls of a player go, which waited for a guess. */
export async function unlock(model) {
  for (const id of model.get("locked")) {
    const control = await model.widget_manager?.get_model(id);
    control?.set("disabled", false);
    control?.save_changes();
  }
}

/** Give the sliders in a box their names and, at these positions, their values with the numbers of the picture in words. */
export function nameControls(box, model, index, words) {
  for (const label of box.querySelectorAll(".widget-label")) {
    if (!label.textContent.includes(JOINER)) continue;
    label.classList.add("mathjax_ignore", "tex2jax_ignore");
    label.textContent = plain(label.textContent);
    label.title = plain(label.title);
  }
  const knobs = box.querySelectorAll(".noUi-handle, .ui-slider-handle");
  const shown = model.get("sliders").map((slider, i) => [slider, index[i]]).filter(([{ labels }]) => labels.length > 1);
  if (knobs.length === shown.length) shown.forEach(([slider, k], i) => {
    knobs[i].setAttribute("aria-label", slider.name);
    knobs[i].setAttribute("aria-valuetext", [slider.labels[k], words].filter(Boolean).join("; "));
  });
}
