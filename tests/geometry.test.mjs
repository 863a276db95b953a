// The pure geometry of the view: node --test tests/geometry.test.mjs
import assert from "node:assert/strict";
import { test } from "node:test";
import { stills } from "../gdviz/player/static/clock.mjs";
import {
  density, inside, layout, partOf, pointsOf, select, toData, toPixels, unpack,
} from "../gdviz/player/static/geometry.mjs";
import { arrowHead, readout } from "../gdviz/player/static/marks.mjs";
import { formatNumber, plain } from "../gdviz/player/static/words.mjs";

const mark = (kind, shape, values, more = {}) =>
  unpack({ kind, shape, data: new DataView((kind === "text" ? Float64Array : Float32Array).from(values).buffer), ...more });

test("bytes at an offset are read as they lie", () => {
  const buffer = new ArrayBuffer(13);
  const data = new DataView(buffer, 5, 8);
  data.setFloat32(0, 1.5, true), data.setFloat32(4, -2, true);
  assert.deepEqual([...unpack({ kind: "path", shape: [1, 2], data }).values], [1.5, -2]);
});

test("sliders select the block of their positions", () => {
  const line = mark("line", [2, 3, 2, 2], Array.from({ length: 24 }, (_, i) => i));
  assert.deepEqual([...select(line, [1, 2])], [20, 21, 22, 23]);
  assert.deepEqual([...select(line, [0, 1])], [4, 5, 6, 7]);
});

test("an axis of length one serves every position", () => {
  const line = mark("line", [1, 2, 1, 2], [0, 1, 2, 3]);
  assert.deepEqual([...select(line, [9, 1])], [2, 3]);
});

test("a path is its trail up to the step, on whichever axis the step is", () => {
  const path = mark("path", [3, 2, 2], [0, 0, 10, 10, 1, 1, 11, 11, 2, 2, 12, 12]);
  assert.deepEqual(pointsOf(path, [1, 1], 0), [[10, 10], [11, 11]]);
  const turned = mark("path", [2, 3, 2], [0, 0, 1, 1, 2, 2, 10, 10, 11, 11, 12, 12]);
  assert.deepEqual(pointsOf(turned, [1, 2], 1), [[10, 10], [11, 11], [12, 12]]);
});

test("a path ends before the first point that is not a number", () => {
  const path = mark("path", [4, 2], [0, 0, 1, 1, NaN, 2, 3, 3]);
  assert.deepEqual(pointsOf(path, [3], 0), [[0, 0], [1, 1]]);
});

test("points keep all of theirs", () => {
  assert.equal(pointsOf(mark("points", [1, 3, 2], [0, 0, NaN, 1, 2, 2]), [0], 0).length, 3);
});

test("the head of an arrow ends at its tip and is no longer than the arrow", () => {
  assert.deepEqual(arrowHead([0, 0], [100, 0]), [[100, 0], [85, 7], [85, -7]]);
  const [tip, a, b] = arrowHead([0, 0], [0, 6]);
  assert.deepEqual(tip, [0, 6]);
  assert.deepEqual([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2], [0, 0]);
  assert.ok(arrowHead([3, 3], [3, 3]).flat().every(Number.isFinite));
});

test("a readout fills its fields and says who diverged", () => {
  const parts = [["w = ", "+.1f"], [", loss ", ".3g"], [".", null]];
  const text = mark("text", [2, 3], [1.25, 12345, 0, -2, Infinity, 1], { parts });
  assert.equal(readout(text, [0]), "w = +1.2, loss 1.23e+04.");
  assert.equal(readout(text, [1]), "w = -2.0, loss inf. (diverged)");
});

test("a number chooses one of the words of its field", () => {
  const text = mark("text", [3, 3], [0, 7, 0, 1, 8, 0, 2, 9, 0], { parts: [["at ", "steps|epochs|"], [" ", ".0f"]] });
  assert.deepEqual([0, 1, 2].map((k) => readout(text, [k])), ["at steps 7", "at epochs 8", "at  9"]);
});

test("ties go to the even digit, as in Python", () => {
  const cases = [[0.125, ".2f", "0.12"], [0.375, ".2f", "0.38"], [2.5, ".0f", "2"], [3.5, ".0f", "4"], [12500, ".2g", "1.2e+04"],
    [0.5, ".0f", "0"], [-0.5, "+.0f", "-0"], [1e22, ".1f", "10000000000000000000000.0"], [1e-7, ".3g", "1e-07"], [100000, "g", "100000"]];
  for (const [x, spec, text] of cases) assert.equal(formatNumber(x, spec), text);
});

