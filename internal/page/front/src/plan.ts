import uPlot from "../third_party/uplot/uPlot.esm.js";
import { h } from "./dom";
import { onTheme, theme } from "./theme";

// The page of eddy plan --html.

// Curve and Chart are the types of package plan.
interface Curve { name: string; color: number; dashed: boolean; gray: boolean; points: [number[], number[]] }
interface Chart { title: string; x: string; y: string; percent: boolean; stepped: boolean; log: boolean; most: number; marked: [number, number]; curves: Curve[] }

// The colours of Okabe and Ito (2008), which most colour-blind people can distinguish.
const light = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000"];
const dark = ["#56b4e9", "#ff8f45", "#2fc79a", "#ff85c2", "#e69f00", "#0072b2", "#ffffff"];

const high = 300;
const digits = (v: number) => v.toLocaleString("en-US", { maximumSignificantDigits: 4 });

/** figure returns one chart. */
function figure(chart: Chart): HTMLElement {
  const host = h("div", { class: "chart", role: "img", "aria-label": chart.title });
  const value = (v: number | null | undefined) => (v == null ? "" : chart.percent ? digits(v * 100) + " %" : digits(v));
  const data = uPlot.join(chart.curves.map((c) => c.points)), begin = chart.log ? Math.min(...data[0]) : 0, end = Math.max(...data[0], 0);
  let plot: uPlot | null = null;
  const draw = () => {
    plot?.destroy();
    const t = theme(), colors = t.dark ? dark : light;
    const axis = { stroke: t.faint, grid: { stroke: t.line, width: 0.5 }, ticks: { stroke: t.line }, font: "12px system-ui", labelFont: "12px system-ui", labelSize: 20 };
    plot = new uPlot({
      width: host.clientWidth || 560, height: high,
      scales: { x: { time: false, distr: chart.log ? 3 : 1, range: () => [begin, end || 1] }, y: { range: (_, __, max) => [0, chart.percent ? 1 : Math.max(max, chart.most) * 1.05 || 1] } },
      axes: [{ ...axis, label: chart.x, values: (_, all) => all.map((v) => (v === null ? "" : digits(v))) }, { ...axis, label: chart.y, size: 62, values: (_, all) => all.map(value) }],
      legend: { markers: { dash: (_, i) => (i > 0 && chart.curves[i - 1].dashed ? "dashed" : "solid") } },
      series: [{ label: "at", value: (_, v) => (v == null ? "" : digits(v)) }, ...chart.curves.map((c): uPlot.Series => ({
        label: c.name, stroke: c.gray ? t.faint : colors[c.color % colors.length], width: c.gray ? 1 : 2, dash: c.dashed ? [5, 4] : undefined,
        spanGaps: true, points: { show: false }, paths: chart.stepped ? uPlot.paths.stepped!({ align: 1 }) : undefined, value: (_, v) => value(v),
      }))],
      hooks: { drawClear: [(u) => mark(u, chart.marked, t.error)] },
    }, data, host);
  };
  new ResizeObserver(() => { if (plot && host.clientWidth && plot.width !== host.clientWidth) plot.setSize({ width: host.clientWidth, height: high }); else if (!plot) draw(); }).observe(host);
  onTheme(draw);
  return h("figure", {}, h("figcaption", {}, chart.title), host);
}

/** mark colours the background of a stretch of the X axis. */
function mark(u: uPlot, [from, to]: [number, number], color: string): void {
  if (to <= from) return;
  const c = u.ctx, { left, top, width, height } = u.bbox;
  const x1 = Math.max(left, u.valToPos(from, "x", true)), x2 = Math.min(left + width, u.valToPos(to, "x", true));
  c.save();
  c.globalAlpha = 0.14;
  c.fillStyle = color;
  c.fillRect(x1, top, x2 - x1, height);
  c.restore();
}

const charts = JSON.parse(document.getElementById("data")!.textContent!) as Chart[];
document.getElementById("charts")!.append(...charts.map(figure));
requestAnimationFrame(() => requestAnimationFrame(() => { document.body.dataset.ready = "true"; }));
