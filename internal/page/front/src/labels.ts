import { Pen } from "./svg";
import { Theme } from "./theme";

type Box = [number, number, number, number]; // left, top, right, bottom

/** Labels are texts beside lines that do not cover each other. */
export class Labels {
  private readonly taken: Box[] = [];

  /** Labels are written between left and right. */
  constructor(private readonly c: Pen, private readonly t: Theme, private readonly left: number, private readonly right: number) {}

  /** write writes a text beside a line, unless it would cover another one. must writes it in any case. */
  write(text: string, x1: number, y1: number, x2: number, y2: number, must: boolean): void {
    const { c } = this, w = c.measureText(text).width;
    for (const share of [0.3, 0.5, 0.7, 0.15]) {
      const x = x1 + (x2 - x1) * share + 6, y = y1 + (y2 - y1) * share + (y2 > y1 ? -4 : 6);
      const box: Box = [x - 2, y - 8, x + w + 2, y + 8];
      if (x < this.left || x + w > this.right) continue;
      if (!must && this.taken.some((o) => o[0] < box[2] && box[0] < o[2] && o[1] < box[3] && box[1] < o[3])) continue;
      this.taken.push(box);
      c.save();
      c.globalAlpha = 0.75;
      c.fillStyle = this.t.ground;
      c.fillRect(x - 1, y - 7, w + 2, 14);
      c.restore();
      c.fillStyle = this.t.text;
      c.fillText(text, x, y);
      return;
    }
  }
}
