// The page of a phone: the open question, a button for each letter, and what was noted.

import { follow, LETTERS, parts, post, title } from "./room.mjs";

const KEPT = "gdviz-room";
const [heading, about, letters, said] = ["h1", ".about", ".letters", ".said"].map((at) => document.querySelector(at));
const kept = { who: random(), noted: {}, ...read() };
let shown = { name: null };
let waiting = null; // the letter that is not noted yet, with its question
let sending = false;

function random() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEPT));
  } catch {
    return null; // no storage: the number lasts as long as the page
  }
}

function keep() {
  try {
    localStorage.setItem(KEPT, JSON.stringify(kept));
  } catch {
    // likewise
  }
}

/** The letter that this browser has given to a question since its letters were last forgotten. */
function noted({ name, round }) {
  const [letter, then] = kept.noted[name] ?? [];
  return then === round ? letter : undefined;
}

function show(question) {
  shown = question;
  const { name, choices } = question;
  const asked = name !== null;
  heading.textContent = asked ? title(name) : "No question yet";
  about.textContent = asked ? words(question) : "Keep this page open: the question will appear here.";
  letters.classList.toggle("many", choices > 4);
  letters.replaceChildren(...LETTERS.slice(0, choices).split("").map(button));
  press();
  say(asked ? before(noted(question)) : "");
}

function words({ name, about: matter }) {
  const { before: notebook } = parts(name);
  const course = /^\d\d$/.test(notebook) ? `Notebook ${notebook}` : "";
  return [course, matter].filter(Boolean).join(": ");
}

function before(letter) {
  return letter ? `Noted: (${letter}). Another tap changes it.` : "Choose a letter.";
}

function button(letter) {
  const made = document.createElement("button");
  made.type = "button";
  made.textContent = letter;
  made.onclick = () => {
    waiting = { name: shown.name, round: shown.round, letter };
    press();
    send();
  };
  return made;
}

function press() {
  const chosen = waiting?.name === shown.name ? waiting.letter : noted(shown);
  for (const one of letters.children) one.ariaPressed = String(one.textContent === chosen);
}

function say(text) {
  if (said.textContent !== text) said.textContent = text;
}

/** Send the letter that waits, until it is noted or refused; a newer one takes its place. */
async function send() {
  if (sending) return;
  sending = true;
  for (let wait = 500; waiting; ) {
    const now = waiting;
    const here = () => now.name === shown.name;
    try {
      const reply = await post("letter", { name: now.name, letter: now.letter, who: kept.who });
      if (waiting === now) waiting = null;
      kept.noted[now.name] = [reply.noted, now.round];
      keep();
      if (here()) say(before(reply.noted));
    } catch (error) {
      if (error.refused && waiting === now) waiting = null;
      if (here()) say(error.refused ? error.message : `Not noted yet: (${now.letter}). Trying again …`);
      if (!error.refused) await new Promise((done) => setTimeout(done, wait));
      wait = Math.min(2 * wait, 8000);
    }
    press();
  }
  sending = false;
}

keep();
const same = (question) => ["name", "choices", "about", "round"].every((part) => question[part] === shown[part]);
follow("events?only=question", (question) => same(question) || show(question), () => {});
