import { COPY, DELIVERED, FORGED, IN_FLIGHT, REPLY, REQUEST, Test } from "./data";
import { clip, digitsFor, h, plural, printable, time } from "./dom";
import { Counts, Density } from "./density";
import { Band, bandsOf, linksText } from "./faults";
import { Labels, Line } from "./labels";
import { Lanes } from "./lanes";
import { arrowHead, cross, hatch } from "./strokes";
import { Pen, SVGPen } from "./svg";
import { theme, Theme } from "./theme";
import { hatchUndrawn } from "./undrawn";
import { drawAxis } from "./timeaxis";
import { Values } from "./values";
import { View } from "./view";

/** A Bar shows how long an attempt waited, at the lane of its sender. */
export interface Bar { message: number; row: number; from: number; to: number; label: string; replied: number }

/** A Focus is the selected messages. The others are faded, or hidden if alone is true. */
export interface Focus { messages: Set<number>; alone: boolean; bars: Bar[]; mark: number | null; selected: number }

export interface Filter { node: number; type: number; fate: string }

/** If more messages are in view, their density is drawn instead of arrows. */
export const mostArrows = 3000;
const mostCounted = 300_000; // if more messages are in view, bins are used
const mostLabels = 80;
const densityStep = 3; // pixels
const leastRow = 22, mostRows = 27; // pixels, lanes
const gutter = 92, right = 14, axis = 24;

/** A Diagram is a space-time diagram (Lamport, CACM 1978): a lane for each node, real time to the right. */
export class Diagram {
  readonly canvas = h("canvas", { tabindex: "0", role: "application", "aria-roledescription": "message diagram" });
  readonly status = h("p", { class: "status", role: "status" });
  readonly lanes: Lanes;
  readonly bands: Band[];
  focus: Focus | null = null;
  hover = -1;
  drawn: number[] = []; // the messages whose arrows are on the canvas
  dense = false;
  scrolled = 0; // the number of lanes above the visible ones
  private mask: Uint8Array | null = null;
  private readonly latest: Float64Array; // for each 1024 messages, when the last of them was delivered or lost
  private readonly density: Density;
  readonly values: Values;
  labels: Labels | null = null; // of what is on the canvas
  private wide = 800; private high = 400; private row = 40; private top = 20;
  private waiting = false;

  constructor(readonly test: Test, readonly view: View) {
    this.lanes = new Lanes(test);
    this.bands = bandsOf(test);
    this.density = new Density(test, this.lanes);
    this.values = new Values(test, () => this.request());
    const { m } = test;
    this.latest = new Float64Array(Math.ceil(m.count / 1024));
    for (let i = 0; i < m.count; i++) if (m.done[i] !== Infinity) this.latest[i >> 10] = Math.max(this.latest[i >> 10], m.done[i]);
    view.onChange(() => this.request());
    new ResizeObserver(() => this.request()).observe(this.canvas);
  }

  /** request draws the diagram at the next frame. */
  request(): void {
    if (this.waiting) return;
    this.waiting = true;
    requestAnimationFrame(() => { this.waiting = false; this.draw(); });
  }

  filter(f: Filter): void {
    const { m } = this.test;
    this.density.forget();
    this.mask = null;
    if (f.node >= 0 || f.type >= 0 || f.fate !== "") {
      this.mask = new Uint8Array(m.count);
      for (let i = 0; i < m.count; i++) {
        const fate = m.flags[i] & 15;
        const fits = f.fate === "" || (f.fate === "not delivered" ? fate !== DELIVERED : f.fate === "duplicate" ? (m.flags[i] & COPY) !== 0 : this.test.fate(i) === f.fate);
        if (fits && (f.node < 0 || m.src[i] === f.node || m.dest[i] === f.node) && (f.type < 0 || m.type[i] === f.type)) this.mask[i] = 1;
      }
    }
    this.request();
  }

  x(at: number): number { return gutter + (at - this.view.from) / (this.view.to - this.view.from) * (this.wide - gutter - right); }
  at(x: number): number { return this.view.from + (x - gutter) / (this.wide - gutter - right) * (this.view.to - this.view.from); }
  private y(lane: number): number { return this.top + (lane - this.scrolled + 0.5) * this.row; }
  private laneOf(name: number): number { return Math.max(0, this.lanes.of[name]); }

