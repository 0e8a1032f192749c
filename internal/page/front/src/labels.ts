import { FORGED, REPLY, Test } from "./data";
import { clip } from "./dom";
import { Pen } from "./svg";
import { Theme } from "./theme";
import { Values } from "./values";

export type Box = [number, number, number, number]; // left, top, right, bottom

/** A Line is the line of a message on the canvas. special lines get a label in any case. */
export interface Line { message: number; ends: [number, number, number, number]; special: boolean }

const lengths = [34, 22, 14]; // of a label, in characters: the longest that fits is used
const shares = [0.5, 0.3, 0.7, 0.15, 0.85, 0.4, 0.6, 0.22, 0.78]; // where on its line a label can be
const half = 8; // the height of a label, in pixels

/** Labels are texts beside lines that do not cover each other. */
export class Labels {
  readonly taken: Box[] = []; // no text covers one of these
  readonly written: { text: string; box: Box }[] = [];

  /** Labels are written between left and right, and above bottom. */
  constructor(private readonly c: Pen, private readonly t: Theme, private readonly left: number, private readonly right: number, private readonly bottom: number) {}

  /** reserve keeps labels off a place. */
  reserve(box: Box): void { this.taken.push(box); }

  /** writeAll writes what messages say beside their lines, the telling ones first. A text that does not fit is left out. */
  writeAll(test: Test, values: Values, lines: Line[]): void {
    const between = (i: number) => !/^c\d+$/.test(test.name(test.m.src[i])) && !/^c\d+$/.test(test.name(test.m.dest[i]));
    const rank = (l: Line) => {
      const i = l.message, reply = (test.m.flags[i] & REPLY) !== 0;
      if (l.special) return 0;
      if (test.isLost(i) || test.m.flags[i] & FORGED) return 1;
      return (between(i) ? 2 : 3) + (reply && !values.says(i) ? 2 : 0);
    };
    const texts = new Map(lines.map((l) => [l, values.of(l.message)]));
    for (const l of [...lines].sort((a, b) => rank(a) - rank(b) || a.message - b.message)) this.write(texts.get(l)!, l);
  }

  private write(text: string, line: Line): void {
    for (const most of lengths) {
      const short = clip(text, most), place = this.place(short, line.ends, false);
      if (place) return this.put(short, ...place);
      if (short === text && most < lengths[0]) break;
    }
    const short = clip(text, lengths[0]), place = line.special ? this.place(short, line.ends, true) : null;
    if (place) this.put(short, ...place);
  }

  /** place returns where a text fits beside a line. anywhere: it may cover another one. */
  private place(text: string, [x1, y1, x2, y2]: Line["ends"], anywhere: boolean): [number, number] | null {
    const w = this.c.measureText(text).width;
    for (const share of shares) {
      for (const side of [1, -1]) {
        const at = x1 + (x2 - x1) * share, y = y1 === y2 ? y1 + 2 * half : y1 + (y2 - y1) * share, x = side > 0 ? at + 7 : at - 7 - w;
        const box = boxOf(x, y, w);
        if (box[0] < this.left || box[2] > this.right || box[3] > this.bottom) continue;
        if (anywhere || !this.taken.some((o) => overlap(o, box))) return [x, y];
      }
    }
    return null;
  }

  private put(text: string, x: number, y: number): void {
    const { c } = this, w = c.measureText(text).width;
    this.reserve(boxOf(x, y, w));
    this.written.push({ text, box: boxOf(x, y, w) });
    c.save();
    c.globalAlpha = 0.85;
    c.fillStyle = this.t.ground;
    c.fillRect(x - 2, y - half + 1, w + 4, 2 * half - 2);
    c.restore();
    c.globalAlpha = 1;
    c.fillStyle = this.t.text;
    c.fillText(text, x, y);
  }
}

function boxOf(x: number, y: number, w: number): Box { return [x - 2, y - half, x + w + 2, y + half]; }

function overlap(a: Box, b: Box): boolean { return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]; }
