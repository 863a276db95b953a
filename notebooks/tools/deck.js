// The layout stays the browser's, so that players are sharp and drags right; reveal.js shows one screen after the other.
Reveal.initialize({
  disableLayout: true, hash: true, overview: false, touch: false, transition: "none", slideNumber: "c/t",
  navigationMode: "linear", scrollActivationWidth: 0, defaultTiming: 30,
  plugins: [RevealNotes],
});

// A picture is as large as its screen leaves room for; where words leave too little, they become smaller.
// One that is not wide stands beside them.
const SMALLEST = 0.6, ENOUGH = 0.85, TALL = 1.9;
const ratioOf = (stage) => Number(stage.style.getPropertyValue("--ratio")) || stage.naturalWidth / stage.naturalHeight;
function fit(screen) {
  const { paddingBottom } = getComputedStyle(screen);
  const parts = [...screen.querySelectorAll(":scope > :not(aside), .say > *")];
  const end = screen.getBoundingClientRect().bottom - parseFloat(paddingBottom);
  const over = () => Math.max(...parts.map((part) => part.getBoundingClientRect().bottom)) - end;
  const stage = screen.querySelector(".stage, .picture img.still");
  screen.classList.toggle("beside", Boolean(stage) && ratioOf(stage) < TALL && Boolean(screen.querySelector(".say")));
  for (let share = 1; ; share -= 0.05) {
    screen.style.setProperty("--fit", share);
    if (stage) stage.style.maxWidth = "100%";
    for (let turn = 0; stage && turn < 6 && over() > 1; turn++) {
      const { width, height } = stage.getBoundingClientRect();
      stage.style.maxWidth = `${Math.max(width - over() * ratioOf(stage) - 1, 0.2 * width)}px`;
    }
    const large = !stage || screen.matches(".beside") || stage.clientWidth >= ENOUGH * innerWidth || share < 0.7;
    if ((over() <= 1 && large) || share <= SMALLEST) break;
  }
}

function fitAll() {
  for (const screen of document.querySelectorAll(".slides > section")) fit(screen);
}
Reveal.on("ready", async () => {
  if (document.readyState !== "complete") await new Promise((done) => addEventListener("load", done));
  await MathJax.startup.promise;
  fitAll();
  document.documentElement.dataset.ready = "";
});
addEventListener("resize", fitAll);

// Served by `make room`, a question opens on the phones when its screen comes, and their letters are counted on it.
const served = location.protocol.startsWith("http") && !location.search.includes("receiver");
const roomAt = (path) => new URL(`../${path}`, location);
async function ask(screen) {
  const choices = screen.querySelectorAll(".choices li").length;
  if (!screen.dataset.prediction || !choices) return;
  const body = JSON.stringify({ name: screen.dataset.prediction, choices });
  await fetch(roomAt("open"), { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => {});
}

async function joinRoom() {
  if (!served || !(await fetch(roomAt("open")).catch(() => ({}))).ok) return;
  document.querySelector(".first").insertAdjacentHTML("beforeend", '<img class="qr" alt="The address of the room, as a QR code">');
  document.querySelector(".qr").src = roomAt("qr.svg");
  new EventSource(roomAt("events")).addEventListener("message", ({ data }) => {
    const { name, counts } = JSON.parse(data);
    for (const screen of document.querySelectorAll("[data-prediction]")) {
      if (screen.dataset.prediction !== name || !counts) continue;
      for (const choice of screen.querySelectorAll(".choices li")) {
        Object.assign(choice.querySelector("input"), { value: counts[choice.dataset.letter] ?? 0, readOnly: true });
      }
      share(screen.querySelector(".choices"));
    }
  });
  Reveal.on("slidechanged", ({ currentSlide }) => ask(currentSlide));
  ask(Reveal.getCurrentSlide());
}
Reveal.on("ready", joinRoom);

// A presenter's remote sends PageDown, also while a slider has the focus; the other keys are then the slider's own.
addEventListener("keydown", (event) => {
  const paged = { PageDown: () => Reveal.next(), PageUp: () => Reveal.prev() }[event.key];
  if (!paged || event.ctrlKey || event.altKey || event.metaKey) return;
  paged();
  event.preventDefault();
  event.stopPropagation();
}, true);
document.body.addEventListener("keydown", (event) => { // reveal.js listens behind it, on the document
  const { target, key } = event;
  if (!target.closest("input, button, summary, a, [role=application]") || target.closest(".controls")) return;
  event.stopPropagation();
  if (key === "Escape") target.blur(); // then the keys are the lecture's again
});

// Hands that are typed in, or letters that the room has sent, as a share of all.
function share(choices) {
  const fields = [...choices.querySelectorAll("input")], counts = fields.map((field) => Math.max(0, Number(field.value) || 0));
  const all = counts.reduce((sum, count) => sum + count, 0);
  fields.forEach((field, i) => {
    const shown = all && field.parentElement.classList.contains("visible");
    field.closest("li").style.setProperty("--share", shown ? `${(100 * counts[i]) / all}%` : "0%");
  });
}
addEventListener("input", ({ target }) => target.closest(".choices") && share(target.closest(".choices")));
for (const event of ["fragmentshown", "fragmenthidden"]) {
  Reveal.on(event, ({ fragment }) => fragment.closest(".choices") && share(fragment.closest(".choices")));
}