test("pixels become data on linear and on log axes, also on inverted ones", () => {
  const axes = { box: [100, 50, 200, 100], xlim: [-1, 3], ylim: [1, 1000], scales: ["linear", "log"] };
  assert.deepEqual(toData(axes, [100, 150]), [-1, 1]);
  const [x, y] = toData(axes, [200, 50 + 100 / 3]);
  assert.ok(Math.abs(x - 1) < 1e-12 && Math.abs(y - 100) < 1e-9);
  assert.deepEqual(toData({ ...axes, xlim: [3, -1] }, [100, 150]), [3, 1]);
});

test("what is not a number is called NaN, whatever its format", () => {
  for (const spec of ["f", "+.2f", ".3e", "+g"]) assert.equal(formatNumber(NaN, spec), "NaN");
  assert.deepEqual([formatNumber(Infinity, "+g"), formatNumber(-Infinity, "g")], ["+inf", "-inf"]);
});

test("the words of a control are those that Python wrote", () => {
  assert.equal(plain("a <\u2060b>, &\u2060lt; \uff04\u20605 \\\u2060( \uff04"), "a <b>, &lt; $5 \\( \uff04");
});

test("a panel lies within the stage, and the picture within the panel, in parts of them", () => {
  assert.deepEqual(partOf([0, 300, 400, 100], [0, 0, 400, 800]), { left: "0%", top: "37.5%", width: "100%", height: "12.5%" });
  assert.deepEqual(partOf([0, 0, 1000, 400], [500, 100, 500, 200]), { left: "-100%", top: "-50%", width: "200%", height: "200%" });
});

test("a canvas has the dots of the screen, and no more than browsers hold", () => {
  for (const dots of [0.5, 1, 3]) assert.equal(density(1000, 400, dots), dots);
  assert.ok(10_000 * density(10_000, 100, 2) <= 8192);
  assert.ok(4000 * 3000 * density(4000, 3000, 3) ** 2 <= 2 ** 24 + 1);
});

test("inside is the box and its edge", () => {
  assert.ok(inside([10, 10, 5, 5], [15, 10]));
  assert.ok(!inside([10, 10, 5, 5], [17, 10]));
});

test("a narrow window shows one Axes below the other, a wide one the figure as it is", () => {
  const axes = [{ panel: [0, 0, 500, 400] }, { panel: [500, 0, 500, 400] }];
  assert.deepEqual(layout([1000, 400], axes, 2000).panels, [{ from: [0, 0, 1000, 400], scale: 1, y: 0 }]);
  assert.deepEqual([layout([1000, 400], axes, 800).width, layout([1000, 400], axes, 800).height], [800, 320]);
  const narrow = layout([1000, 400], axes, 400);
  assert.deepEqual(narrow.places, [{ from: [0, 0, 500, 400], scale: 0.8, y: 0 }, { from: [500, 0, 500, 400], scale: 0.8, y: 328 }]);
  assert.deepEqual([narrow.width, narrow.height], [400, 656]);
  assert.equal(layout([1000, 400], axes.slice(0, 1), 400).panels.length, 1);
});

test("pixels and data lead back to each other, linear and log", () => {
  const axes = { box: [10, 20, 200, 100], xlim: [1, 1000], ylim: [-2, 6], scales: ["log", "linear"] };
  const [x, y] = toData(axes, toPixels(axes, [30, 2.5]));
  assert.ok(Math.abs(x - 30) < 1e-9 && Math.abs(y - 2.5) < 1e-9);
  assert.deepEqual(toPixels(axes, [1, 6]), [10, 20]);
});

test("for less motion Play shows eight stills, a second each", () => {
  const slider = (count, stride = 1) => ({ stride, labels: Array(count).fill("") });
  assert.deepEqual(stills(slider(201), false), { jump: 1, pace: 39 });
  assert.deepEqual(stills(slider(201), true), { jump: 25, pace: 1000 });
  assert.deepEqual(stills(slider(21, 4), true), { jump: 12, pace: 1000 });
  assert.deepEqual(stills(slider(2), true), { jump: 1, pace: 1000 });
});
