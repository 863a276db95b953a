// A guess by click: its mark, and whether it was a hit, which is told when the last step has been shown.

import { toPixels } from "./geometry.mjs";
import { drawMarkers, drawText, strokeLine } from "./marks.mjs";

const SIZE = 13, AROUND = 13; // px: the diamond, and the radius of the ring of a hit or half the side of a miss

/** Of a model its guess: follow(positions of the sliders) is true when it has just been judged, words() says how, and
 *  draw(ctx, enter) marks it: a diamond, a hit within a ring, a miss as an X. */
export function guessOf(model) {
  let verdict = "";
  const near = () => {
    const [x, y, within] = model.get("truth"), [u, v] = model.get("guess");
    return Math.hypot(u - x, v - y) <= within;
  };
  function follow(index) {
    const trail = model.get("trail"), last = trail < 0 || index[trail] === model.get("sliders")[trail].labels.length - 1;
    if (verdict || !last || !model.get("guess").length || !model.get("truth").length) return false;
    verdict = near() ? "hit" : "miss";
    return true;
  }
  function words() {
    if (!verdict) return "";
    const place = model.get("truth").slice(0, 2).map((value) => String(Number(value.toPrecision(3)))).join(", ");
    return verdict === "hit" ? "Your guess: a hit." : `Your guess: a miss. The place is (${place}).`;
  }
  function draw(ctx, enter) {
    if (!model.get("guess").length) return;
    const asked = model.get("asks"), axes = model.get("axes")[asked], { ink, halo } = axes;
    const place = toPixels(axes, model.get("guess")), [x, y] = place;
    enter(asked);
    ctx.fillStyle = ink;
    if (verdict !== "miss") drawMarkers(ctx, "D", SIZE, [place]);
    for (const [color, width] of verdict ? [[halo, 6], [ink, 3]] : []) for (const line of outlines(x, y)) strokeLine(ctx, line, color, width, []);
    const told = ["your guess", verdict].filter(Boolean).join(": ");
    drawText(ctx, told, [x, y + AROUND + 3], "center", "top", ink, 16, { halo, span: model.get("size")[0] });
  }
  const round = Array.from({ length: 41 }, (_, k) => [Math.cos((Math.PI * k) / 20), Math.sin((Math.PI * k) / 20)]);
  const slants = [[[-0.8, -0.8], [0.8, 0.8]], [[-0.8, 0.8], [0.8, -0.8]]];
  const outlines = (x, y) => (verdict === "hit" ? [round] : slants).map((line) => line.map(([u, v]) => [x + AROUND * u, y + AROUND * v]));
  return { follow, words, draw };
}
