import { Pen } from "./svg";
import { Theme } from "./theme";

/** hatch fills a rectangle with slanted lines. */
export function hatch(c: Pen, t: Theme, x: number, y: number, w: number, hh: number): void {
  c.save();
  c.beginPath();
  c.rect(x, y, w, hh);
  c.clip();
  c.strokeStyle = t.down;
  c.lineWidth = 1;
  c.beginPath();
  for (let k = x - hh; k < x + w; k += 7) { c.moveTo(k, y + hh); c.lineTo(k + hh, y); }
  c.stroke();
  c.restore();
}

/** cross draws a cross, where a message was lost. */
export function cross(c: Pen, x: number, y: number, r: number): void {
  c.lineWidth = Math.max(1.6, c.lineWidth);
  c.beginPath();
  c.moveTo(x - r, y - r); c.lineTo(x + r, y + r);
  c.moveTo(x - r, y + r); c.lineTo(x + r, y - r);
  c.stroke();
}

/** arrowHead draws the head of an arrow. It is hollow for a reply. */
export function arrowHead(c: Pen, t: Theme, x1: number, y1: number, x2: number, y2: number, hollow: boolean): void {
  const angle = Math.atan2(y2 - y1, x2 - x1), r = 7;
  c.beginPath();
  c.moveTo(x2, y2);
  c.lineTo(x2 - r * Math.cos(angle - 0.42), y2 - r * Math.sin(angle - 0.42));
  c.lineTo(x2 - r * Math.cos(angle + 0.42), y2 - r * Math.sin(angle + 0.42));
  c.closePath();
  if (hollow) { const ink = c.fillStyle; c.fillStyle = t.ground; c.fill(); c.lineWidth = 1.3; c.stroke(); c.fillStyle = ink; } else c.fill();
}