  /** firstSince returns the first message that was sent at a time or later. */
  firstSince(at: number): number {
    const { sent, count } = this.test.m;
    let low = 0, high = count;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sent[middle] < at) low = middle + 1; else high = middle;
    }
    return low;
  }

  private isShown(i: number): boolean {
    const { src, dest } = this.test.m, { only } = this.lanes;
    if (only !== null && !(only.has(src[i]) && only.has(dest[i]))) return false;
    if (this.focus?.alone) return this.focus.messages.has(i);
    return this.mask === null || this.mask[i] === 1 || (this.focus?.messages.has(i) ?? false);
  }

  /** inView returns the messages that are in flight within the view, or null if they are too many. */
  private inView(): number[] | null {
    const { m } = this.test, all: number[] = [];
    const first = this.firstSince(this.view.from), end = this.firstSince(this.view.to);
    if (this.focus?.alone) return Array.from(this.focus.messages).sort((a, b) => a - b);
    if (end - first > mostCounted) return null;
    for (let b = 0; b <= first >> 10 && b < this.latest.length; b++) {
      if (this.latest[b] < this.view.from) continue;
      for (let i = b << 10, last = Math.min((b + 1) << 10, first); i < last; i++) {
        if (m.done[i] >= this.view.from && m.done[i] !== Infinity && this.isShown(i)) all.push(i);
      }
    }
    for (let i = first; i < end; i++) if (this.isShown(i)) all.push(i);
    return all;
  }

  private measure(): CanvasRenderingContext2D {
    const lanes = this.lanes.names.length, scale = Math.min(devicePixelRatio || 1, 2);
    this.wide = this.canvas.clientWidth || 800;
    this.row = Math.max(leastRow, Math.min(86, Math.floor((this.test.alone ? 430 : 300) / Math.max(1, lanes))));
    this.top = this.bands.some((b) => b.what === "links") ? 40 : 22;
    const rows = Math.min(lanes, Math.max(1, Math.floor(mostRows * leastRow / this.row)));
    this.scrolled = Math.max(0, Math.min(this.scrolled, lanes - rows));
    this.high = this.top + rows * this.row + axis;
    this.canvas.style.height = this.high + "px";
    const w = Math.round(this.wide * scale), hh = Math.round(this.high * scale);
    if (this.canvas.width !== w || this.canvas.height !== hh) { this.canvas.width = w; this.canvas.height = hh; }
    const c = this.canvas.getContext("2d")!;
    c.setTransform(scale, 0, 0, scale, 0, 0);
    return c;
  }

  draw(): void {
    const all = this.inView();
    this.paint(this.measure(), all);
    this.describe(all);
  }

  /** svg returns what the canvas shows, as SVG. */
  svg(): string {
    const ruler = this.measure(), pen = new SVGPen(this.wide, this.high, ruler), all = this.inView();
    this.paint(pen, all);
    this.draw(); // measure clears a canvas whose size has changed
    return pen.text(`${this.test.head.name}, ${this.status.textContent}`);
  }

  private paint(c: Pen, all: number[] | null): void {
    const { view } = this, t = theme();
    c.fillStyle = t.ground;
    c.fillRect(0, 0, this.wide, this.high);
    c.font = "12px system-ui, sans-serif";
    const labels = new Labels(c, t, gutter - 4, this.wide - 2, this.high - axis);
    this.drawLanes(c, t, labels);
    c.save();
    c.beginPath();
    c.rect(gutter - 6, 0, this.wide - gutter + 6 - 2, this.high - axis);
    c.clip();
    this.drawBands(c, t, labels);
    hatchUndrawn(c, t, this.test, labels, (at) => this.x(at), [gutter, this.top, this.wide - right, this.high - axis]);
    this.dense = all === null || all.length > mostArrows;
    this.drawn = this.dense ? [] : all!;
    if (this.dense) {
      const most = this.density.count(view, Math.ceil((this.wide - gutter - right) / densityStep), all, this.mask);
      this.drawDensity(c, t, most);
    }
    const focused = this.focus && this.dense ? Array.from(this.focus.messages) : this.drawn;
    this.drawBars(c, t);
    const lines = this.drawArrows(c, t, focused);
    if (this.dense) this.drawn = focused;
    this.drawMark(c, t);
    if (lines.length <= mostLabels) labels.writeAll(this.test, this.values, lines);
    this.labels = labels;
    c.restore();
    drawAxis(c, t, this.view, gutter, this.wide, right, this.high - axis);
  }

  private describe(all: number[] | null): void {
    const { view } = this, n = all === null ? this.firstSince(view.to) - this.firstSince(view.from) : all.length;
    const digits = digitsFor(view.to - view.from);
    const shown = Math.floor((this.high - this.top - axis) / this.row), laneCount = this.lanes.names.length;
    const lanes = shown < laneCount ? ` Lanes ${this.scrolled + 1} to ${this.scrolled + shown} of ${laneCount}: ↑ and ↓ move.` : "";
    const what = this.dense ? "shown as density: the number of messages sent by each lane over time. Zoom in to see arrows." : "";
    const text = `${time(view.from, digits)} to ${time(view.to, digits)}: ${plural(n, "message")}${this.focus?.alone ? " of this call" : ""}${this.mask ? " that fit the filter" : ""}${what ? ", " + what : "."}${lanes}`;
    if (this.status.textContent !== text) this.status.textContent = text;
    this.canvas.setAttribute("aria-label", `Messages between ${plural(this.lanes.names.length, "lane")}: ${text} Arrow keys move, plus and minus zoom, Home shows all, N and P go from message to message.`);
  }

  private drawLanes(c: Pen, t: Theme, labels: Labels): void {
    c.textBaseline = "middle";
    this.lanes.names.forEach((name, i) => {
      const y = this.y(i);
      if (y < this.top || y > this.high - axis) return;
      labels.reserve([gutter, y - 1, this.wide, y + 1]);
      c.strokeStyle = t.line;
      c.lineWidth = 1;
      c.beginPath();
      c.moveTo(gutter, Math.round(y) + 0.5);
      c.lineTo(this.wide - right, Math.round(y) + 0.5);
      c.stroke();
      c.fillStyle = t.text;
      c.textAlign = "right";
      c.fillText(clip(printable(name), 13), gutter - 10, y);
    });
    c.textAlign = "left";
  }

  private drawBands(c: Pen, t: Theme, labels: Labels): void {
    const ends = [-Infinity, -Infinity]; // where the texts end, in two rows
    for (const b of this.bands) {
      const x1 = Math.max(this.x(b.from), gutter), x2 = Math.min(this.x(b.to), this.wide - right);
      if (x2 < gutter || x1 > this.wide - right) continue;
      const w = Math.max(x2 - x1, 1.5);
      if (b.what === "links") {
        c.fillStyle = t.partition;
        c.globalAlpha = t.dark ? 0.13 : 0.14;
        c.fillRect(x1, this.top - 4, w, this.high - this.top - axis + 4);
        c.globalAlpha = 0.9;
        c.fillRect(x1, this.top - 6, w, 3);
        c.globalAlpha = 1;
        const row = x1 >= ends[0] ? 0 : x1 >= ends[1] ? 1 : -1;
        if (row < 0) continue;
        const next = this.bands.find((o) => o.what === "links" && o.from > b.from), room = (next ? this.x(next.from) : this.wide - right) - x1;
        const text = clip(b.label + (b.fault ? ": " + linksText(b.fault) : ""), Math.max(8, Math.floor(Math.max(w, room - 20) / 6.2)));
        c.fillStyle = t.text;
        c.fillText(printable(text), x1 + 2, 10 + row * 14);
        ends[row] = x1 + 8 + c.measureText(text).width;
        labels.reserve([x1, 3 + row * 14, ends[row], 17 + row * 14]);
        continue;
      }
      const lane = this.lanes.laneOf(b.node ?? "");
      const y = this.y(lane);
      if (lane < 0 || y < this.top || y > this.high - axis) continue;
      const half = Math.min(this.row * 0.32, 16);
      c.fillStyle = b.what === "pause" ? t.pause : t.down;
      c.globalAlpha = 0.32;
      c.fillRect(x1, y - half, w, 2 * half);
      c.globalAlpha = 1;
      if (b.what === "down") hatch(c, t, x1, y - half, w, 2 * half);
      if (w > 76) {
        c.fillStyle = t.ground;
        c.globalAlpha = 0.8;
        c.fillRect(x1 + 3, y - half - 15, c.measureText(b.label).width + 4, 14);
        c.globalAlpha = 1;
        c.fillStyle = t.text;
        c.fillText(b.label, x1 + 5, y - half - 8);
        labels.reserve([x1 + 3, y - half - 15, x1 + 7 + c.measureText(b.label).width, y - half - 1]);
      }
    }
  }

  private kind(i: number, t: Theme): string {
    const { m } = this.test, flags = m.flags[i];
    if (flags & FORGED) return t.forged;
    if ((flags & 15) > DELIVERED) return t.lost;
    if (this.test.name(m.type[i]) === "error") return t.error;
    return flags & REPLY ? t.reply : flags & REQUEST ? t.request : t.oneway;
  }

  /** ends returns where the line of a message begins and ends on the canvas. */
  private ends(i: number): [number, number, number, number] {
    const { m } = this.test;
    const src = this.laneOf(m.src[i]), dest = this.laneOf(m.dest[i]);
    const x1 = this.x(m.sent[i]), y1 = this.y(src);
    let y2 = this.y(dest), x2 = m.done[i] === Infinity ? this.wide : this.x(m.done[i]);
    const lostOnTheWay = this.test.isLost(i) && m.done[i] === m.sent[i];
    if (lostOnTheWay) { y2 = y1 + (y2 - y1) * 0.45; x2 = x1 + 9; } // it is not known where it was lost
    return [x1, y1, x2, y2];
  }

  /** drawArrows draws the lines of messages and returns those that are not faded. */
  private drawArrows(c: Pen, t: Theme, all: number[]): Line[] {
    const { m } = this.test, focus = this.focus, lines: Line[] = [];
    const order = focus && !focus.alone ? [...all.filter((i) => !focus.messages.has(i)), ...all.filter((i) => focus.messages.has(i))] : all;
    for (const i of order) {
      const ends = this.ends(i), [x1, y1, x2, y2] = ends;
      const special = i === this.hover || i === focus?.selected;
      const faded = focus !== null && !focus.messages.has(i) && !special;
      c.globalAlpha = faded ? 0.13 : all.length > 800 && !focus ? 0.6 : 1;
      c.strokeStyle = c.fillStyle = this.kind(i, t);
      c.lineWidth = special ? 3 : focus && !faded ? 2 : all.length > 800 ? 0.8 : 1.3;
      c.setLineDash(m.flags[i] & COPY ? [6, 4] : m.flags[i] & FORGED ? [9, 3, 2, 3] : (m.flags[i] & 15) === IN_FLIGHT ? [1, 3] : []);
      c.beginPath();
      if (m.src[i] === m.dest[i]) { c.moveTo(x1, y1); c.bezierCurveTo(x1, y1 + this.row * 0.5, x2, y1 + this.row * 0.5, x2, y2); }
      else { c.moveTo(x1, y1); c.lineTo(x2, y2); }
      c.stroke();
      c.setLineDash([]);
      if (this.test.isLost(i)) cross(c, x2, y2, special ? 5.5 : all.length > 800 ? 2.5 : 4);
      else if (all.length <= 1500 || special) arrowHead(c, t, x1, y1, x2, y2, (m.flags[i] & REPLY) !== 0);
      if (!faded) lines.push({ message: i, ends, special });
    }
    c.globalAlpha = 1;
    return lines;
  }

  /** drawBars draws how long attempts waited, and their numbers. */
  private drawBars(c: Pen, t: Theme): void {
    for (const b of this.focus?.bars ?? []) {
      const lane = this.laneOf(this.test.m.src[b.message]);
      const y = this.y(lane) - this.row * 0.46 + b.row * 11, x1 = this.x(b.from), x2 = Math.max(this.x(b.to), x1 + 3);
      c.globalAlpha = 0.28;
      c.fillStyle = t.request;
      c.fillRect(x1, y, x2 - x1, 8);
      c.globalAlpha = 1;
      if (b.replied <= b.to) { c.fillStyle = t.reply; c.fillRect(x1, y, Math.max(2, this.x(b.replied) - x1), 8); }
      c.strokeStyle = t.request;
      c.lineWidth = 1;
      c.strokeRect(x1 + 0.5, y + 0.5, x2 - x1 - 1, 7);
      c.fillStyle = t.text;
      c.font = "bold 12px system-ui, sans-serif";
      const x = Math.max(x1, gutter + 4);
      c.fillText(b.label, x - 12, y + 5);
      c.font = "12px system-ui, sans-serif";
    }
  }

  private drawMark(c: Pen, t: Theme): void {
    if (this.focus?.alone) return;
    const first = this.test.head.reasons?.[0], at = this.focus?.mark ?? (first ? first.seconds * 1000 : null);
    if (at === null) return;
    const x = this.x(at);
    if (x < gutter || x > this.wide - right) return;
    c.strokeStyle = c.fillStyle = t.mark;
    c.lineWidth = 1.5;
    c.setLineDash([5, 4]);
    c.beginPath();
    c.moveTo(x, this.top - 6);
    c.lineTo(x, this.high - axis);
    c.stroke();
    c.setLineDash([]);
    c.beginPath();
    c.moveTo(x, this.top - 2); c.lineTo(x - 6, this.top - 13); c.lineTo(x + 6, this.top - 13);
    c.fill();
  }

  /** drawDensity draws how many messages each lane sent over time, and how many of them were lost. */
  private drawDensity(c: Pen, t: Theme, d: Counts): void {
    c.globalAlpha = this.focus ? 0.25 : 1;
    for (let l = 0; l < this.lanes.names.length; l++) {
      const y = this.y(l);
      if (y < this.top || y > this.high - axis) continue;
      for (let k = 0; k < d.columns; k++) {
        const n = d.sent[l * d.columns + k];
        if (n === 0) continue;
        const tall = Math.log1p(n) / Math.log1p(d.most) * this.row * 0.8, gone = d.lost[l * d.columns + k] / n * tall;
        const x = gutter + k * densityStep, bottom = y + this.row * 0.4;
        c.fillStyle = t.request;
        c.fillRect(x, bottom - tall, densityStep - 0.5, tall);
        if (gone > 0) { c.fillStyle = t.lost; c.fillRect(x, bottom - Math.max(1.5, gone), densityStep - 0.5, Math.max(1.5, gone)); }
      }
    }
    c.globalAlpha = 1;
  }

  /** limitLanes shows only the lanes of some messages if not all lanes have room, or all lanes if messages is null. */
  limitLanes(messages: Set<number> | null): void {
    const { lanes, test } = this;
    if (messages === null && lanes.only === null) return;
    lanes.only = null;
    lanes.layOut();
    if (messages !== null && lanes.names.length > mostRows) {
      lanes.only = new Set(Array.from(messages).flatMap((i) => [test.m.src[i], test.m.dest[i]]));
      lanes.layOut();
    }
    this.density.forget();
  }

  /** groupClients puts all clients into one lane, or gives each its own lane. */
  groupClients(together: boolean): void {
    this.lanes.together = together;
    this.lanes.layOut();
    this.density.forget();
    this.request();
  }

  /** messageAt returns the message whose line is nearest to a point of the canvas, or -1. */
  messageAt(x: number, y: number): number {
    let best = -1, least = 8;
    for (const i of this.drawn) {
      const [x1, y1, x2, y2] = this.ends(i);
      const dx = x2 - x1, dy = y2 - y1, size = dx * dx + dy * dy;
      const k = size === 0 ? 0 : Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / size));
      let d = Math.hypot(x - x1 - k * dx, y - y1 - k * dy);
      if (this.focus?.messages.has(i)) d -= 1.5; // selected messages come first
      if (d < least) { least = d; best = i; }
    }
    return best;
  }

  /** middleOf returns a point of the page that is on the line of a message. */
  middleOf(i: number): [number, number] {
    const [x1, y1, x2, y2] = this.ends(i), box = this.canvas.getBoundingClientRect();
    return [box.left + (x1 + x2) / 2, box.top + (y1 + y2) / 2];
  }
}
