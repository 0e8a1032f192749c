import { FAIL, OK, OPEN, Test } from "./data";
import { Go, link } from "./details";
import { clip, count, h, plural, printable, isolated, span, table, time } from "./dom";
import { Band, stretches } from "./faults";
import { onTheme, theme } from "./theme";
import { ticks } from "./timeaxis";
import { View } from "./view";

const gutter = 92, right = 14, axis = 22;
const outcomes = ["open", "ok", "failed", "indefinite"];

/** A Timeline shows the operations of each client over time, in the view of the diagram. */
export class Timeline {
  readonly canvas = h("canvas", { class: "timeline", role: "img" });
  readonly element: HTMLElement;
  private readonly lanes = new Map<number, number>();
  private readonly longest: number;
  private readonly tip = h("p", { class: "status" });
  private readonly listed = h("details", {}, h("summary", {}, "The operations in view as a table"));
  private high = 100; private wide = 800; private row = 12; private scrolled = 0; private all = false;

  constructor(readonly test: Test, readonly view: View, readonly bands: Band[], readonly go: Go) {
    const { ops } = test;
    const clients = Array.from(new Set(ops.client)).sort((a, b) => test.name(a).length - test.name(b).length || (test.name(a) < test.name(b) ? -1 : 1));
    clients.forEach((c, i) => this.lanes.set(c, i));
    let longest = 0, ok = 0, failed = 0;
    for (let i = 0; i < ops.count; i++) {
      if (ops.to[i] !== Infinity) longest = Math.max(longest, ops.to[i] - ops.from[i]);
      if (ops.outcome[i] === OK) ok++;
      if (ops.outcome[i] === FAIL) failed++;
    }
    this.longest = longest;
    this.canvas.setAttribute("aria-label", `${plural(ops.count, "operation")} of ${plural(clients.length, "client")} over time: ${count(ok)} ok, ${count(failed)} failed, ${count(ops.count - ok - failed)} indefinite.`);
    const key = (name: string, text: string) => h("li", {}, h("i", { class: "key " + name, "aria-hidden": "true" }), text);
    this.element = h("figure", {}, h("figcaption", {}, "Operations by client"), this.canvas, this.tip,
      h("ul", { class: "legend" }, key("op-ok", "ok"), key("op-fail", "failed"), key("op-indefinite", "indefinite: may have taken effect")), this.listed);
    if (clients.length > 24) {
      const box = h("input", { type: "checkbox" });
      box.addEventListener("change", () => { this.all = box.checked; this.draw(); });
      this.tip.before(h("label", { class: "check" }, box, `all ${count(clients.length)} clients`));
    }
    view.onChange(() => requestAnimationFrame(() => this.draw()));
    onTheme(() => this.draw());
    this.listed.addEventListener("toggle", () => this.list());
    view.onChange(() => this.list());
    new ResizeObserver(() => this.draw()).observe(this.canvas);
    this.canvas.addEventListener("click", (e) => { const i = this.at(e); if (i >= 0 && ops.message[i] >= 0) go(`k${test.m.call[ops.message[i]]}`); });
    this.canvas.addEventListener("pointermove", (e) => this.point(e));
    this.canvas.addEventListener("wheel", (e) => {
      if (!e.ctrlKey && this.lanes.size * this.row <= this.high) return;
      e.preventDefault();
      this.scrolled += Math.sign(e.deltaY) * 3;
      this.draw();
    }, { passive: false });
  }

  private x(at: number): number { return gutter + (at - this.view.from) / (this.view.to - this.view.from) * (this.wide - gutter - right); }

  private inView(): number[] {
    const { ops } = this.test, all: number[] = [];
    let low = 0, high = ops.count;
    while (low < high) { const k = (low + high) >> 1; if (ops.from[k] < this.view.from - this.longest) low = k + 1; else high = k; }
    for (let i = low; i < ops.count && ops.from[i] <= this.view.to; i++) if (ops.to[i] >= this.view.from) all.push(i);
    return all;
  }

