import { Test } from "./data";
import { h } from "./dom";
import { Band, stretches } from "./faults";
import { hatch } from "./strokes";
import { theme } from "./theme";
import { undrawn } from "./undrawn";
import { View } from "./view";

/** An Overview is a strip that shows the whole test: the rate of messages, faults, and the view. Dragging moves the view. */
export class Overview {
  readonly canvas = h("canvas", { class: "overview", "aria-hidden": "true" });
  private readonly bins = 600;
  private readonly sent: Float64Array;
  private readonly lost: Float64Array;

  constructor(readonly test: Test, readonly view: View, readonly bands: Band[]) {
    const { m } = test;
    this.sent = new Float64Array(this.bins);
    this.lost = new Float64Array(this.bins);
    for (let i = 0; i < m.count; i++) {
      const b = Math.min(this.bins - 1, Math.floor(m.sent[i] / test.end * this.bins));
      this.sent[b]++;
      if (test.isLost(i)) this.lost[b]++;
    }
    view.onChange(() => requestAnimationFrame(() => this.draw()));
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    const move = (e: PointerEvent) => {
      if (e.buttons === 0) return;
      const at = e.offsetX / this.canvas.clientWidth * view.end * 1.01, half = (view.to - view.from) / 2;
      view.set(at - half, at + half);
    };
    this.canvas.addEventListener("pointerdown", (e) => { this.canvas.setPointerCapture(e.pointerId); move(e); });
    this.canvas.addEventListener("pointermove", move);
  }

  draw(): void {
    const c = this.canvas.getContext("2d")!, t = theme(), scale = Math.min(devicePixelRatio || 1, 2);
    const w = this.canvas.clientWidth || 800, tall = 38;
    this.canvas.width = w * scale;
    this.canvas.height = tall * scale;
    c.setTransform(scale, 0, 0, scale, 0, 0);
    const x = (at: number) => at / (this.view.end * 1.01) * w;
    c.fillStyle = t.ground;
    c.fillRect(0, 0, w, tall);
    for (const b of stretches(this.bands)) {
      c.fillStyle = b.what === "links" ? t.partition : b.what === "pause" ? t.pause : t.down;
      c.globalAlpha = 0.3;
      c.fillRect(x(b.from), 0, Math.max(1, x(b.to) - x(b.from)), tall);
    }
    c.globalAlpha = 1;
    const most = this.sent.reduce((a, b) => Math.max(a, b), 1), each = w / 1.01 / this.bins;
    for (let i = 0; i < this.bins; i++) {
      if (this.sent[i] === 0) continue;
      const high = Math.max(2, this.sent[i] / most * (tall - 8)), gone = this.lost[i] > 0 ? Math.max(1.5, this.lost[i] / most * (tall - 8)) : 0;
      c.fillStyle = t.request;
      c.fillRect(i * each, tall - high, Math.max(each - 0.3, 0.8), high);
      c.fillStyle = t.lost;
      c.fillRect(i * each, tall - gone, Math.max(each - 0.3, 0.8), gone);
    }
    for (const [from, to] of undrawn(this.test)) hatch(c, t, x(from), 0, x(to) - x(from), tall);
    for (const r of this.test.head.reasons ?? []) {
      const at = x(r.seconds * 1000);
      c.fillStyle = t.mark;
      c.beginPath();
      c.moveTo(at, 8); c.lineTo(at - 5, 0); c.lineTo(at + 5, 0);
      c.fill();
    }
    c.strokeStyle = t.text;
    c.lineWidth = 1.5;
    c.strokeRect(Math.max(1, x(this.view.from)), 1, Math.min(Math.max(4, x(this.view.to) - x(this.view.from)), w - 2), tall - 2);
  }
}
