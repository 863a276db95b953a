// The sliders of hyperparameters that may be any number of a range. A number can be typed, too.

const NOTCHES = 400; // of a slider
export const SWIPE = 8; // px of a finger: then it is clear where it goes

/** The value at a part, 0 to 1, of the way along a dial, with as many digits as it shows. */
export function dialValue({ low, high, log }, part) {
  const value = log ? low * (high / low) ** part : low + (high - low) * part;
  return Math.min(Math.max(Number(value.toPrecision(3)), low), high);
}

/** How far along a dial a value is, 0 to 1: dialValue turned round. */
export const dialPart = ({ low, high, log }, value) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));

/** A number as one types it: 0.1, 1e-7. */
export const written = (value) => String(Number(value.toPrecision(6)));

/** The values of all dials: as turned, or as they were first. */
export const dialedNow = (model) => (model.get("dialed").length ? model.get("dialed") : model.get("dials").map((dial) => dial.value));

/** Each with its value, in words. */
export const saidOf = (dials, values) => dials.map(({ name, unit }, k) => `${name} ${written(values[k])}${unit && ` ${unit}`}`);

/** Set all dials; as they were first they are untouched. */
export function turnTo(model, values) {
  model.set("dialed", values.every((one, i) => one === model.get("dials")[i].value) ? [] : values);
}

/** A finger that begins on a native slider and goes up or down means the page: the slider stays where it was. */
export function steady(input) {
  let from = null, swipes = false;
  const stay = () => { input.value = from.value, input.dispatchEvent(new Event("input")); };
  input.addEventListener("pointerdown", ({ pointerType, clientX, clientY }) => {
    from = pointerType === "touch" ? { x: clientX, y: clientY, value: input.value } : null;
    swipes = false;
  });
  input.addEventListener("pointermove", ({ clientX, clientY }) => {
    const [across, along] = from ? [Math.abs(clientX - from.x), Math.abs(clientY - from.y)] : [0, 0];
    if (!swipes && Math.max(across, along) < SWIPE) return;
    if (!swipes && across >= along) from = null; // a drag
    else (swipes = true), stay();
  });
  input.addEventListener("pointercancel", () => { if (from) stay(); });
  for (const event of ["pointerup", "pointercancel", "change"]) input.addEventListener(event, () => { if (swipes) stay(); });
}

/** The rows of all dials. asking: whether they wait for a guess; say: shows a sentence; told: the kernel is told. Returns
 *  the rows and what brings them up to date, given what a screen reader says with a value. */
export function dialRows(model, { asking, say, told }, signal) {
  const rows = model.get("dials").map((dial, k) => dialRow(model, dial, k, { say, told }, signal));
  return {
    rows: rows.map(({ row }) => row),
    said: () => saidOf(model.get("dials"), dialedNow(model)),
    follow(words) {
      rows.forEach(({ follow }, k) => follow(dialedNow(model)[k], words, asking()));
    },
  };
}

function dialRow(model, dial, k, { say, told }, signal) {
  const make = (tag, properties) => Object.assign(document.createElement(tag), properties);
  const row = make("div", { className: "dial" }), unit = dial.unit && ` ${dial.unit}`;
  const slider = make("input", { type: "range", min: 0, max: NOTCHES, step: 1 });
  const field = make("input", { type: "text", inputMode: "decimal", title: "type a number" });
  row.dataset.key = dial.key;
  slider.setAttribute("aria-label", dial.name);
  field.setAttribute("aria-label", `${dial.name}, typed`);
  const set = (value) => { turnTo(model, dialedNow(model).map((old, i) => (i === k ? value : old))), say(""); };
  const button = (words, value, title) => {
    const made = make("button", { type: "button", textContent: words, title });
    made.addEventListener("click", () => { set(value), told(); }, { signal });
    return made;
  };
  const back = button(`Back to ${written(dial.value)}`, dial.value, "");
  const named = dial.named.map(([words, value]) => button(words, value, `${dial.name} ${written(value)}`));
  slider.addEventListener("input", () => set(dialValue(dial, Number(slider.value) / NOTCHES)), { signal });
  steady(slider); // before the kernel is told
  slider.addEventListener("change", told, { signal });
  field.addEventListener("change", () => {
    const value = Number(field.value.trim().replace(",", ".") || NaN);
    const fits = value >= dial.low && value <= dial.high;
    if (fits) set(value), told();
    else say(`${dial.name} is a number from ${written(dial.low)} to ${written(dial.high)}; ${field.value.trim() || "nothing"} is not.`);
    field.value = written(dialedNow(model)[k]);
  }, { signal });
  field.addEventListener("keydown", (event) => { // in JupyterLab Enter alone would change nothing: it forbids line breaks
    if (event.key === "Enter") event.preventDefault(), field.dispatchEvent(new Event("change"));
  }, { signal });
  row.append(make("span", { textContent: dial.name, ariaHidden: "true" }), slider, field, ...(unit ? [make("span", { textContent: dial.unit })] : []), ...named, back);

  function follow(value, words, waits) {
    slider.value = Math.round(NOTCHES * dialPart(dial, value));
    if (field.value !== written(value) && !(document.activeElement === field)) field.value = written(value);
    slider.setAttribute("aria-valuetext", [written(value) + unit, words].filter(Boolean).join("; "));
    for (const control of [slider, field, back, ...named]) control.disabled = waits;
    back.style.visibility = value === dial.value ? "hidden" : "";
  }
  follow(dialedNow(model)[k], "", false);
  return { row, follow };
}
