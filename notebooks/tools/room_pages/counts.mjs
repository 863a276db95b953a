// The lecturer's page: which question is open, how many have answered, and on a key press what.

import { follow, LETTERS, parts, post, title } from "./room.mjs";

const at = (place) => document.querySelector(place);
const [choose, next, shows, anew, everything] = ["select", ".next", ".shows", ".anew", ".everything"].map(at);
const [form, named, said] = ["form", ".named", ".controls .said"].map(at);
let shown = { name: null };
let visible = false;

function show(news) {
  if (news.name !== shown.name) visible = false; // nobody is to be led
  if (news.name !== shown.name || news.choices !== shown.choices) rows(news);
  shown = news;
  const asked = news.name !== null;
  const course = asked && /^\d\d$/.test(parts(news.name).before) ? `Notebook ${parts(news.name).before}: ` : "";
  at("h1").textContent = asked ? title(news.name) : "No question yet";
  at(".about").textContent = asked ? course + news.about : "Open one below.";
  if (asked && ![...choose.options].some((option) => option.value === news.name)) {
    choose.append(new Option(`${news.name} ${news.about}`, news.name));
  }
  choose.value = news.name ?? "";
  draw();
  if (named.open) mistakes();
}

function rows({ name, choices }) {
  const made = name === null ? [] : LETTERS.slice(0, choices).split("").map(row);
  at(".bars tbody").replaceChildren(...made);
}

function row(letter) {
  const [line, head, cell, number, track, bar] = ["tr", "th", "td", "td", "div", "div"].map((kind) =>
    document.createElement(kind),
  );
  head.scope = "row";
  head.textContent = `(${letter})`;
  track.className = "track";
  bar.className = "bar";
  track.append(bar);
  cell.append(track);
  line.append(head, cell, number);
  return line;
}

function draw() {
  const asked = shown.name !== null;
  const { counts = {}, all = 0 } = shown;
  at(".all").textContent = asked ? `${all} ${all === 1 ? "answer" : "answers"}` : "";
  [...at(".bars tbody").rows].forEach((line, k) => {
    const many = counts[LETTERS[k]];
    const share = visible && all ? (100 * many) / all : 0;
    line.querySelector(".bar").style.width = `${share}%`;
    line.cells[2].textContent = visible ? `${many} (${Math.round(share)} %)` : "";
  });
  shows.lastChild.textContent = visible ? " Hide the counts" : " Show the counts";
  for (const button of [shows, anew]) button.disabled = !asked;
}

async function mistakes() {
  const reply = await fetch("mistakes.json");
  if (!reply.ok) return;
  const { mistakes: found } = await reply.json();
  const lines = found.map((pair) => {
    const line = document.createElement("tr");
    for (const part of pair) line.insertCell().textContent = part;
    return line;
  });
  named.querySelector("tbody").replaceChildren(...lines);
}

async function ask(address, words, done) {
  try {
    await post(address, words);
    said.textContent = done;
  } catch (error) {
    said.textContent = error.refused ? error.message : "The room is not responding.";
  }
}

function turn() {
  if (shown.name === null) return;
  visible = !visible;
  draw();
}

function forward() {
  const { options } = choose;
  const name = options[Math.min(choose.selectedIndex + 1, options.length - 1)].value;
  if (name !== shown.name) ask("open", { name }, "");
}

choose.onchange = () => choose.value && ask("open", { name: choose.value }, "");
next.onclick = forward;
shows.onclick = turn;
anew.onclick = () => {
  if (confirm(`Forget all answers to ${shown.name} (${shown.all})?`)) ask("anew", { name: shown.name }, "Started anew.");
};
everything.onclick = () => {
  const what = "Forget all answers, all mistakes and your own questions?";
  if (confirm(what)) ask("anew", { all: true }, "Everything has been forgotten.");
};
form.onsubmit = async (event) => {
  event.preventDefault();
  const { name, choices, about } = Object.fromEntries(new FormData(form));
  await ask("open", { name, choices: Number(choices), about }, "");
  const { before, number } = parts(name);
  form.elements.name.value = `${before}-${Number(number) + 1}`;
  form.elements.about.value = "";
};
named.ontoggle = () => named.open && mistakes();
document.addEventListener("keydown", (event) => {
  const elsewhere = event.target.closest("input, select") || event.ctrlKey || event.metaKey || event.altKey;
  if (elsewhere || event.repeat) return;
  if (event.key.toLowerCase() === "s") turn();
  if (event.key.toLowerCase() === "n") forward();
});

follow("events", show, () => {});
