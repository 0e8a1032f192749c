import uPlot from "../third_party/uplot/uPlot.esm.js";
import { FAIL, OK, OPEN, Test } from "./data";
import { h, printable, span, table } from "./dom";
import { Band, stretches } from "./faults";
import { onTheme, theme, Theme } from "./theme";
import { View } from "./view";

const most = 5000; // the operations that are drawn as points

/** Buckets are the operations grouped by the time at which they began or ended. */
interface Buckets { at: number[]; wide: number; p50: (number | null)[]; p95: (number | null)[]; p99: (number | null)[]; max: (number | null)[]; ok: number[]; fail: number[]; indefinite: number[] }

function bucketsOf(test: Test): Buckets {
  const { ops } = test, wanted = Math.max(4, Math.min(120, Math.ceil(ops.count / 5))), wide = niceWidth(test.end / wanted);
  const n = Math.ceil(test.end / wide) + 1, latencies: number[][] = Array.from({ length: n }, () => []);
  const b: Buckets = { at: [], wide, p50: [], p95: [], p99: [], max: [], ok: Array(n).fill(0), fail: Array(n).fill(0), indefinite: Array(n).fill(0) };
  for (let i = 0; i < ops.count; i++) {
    const o = ops.outcome[i], ended = ops.to[i] === Infinity ? test.end : ops.to[i];
    if (o === OK) latencies[Math.floor(ops.from[i] / wide)].push(ops.to[i] - ops.from[i]);
    (o === OK ? b.ok : o === FAIL ? b.fail : b.indefinite)[Math.floor(ended / wide)]++;
  }
  for (let k = 0; k < n; k++) {
    b.at.push((k + 0.5) * wide / 1000);
    const l = latencies[k].sort((x, y) => x - y), q = (share: number) => (l.length ? l[Math.max(Math.ceil(share * l.length - 1e-9), 1) - 1] : null); // as in internal/quantile
    b.p50.push(q(0.5)); b.p95.push(q(0.95)); b.p99.push(q(0.99)); b.max.push(q(1));
    for (const list of [b.ok, b.fail, b.indefinite]) list[k] = list[k] / wide * 1000;
  }
  return b;
}

function niceWidth(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 0.001)));
  return [1, 2, 5, 10].map((k) => k * power).find((w) => w >= least)!;
}

/** charts returns charts of latency and rate over time, with faults in the background. Selecting a stretch of time shows it in the diagram. */
export function charts(test: Test, view: View, bands: Band[]): HTMLElement {
  const b = bucketsOf(test), row = h("div", { class: "charts" });
  const digits = (v: number | null) => (v === null ? "–" : span(v));
  row.append(
    figure("Latency of operations that ended ok, and duration of the others", test, view, bands, [b.at, b.p50, b.p95, b.p99], (t) => [
      { label: "p50", stroke: t.request, width: 2 }, { label: "p95", stroke: t.oneway, width: 1.5, dash: [6, 3] }, { label: "p99", stroke: t.text, width: 1, dash: [2, 3] },
    ], span, true, table("Latency by start time", ["from, s", "p50", "p95", "p99", "max"], b.at.map((at, k) => [(at - b.wide / 2000).toFixed(3), digits(b.p50[k]), digits(b.p95[k]), digits(b.p99[k]), digits(b.max[k])]).filter((r) => r[1] !== "–"))),
    figure("Operations per second, by outcome", test, view, bands, [b.at, b.ok, b.fail, b.indefinite], (t) => [
      { label: "ok", stroke: t.ok, width: 2 }, { label: "failed", stroke: t.fail, width: 2, dash: [6, 3] }, { label: "indefinite", stroke: t.indefinite, width: 2, dash: [2, 3] },
    ], (v) => v.toLocaleString("en-US", { maximumFractionDigits: 1 }) + "/s", false, table("Operations per second by end time", ["from, s", "ok", "failed", "indefinite"], b.at.map((at, k) => [(at - b.wide / 2000).toFixed(3), ...[b.ok, b.fail, b.indefinite].map((l) => l[k].toFixed(1))]))));
  return row;
}

