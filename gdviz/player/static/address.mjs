// A link is a setting: the address of a page carries the positions of its players, such as #step=12&lr=0.1&start=1,2, or,
// of the second player, #2.step=12. On slides, whose address ends in #/3, they stand before that: ?step=12#/3.

import { written } from "./dials.mjs";

/** The name of a slider in an address. */
export const keyOf = (name) => name.toLowerCase().replace(/[^\p{L}\p{N}]+/gu, "-");
const STRANGE = "The address of this page asks for what this player has not:";

/** What the address says of the n-th player, counted from 1: [name, value]. Those without a number are of the first. */
export function asked({ hash, search }, n) {
  const slides = hash.startsWith("#/") || !hash.includes("="), text = slides ? search.slice(1) : hash.slice(1);
  return [...new URLSearchParams(text)].flatMap(([name, value]) => {
    const [, number, rest] = /^(?:(\d+)\.)?(.+)$/.exec(name) ?? [];
    return rest && Number(number ?? 1) === n ? [[rest, value]] : [];
  });
}

const parsed = (text, many) => {
  const found = text.split(",").map((part) => (part.trim() ? Number(part) : NaN));
  return found.length === (many ?? found.length) && found.every(Number.isFinite) ? found : null;
};

/** Dragged data points, number, x, y, ..., each counted from 0 and there; null for others. */
function parsedPoints(text, get) {
  const handle = get("handles").find(({ kind }) => kind === "points"), found = parsed(text), many = handle && get("marks")[handle.mark].shape.at(-2);
  const known = (k) => Number.isInteger(k) && k >= 0 && k < many;
  return found && handle && found.length % 3 === 0 && found.every((k, i) => i % 3 > 0 || known(k)) ? found : null;
}

/** The traits that these [name, value] set, and which controls are hidden; of one that cannot be, `strange` says it. */
export function settingOf(pairs, get) {
  const set = {}, hidden = [], dials = get("dials"), dialed = dials.map(({ value }) => value);
  for (const [name, value] of pairs) {
    const i = get("sliders").findIndex((slider) => keyOf(slider.name) === name), slider = get("sliders")[i];
    const k = dials.findIndex(({ key }) => key === name), dial = dials[k];
    const place = slider ? slider.labels.indexOf(value) : -1, number = parsed(value, 1)?.[0];
    const start = name === "start" && get("descents").length && parsed(value, get("descents")[0].init.inputs[0][0]);
    const points = name === "points" && parsedPoints(value, get);
    const view = name === "view" && get("solids").length && parsed(value, 2);
    if (name === "hide") hidden.push(...value.split(",").map(keyOf));
    else if (place >= 0) set[`slider_${i}`] = slider.first + slider.stride * place;
    else if (dial && number >= dial.low && number <= dial.high) (dialed[k] = number), (set.dialed = dialed);
    else if (start) set.start = start;
    else if (points) set.placed = points;
    else if (view) set.turned = view;
    else return { set: {}, hidden: [], strange: `${STRANGE} ${name}=${value}. It is shown as at first.` };
  }
  return { set, hidden, strange: "" };
}

/** The setting of the n-th player as the parts of an address; "" where nothing differs from first, its traits at first. */
export function partsOf(get, first, n) {
  const parts = [], add = (name, value) => parts.push(`${n > 1 ? `${n}.` : ""}${encodeURIComponent(name)}=${value}`);
  get("sliders").forEach(({ name, first: low, stride, labels }, i) => {
    const value = get(`slider_${i}`);
    if (value !== first[`slider_${i}`]) add(keyOf(name), encodeURIComponent(labels[Math.round((value - low) / stride)]));
  });
  get("dials").forEach(({ key, value }, k) => {
    const now = get("dialed")[k] ?? value;
    if (now !== (first.dialed[k] ?? value)) add(key, written(now));
  });
  if (get("start").length && get("start") !== first.start) add("start", get("start").map(written).join(","));
  if (get("placed").length && get("placed") !== first.placed) add("points", get("placed").map(written).join(","));
  if (get("turned").length && get("turned") !== first.turned) add("view", get("turned").map(written).join(","));
  return parts.join("&");
}

/** The address with these parts instead of its own. */
export function withParts({ href, hash, search }, parts) {
  const page = href.slice(0, href.length - hash.length - search.length);
  if (hash.startsWith("#/")) return page + (parts && `?${parts}`) + hash;
  return page + search + (parts && `#${parts}`);
}
