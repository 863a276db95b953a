// All steps as a table, for those who would rather read numbers: a button shows it.

import { marksNow } from "./alive.mjs";
import { headsNow } from "./ears.mjs";
import { at } from "./geometry.mjs";
import { readout } from "./marks.mjs";

const SETTLED = 350; // ms

/** The columns at these positions: [name, words] of each readout, and of the head of each path. A readout with one number
 *  is that number, with its words as the name. */
function columns(model, index) {
  const marks = marksNow(model, index), texts = marks.filter(({ kind }) => kind === "text").map((mark) => {
    const words = readout(mark, index), [[before, spec], ...more] = mark.parts;
    return spec && !more.length ? [before.trim(), words.slice(before.length)] : ["", words];
  });
  const paths = marks.filter(({ curve }) => !curve || !texts.length);
  return [...texts, ...headsNow(model, paths, index)];
}

/** The button, the place of the table, and what brings both up to date. asking: whether a guess is waited for. */
export function tableOf(model, index, asking, signal) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: "Table", title: "all steps in numbers" });
  const place = Object.assign(document.createElement("div"), { className: "steps", hidden: true, tabIndex: 0 });
  const sliders = model.get("sliders"), trail = model.get("trail") >= 0 ? model.get("trail") : sliders.findIndex(({ labels }) => labels.length > 1);
  let timer = 0, known = "";
  place.setAttribute("role", "region");
  place.setAttribute("aria-label", button.title);
  button.hidden = trail < 0;
  button.addEventListener("click", () => { place.hidden = !place.hidden, follow(); }, { signal });
  signal.addEventListener("abort", () => clearTimeout(timer));

  function fill() {
    const table = document.createElement("table");
    sliders[trail].labels.forEach((label, k) => {
      const found = columns(model, at(index(), trail, k));
      if (k === 0) row(table, [sliders[trail].name, ...found.map(([name]) => name)], "col");
      row(table, [label, ...found.map(([, words]) => words)], "row");
    });
    place.replaceChildren(table);
  }

  function follow() {
    button.disabled = asking();
    button.setAttribute("aria-expanded", String(!place.hidden));
    if (place.hidden) return;
    const state = [at(index(), trail, ""), ...["start", "dialed", "placed"].map((name) => model.get(name))].join("|");
    clearTimeout(timer);
    if (state === known) mark();
    else timer = setTimeout(() => { (known = state), fill(), mark(); }, known && SETTLED);
  }

  function mark() {
    place.querySelector("[aria-current]")?.removeAttribute("aria-current");
    place.querySelectorAll("tr")[index()[trail] + 1]?.setAttribute("aria-current", "step");
  }
  return { button, place, follow };
}

/** Append a row of these words; scope: of the first cell, which is a heading, and "col" of all of them. */
function row(table, words, scope) {
  const line = table.insertRow();
  words.forEach((text, i) => {
    const heading = scope === "col" || i === 0, cell = line.appendChild(document.createElement(heading ? "th" : "td"));
    cell.textContent = text;
    if (heading) cell.scope = scope;
  });
}
