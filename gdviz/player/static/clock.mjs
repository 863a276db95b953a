// Play: the clock of a player. One for each model, however often that is shown; its buttons are in each view.
// Whether it runs is the model's "playing", and how many views there are its "views": of this window alone, never sent.

const LESS_MOTION = globalThis.matchMedia?.("(prefers-reduced-motion: reduce)"); // node has none

/** How Play moves a slider: one stride on, from end to end in about eight seconds; or, for those who have asked for less
 *  motion, in about eight stills, a second each. In units of the slider, and ms. */
export function stills({ stride, labels }, wanted = LESS_MOTION?.matches) {
  const pace = Math.min(Math.max(Math.floor(8000 / labels.length), 30), 500);
  return wanted ? { jump: stride * Math.ceil((labels.length - 1) / 8), pace: 1000 } : { jump: stride, pace };
}

/** Run the clock of a model whenever it is "playing". Returns what ends it. */
export function runClock(model) {
  const trail = model.get("trail"), slider = model.get("sliders")[trail];
  if (!slider || slider.labels.length < 2) return () => {};
  const trait = `slider_${trail}`, last = slider.first + slider.stride * (slider.labels.length - 1);
  let timer = 0;
  function tick() {
    const now = model.get(trait);
    if (now < last) {
      model.set(trait, Math.min(now + stills(slider).jump, last));
      model.save_changes();
    }
    if (model.get(trait) >= last) model.set("playing", false);
    else if (model.get("playing")) follow();
  }
  function follow() {
    clearTimeout(timer);
    timer = model.get("playing") ? setTimeout(tick, stills(slider).pace) : 0;
  }
  model.on("change:playing", follow);
  return () => {
    clearTimeout(timer);
    model.off("change:playing", follow);
  };
}

/** Play, which pauses when pressed again and begins anew at the end, and the way back to the start. asking: whether it
 *  has to wait for a guess. Returns the buttons (none, where nothing moves) and what takes them away. */
export function clockButtons(model, asking, signal) {
  const trail = model.get("trail"), slider = model.get("sliders")[trail];
  if (!slider || slider.labels.length < 2) return { buttons: [], follow() {}, closed() {} };
  const trait = `slider_${trail}`, last = slider.first + slider.stride * (slider.labels.length - 1);
  const [play, back] = [0, 1].map(() => Object.assign(document.createElement("button"), { type: "button" }));
  play.className = "play";
  back.textContent = "Back to the start";
  const go = (on) => model.set("playing", on);
  function follow() {
    play.textContent = model.get("playing") ? "Pause" : "Play";
    play.disabled = back.disabled = asking();
  }
  function toStart() {
    model.set(trait, slider.first);
    model.save_changes();
  }
  play.addEventListener("click", () => {
    if (!model.get("playing") && model.get(trait) >= last) toStart();
    go(!model.get("playing"));
  }, { signal });
  back.addEventListener("click", () => { toStart(), go(false); }, { signal });
  model.on("change:playing", follow);
  model.set("views", (model.get("views") ?? 0) + 1);
  follow();
  return {
    buttons: [play, back],
    follow,
    closed() {
      model.off("change:playing", follow);
      model.set("views", model.get("views") - 1);
      if (model.get("views") === 0) go(false); // nobody sees it
    },
  };
}