  draw(): void {
    const c = this.canvas.getContext("2d")!, t = theme(), scale = Math.min(devicePixelRatio || 1, 2), { ops } = this.test;
    this.wide = this.canvas.clientWidth || 800;
    this.row = Math.max(13, Math.min(26, Math.floor(260 / Math.max(1, this.lanes.size))));
    const rows = this.all ? this.lanes.size : Math.min(this.lanes.size, Math.floor(320 / this.row));
    this.scrolled = Math.max(0, Math.min(this.scrolled, this.lanes.size - rows));
    this.high = Math.max(1, rows) * this.row;
    this.canvas.style.height = this.high + axis + 6 + "px";
    this.canvas.width = this.wide * scale;
    this.canvas.height = (this.high + axis + 6) * scale;
    c.setTransform(scale, 0, 0, scale, 0, 0);
    c.fillStyle = t.ground;
    c.fillRect(0, 0, this.wide, this.high + axis + 6);
    c.font = "11px system-ui, sans-serif";
    c.textBaseline = "middle";
    c.save();
    c.beginPath();
    c.rect(gutter, 0, this.wide - gutter, this.high + 4);
    c.clip();
    for (const b of stretches(this.bands)) {
      c.fillStyle = b.what === "links" ? t.partition : b.what === "pause" ? t.pause : t.down;
      c.globalAlpha = 0.14;
      if (this.x(b.to) > gutter && this.x(b.from) < this.wide) c.fillRect(this.x(b.from), 0, Math.max(1, this.x(b.to) - this.x(b.from)), this.high + 4);
    }
    c.globalAlpha = 1;
    for (const i of this.thin(this.inView())) {
      const y = (this.lanes.get(ops.client[i])! - this.scrolled) * this.row + 4, x1 = this.x(ops.from[i]);
      if (y < 0 || y > this.high) continue;
      const x2 = ops.to[i] === Infinity ? this.wide : this.x(ops.to[i]), w = Math.max(2.5, x2 - x1), o = ops.outcome[i];
      c.fillStyle = c.strokeStyle = o === OK ? t.ok : o === FAIL ? t.fail : t.indefinite;
      if (o === OK) c.fillRect(x1, y, w, this.row - 5);
      else if (o === FAIL) { c.fillRect(x1, y, w, this.row - 5); c.fillStyle = t.ground; c.fillRect(x1 + 1, y + (this.row - 5) / 2 - 1, w - 2, 2); }
      else { c.globalAlpha = 0.45; c.fillRect(x1, y, w, this.row - 5); c.globalAlpha = 1; c.setLineDash([4, 3]); c.strokeRect(x1 + 0.5, y + 0.5, w, this.row - 6); c.setLineDash([]); }
      const text = this.test.name(ops.f[i]);
      if (w > 12 + text.length * 7 && o === OK) { c.fillStyle = t.ground; c.fillText(clip(printable(text), 30), x1 + 4, y + (this.row - 5) / 2 + 0.5); }
    }
    c.restore();
    c.textAlign = "right";
    c.fillStyle = t.text;
    for (const [client, lane] of this.lanes) {
      const y = (lane - this.scrolled + 0.5) * this.row + 2;
      if (y > 0 && y < this.high) c.fillText(clip(printable(this.test.name(client)), 12), gutter - 10, y);
    }
    c.textAlign = "center";
    c.fillStyle = t.faint;
    for (const tick of ticks(this.view.from, this.view.to, (this.wide - gutter) / 110)) c.fillText(tick.text, Math.min(this.x(tick.at), this.wide - 24), this.high + 14);
    c.textAlign = "left";
  }

  /** list fills the table with the operations in view. */
  private list(): void {
    if (!this.listed.open) return;
    const { test } = this, { ops, m } = test, all = this.inView(), most = 200;
    const rows = all.slice(0, most).map((i) => {
      const name = `${test.name(ops.client[i])}/${ops.id[i]}`, call = ops.message[i] >= 0 ? m.call[ops.message[i]] : 0;
      return [time(ops.from[i]), call ? link(this.go, `k${call}`, name) : isolated(name), isolated(test.name(ops.f[i])), isolated(test.name(ops.node[i])), outcomes[ops.outcome[i]], ops.to[i] === Infinity ? "" : span(ops.to[i] - ops.from[i]), isolated(test.name(ops.why[i]))];
    });
    this.listed.replaceChildren(this.listed.firstElementChild!, table(all.length > most ? `The first ${most} of ${plural(all.length, "operation")} in view` : `${plural(all.length, "operation")} in view`, ["sent", "operation", "function", "node", "outcome", "took", "error"], rows));
  }

  /** thin removes operations that would not be visible because there are so many. */
  private thin(all: number[]): number[] {
    if (all.length < 20000) return all;
    const { ops } = this.test, last = new Map<number, number>();
    return all.filter((i) => {
      const key = ops.client[i] * 4 + ops.outcome[i], x = this.x(ops.to[i] === Infinity ? this.view.to : ops.to[i]);
      if (x - (last.get(key) ?? -9) < 1) return false;
      last.set(key, x);
      return true;
    });
  }

  private at(e: MouseEvent): number {
    const { ops } = this.test, lane = Math.floor((e.offsetY - 2) / this.row) + this.scrolled;
    let best = -1, least = 5;
    for (const i of this.inView()) {
      if (this.lanes.get(ops.client[i]) !== lane) continue;
      const x1 = this.x(ops.from[i]), x2 = ops.to[i] === Infinity ? this.wide : this.x(ops.to[i]);
      const d = e.offsetX < x1 ? x1 - e.offsetX : e.offsetX > x2 ? e.offsetX - x2 : 0;
      if (d < least) { least = d; best = i; }
    }
    return best;
  }

  private point(e: PointerEvent): void {
    const { ops } = this.test, i = this.at(e);
    this.canvas.style.cursor = i >= 0 ? "pointer" : "";
    this.tip.textContent = i < 0 ? "" : printable(`${this.test.name(ops.client[i])}/${ops.id[i]} ${this.test.name(ops.f[i])} to ${this.test.name(ops.node[i])}: ${outcomes[ops.outcome[i]]}${ops.outcome[i] === OPEN ? "" : " after " + span(ops.to[i] - ops.from[i])}, sent at ${time(ops.from[i])}${ops.why[i] ? ": " + this.test.name(ops.why[i]) : ""}`);
  }
}
