// What a page shows of a player, in node, for test_follow.py: on the standard input the traits and, for each setting, what
// is dragged, turned and the sliders' positions; as JSON the numbers of every mark at these positions.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { marksNow } = await import(pathToFileURL(`${process.argv[2]}/alive.mjs`));
const { select } = await import(pathToFileURL(`${process.argv[2]}/geometry.mjs`));
const revived = (_, value) =>
  typeof value?.base64 === "string" ? new DataView(Uint8Array.from(Buffer.from(value.base64, "base64")).buffer) : value;

const { traits, settings } = JSON.parse(readFileSync(0, "utf8"), revived);
const found = settings.map(({ index, ...moved }) => {
  const model = { get: (name) => moved[name] ?? traits[name] };
  return marksNow(model, index).map((mark) => Array.from(select(mark, index), String));
});
process.stdout.write(JSON.stringify(found));
