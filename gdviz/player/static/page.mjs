// A player on a page without a kernel: the model that anywidget would give the view, and the browser's own controls.
// export.py writes this behind the text of player.mjs, as one inline module.

/** Bring every player of the page to life that is not yet; view: what player.mjs exports. */
export function showAll(view) {
  for (const element of document.querySelectorAll(".gdviz-page:not([data-alive])")) {
    element.dataset.alive = "";
    showPlayer(element, view);
  }
}

function showPlayer(element, view) {
  const { traits, pace, note } = JSON.parse(element.querySelector("script").textContent, revived);
  const model = modelOf(traits), place = make("div"), controls = make("fieldset");
  element.append(place, controls, make("p", { className: "note", textContent: note }));
  const words = traits.marks.filter((mark) => mark.kind === "text").map(view.unpack);
  const index = () => traits.sliders.map((s, i) => (model.get(`slider_${i}`) - s.first) / s.stride);
  const said = () => words.map((mark) => view.readout(mark, index())).join("; ");
  traits.sliders.forEach((slider, i) => {
    if (slider.labels.length < 2) return; // nothing to choose
    if (i === traits.trail && pace) controls.append(...clockButtons(model, i, slider, () => view.stills(slider, pace), element));
    controls.append(sliderRow(model, i, slider, said));
  });
  const wait = () => { controls.disabled = traits.asks >= 0 && !traits.guess.length; };
  model.on("change:guess", wait);
  controls.addEventListener("keydown", keepKeys);
  view.render({ model, el: place });
  wait();
  element.querySelector(".asleep")?.remove();
}

const make = (tag, properties = {}) => Object.assign(document.createElement(tag), properties);

/** Bytes, where export.py has written them as base64. */
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
  row.append(make("span", { textContent: name }), input, shown);
  follow();
  return row;
}

/** Play, which pauses when pressed again and begins anew at the end, and the way back to the start; one clock. */
function clockButtons(model, i, { first, stride, labels }, motion, element) {
  const trait = `slider_${i}`, last = first + stride * (labels.length - 1);
  const play = make("button", { type: "button", className: "play" });
  const back = make("button", { type: "button", textContent: "Back to the start" });
  let timer = 0;
  function run(on) {
    clearInterval(timer);
    timer = on ? setInterval(tick, motion().pace) : 0;
    play.textContent = on ? "Pause" : "Play";
  }
  function tick() {
    if (element.isConnected && model.get(trait) < last) model.set(trait, Math.min(model.get(trait) + motion().jump, last));
    if (!element.isConnected || model.get(trait) >= last) run(false);
  }
  play.addEventListener("click", () => {
    if (!timer && model.get(trait) >= last) model.set(trait, first);
    run(!timer);
  });
  back.addEventListener("click", () => {
    run(false);
    model.set(trait, first);
  });
  run(false);
  return [play, back];
}

/** The keys of a control are not those of the page around it, such as slides. */
function keepKeys(event) {
  if ([" ", "Enter", "Home", "End"].includes(event.key) || event.key.startsWith("Arrow")) event.stopPropagation();
}
