// Places of a 3-D Axes seen from several sides, in node, for test_turning.py: on the standard input { space, views, places };
// as JSON the pixels of every place from every side.

import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const { projection } = await import(pathToFileURL(`${process.argv[2]}/turn.mjs`));
const { space, views, places } = JSON.parse(readFileSync(0, "utf8"));
process.stdout.write(JSON.stringify(views.map((view) => places.map((place) => projection(space, view)(place).slice(0, 2)))));