function figure(title: string, test: Test, view: View, bands: Band[], data: (number | null)[][], series: (t: Theme) => uPlot.Series[], unit: (v: number) => string, points: boolean, numbers: HTMLElement): HTMLElement {
  const host = h("div", { class: "chart", role: "img", "aria-label": `${title}; the numbers are in the table below` });
  let plot: uPlot | null = null;
  const draw = () => {
    plot?.destroy();
    const t = theme(), axis = { stroke: t.faint, grid: { stroke: t.line, width: 0.5 }, ticks: { stroke: t.line }, font: "12px system-ui" };
    plot = new uPlot({
      width: host.clientWidth || 480, height: 230, scales: { x: { time: false, range: () => [0, test.end / 1000] }, y: points ? { distr: 3, range: () => decades(test) } : { range: (_, __, max) => [0, max * 1.08 || 1] } },
      cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 5 } },
      axes: [{ ...axis, values: (_, all) => all.map((v) => v + " s") }, { ...axis, size: 66, values: (_, all) => all.map((v: number | null) => (v === null ? "" : v === 0 ? "0" : unit(v))) }],
      series: [{ label: "time", value: (_, v) => (v == null ? "–" : v.toFixed(3) + " s") }, ...series(t).map((s) => ({ ...s, spanGaps: true, points: { show: data[0].length < 40 }, value: (_: uPlot, v: number | null) => (v == null ? "–" : unit(v)) }))],
      hooks: {
        drawClear: [(u) => behind(u, t, view, bands)],
        drawAxes: [(u) => { if (points) scatter(u, t, test); }],
        setSelect: [(u) => {
          if (u.select.width < 3) return;
          view.set(u.posToVal(u.select.left, "x") * 1000, u.posToVal(u.select.left + u.select.width, "x") * 1000);
          u.setSelect({ left: 0, width: 0, top: 0, height: 0 }, false);
        }],
      },
    }, data as uPlot.AlignedData, host);
  };
  new ResizeObserver(() => { if (plot && host.clientWidth && plot.width !== host.clientWidth) plot.setSize({ width: host.clientWidth, height: 230 }); else if (!plot) draw(); }).observe(host);
  onTheme(draw);
  let waiting = false;
  view.onChange(() => {
    if (waiting) return;
    waiting = true;
    setTimeout(() => { waiting = false; plot?.redraw(false); }, 80);
  });
  const key = points ? h("p", { class: "note" }, Array.from(marksOf(test)).map(([f, mark]) => `${marks[mark]} ${printable(test.name(f))}`).join("   ") + "; hollow marks did not end ok. The axis is logarithmic.") : null;
  return h("figure", {}, h("figcaption", {}, title), host, key, h("details", {}, h("summary", {}, "as a table"), numbers));
}

/** least is the shortest latency that the chart shows, in ms. */
const least = 0.001;

/** decades returns the powers of ten around all latencies. */
function decades(test: Test): [number, number] {
  const { ops } = test;
  let low = Infinity, high = 0;
  for (let i = 0; i < ops.count; i++) {
    if (ops.to[i] === Infinity) continue;
    low = Math.min(low, ops.to[i] - ops.from[i]);
    high = Math.max(high, ops.to[i] - ops.from[i]);
  }
  const from = 10 ** Math.floor(Math.log10(Math.max(Math.min(low, 100), least)));
  return [from, Math.max(10 ** Math.ceil(Math.log10(Math.max(high, least))), from * 10)];
}

/** behind draws the faults, and a frame around the time that the diagram shows. */
function behind(u: uPlot, t: Theme, view: View, bands: Band[]): void {
  const c = u.ctx, { left, top, width, height } = u.bbox;
  c.save();
  for (const b of stretches(bands)) {
    const x1 = Math.max(left, u.valToPos(b.from / 1000, "x", true)), x2 = Math.min(left + width, u.valToPos(b.to / 1000, "x", true));
    c.fillStyle = b.what === "links" ? t.partition : b.what === "pause" ? t.pause : t.down;
    c.globalAlpha = 0.16;
    if (x2 >= x1) c.fillRect(x1, top, Math.max(1, x2 - x1), height);
  }
  if (view.to - view.from < view.end) {
    c.globalAlpha = 1;
    c.strokeStyle = t.text;
    const x1 = u.valToPos(view.from / 1000, "x", true), x2 = u.valToPos(view.to / 1000, "x", true);
    c.strokeRect(x1, top, Math.max(2, x2 - x1), height);
  }
  c.restore();
}

const marks = ["●", "■", "▲", "◆"];

/** marksOf returns the mark of each function, by the number of its name. */
function marksOf(test: Test): Map<number, number> {
  const { ops } = test, of = new Map<number, number>();
  for (let i = 0; i < ops.count; i++) if (!of.has(ops.f[i])) of.set(ops.f[i], Math.min(of.size, marks.length - 1));
  return of;
}

/** scatter draws operations as marks, one for each function. Those that did not end ok are hollow. */
function scatter(u: uPlot, t: Theme, test: Test): void {
  const { ops } = test, c = u.ctx, step = Math.max(1, Math.ceil(ops.count / most)), r = 2.6 * devicePixelRatio, of = marksOf(test);
  c.save();
  for (let i = 0; i < ops.count; i += step) {
    if (ops.outcome[i] === OPEN) continue;
    const x = u.valToPos(ops.from[i] / 1000, "x", true), y = u.valToPos(Math.max(ops.to[i] - ops.from[i], least), "y", true);
    c.globalAlpha = 0.6;
    c.fillStyle = c.strokeStyle = ops.outcome[i] === OK ? t.ok : ops.outcome[i] === FAIL ? t.fail : t.indefinite;
    c.lineWidth = 1.6 * devicePixelRatio;
    trace(c, of.get(ops.f[i])!, x, y, ops.outcome[i] === OK ? r : r * 1.5);
    if (ops.outcome[i] === OK) c.fill(); else c.stroke();
  }
  c.restore();
}

/** trace makes a path of the outline of a mark. */
function trace(c: CanvasRenderingContext2D, mark: number, x: number, y: number, r: number): void {
  c.beginPath();
  if (mark === 0) c.arc(x, y, r, 0, 7);
  else if (mark === 1) c.rect(x - r, y - r, 2 * r, 2 * r);
  else if (mark === 2) { c.moveTo(x, y - r * 1.2); c.lineTo(x + r * 1.2, y + r); c.lineTo(x - r * 1.2, y + r); c.closePath(); }
  else { c.moveTo(x, y - r * 1.3); c.lineTo(x + r * 1.3, y); c.lineTo(x, y + r * 1.3); c.lineTo(x - r * 1.3, y); c.closePath(); }
}
