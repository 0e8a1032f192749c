import { Test } from "./data";
import { Labels } from "./labels";
import { hatch } from "./strokes";
import { Pen } from "./svg";
import { Theme } from "./theme";

/** undrawn returns the times of which the page has no messages, because there are too many. */
export function undrawn(test: Test): [number, number][] {
  const { head } = test, all: [number, number][] = [];
  if (head.first > 0) all.push([0, head.sent_from]);
  if (head.first + head.messages < head.all) all.push([head.sent_to, test.end]);
  return all;
}

/** hatchUndrawn hatches these times in a diagram, between its left, upper, right and lower edge. */
export function hatchUndrawn(c: Pen, t: Theme, test: Test, labels: Labels, x: (at: number) => number, [left, top, right, bottom]: [number, number, number, number]): void {
  for (const [from, to] of undrawn(test)) {
    const x1 = Math.max(x(from), left), x2 = Math.min(x(to), right);
    if (x2 <= x1) continue;
    hatch(c, t, x1, top, x2 - x1, bottom - top);
    const text = "not in the page: see journal.jsonl", w = c.measureText(text).width + 8, at = (x1 + x2 - w) / 2;
    if (w > x2 - x1) continue;
    c.fillStyle = t.ground;
    c.fillRect(at, top + 2, w, 18);
    c.fillStyle = t.text;
    c.fillText(text, at + 4, top + 11);
    labels.reserve([at, top + 2, at + w, top + 20]);
  }
}
