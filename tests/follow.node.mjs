// What a page shows of a player, in node, for test_follow.py: on the standard input the traits and, for each setting, what
// is dragged, turned and the sliders' positions; as JSON the numbers of every mark at these positions, which are the same
// whether or not the player was made ready before.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { marksNow, warm } = await import(pathToFileURL(`${process.argv[2]}/alive.mjs`));
const { select } = await import(pathToFileURL(`${process.argv[2]}/geometry.mjs`));
const revived = (_, value) =>
  typeof value?.base64 === "string" ? new DataView(Uint8Array.from(Buffer.from(value.base64, "base64")).buffer) : value;

const { traits, settings } = JSON.parse(readFileSync(0, "utf8"), revived);
const found = settings.map(({ index, ...given }) => {
  const [cold, warmed] = [false, true].map((before) => {
    const moved = before ? { start: [], dialed: [], placed: [] } : given;
    const model = { get: (name) => moved[name] ?? traits[name] };
    if (before) warm(model, index);
    Object.assign(moved, given);
    return marksNow(model, index).map((mark) => Array.from(select(mark, index), String));
  });
  if (JSON.stringify(cold) !== JSON.stringify(warmed)) throw new Error("made ready, the marks are others");
  return cold;
});
process.stdout.write(JSON.stringify(found));
