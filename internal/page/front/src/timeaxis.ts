import { Pen } from "./svg";
import { Theme } from "./theme";
import { View } from "./view";

/** drawAxis draws a time axis at y. It shows the view from left to wide - right. */
export function drawAxis(c: Pen, t: Theme, view: View, left: number, wide: number, right: number, y: number): void {
  c.strokeStyle = t.faint;
  c.fillStyle = t.faint;
  c.lineWidth = 1;
  for (const tick of ticks(view.from, view.to, (wide - left) / 110)) {
    const x = left + (tick.at - view.from) / (view.to - view.from) * (wide - left - right);
    c.beginPath();
    c.moveTo(x, y);
    c.lineTo(x, y + 5);
    c.stroke();
    c.textAlign = x > wide - 40 ? "right" : "center";
    c.fillText(tick.text, x, y + 14);
  }
  c.textAlign = "left";
}

/** ticks returns round times between two times, at most so many, with their texts. */
export function ticks(from: number, to: number, most: number): { at: number; text: string }[] {
  const raw = (to - from) / Math.max(most, 1), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw) ?? 10 * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step / 1000) + 1e-9));
  const all = [];
  for (let k = Math.ceil(from / step); k * step <= to; k++) all.push({ at: k * step, text: (k * step / 1000).toFixed(digits) + " s" });
  return all;
}
