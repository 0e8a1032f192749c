import uPlot from "../third_party/uplot/uPlot.esm.js";
import { count, h, printable, isolated, span } from "./dom";
import { onTheme, theme } from "./theme";

// The pages of eddy serve: the list of tests, and the progress of a running test.

interface Listed { path: string; verdict: string; workload: string; bin: string; seed: string; started: string; seconds: number; reason: string; command: string; nodes: number; ok: number; fail: number; indefinite: number }
interface Progress { workload: string; bin: string; nodes: string[]; seed: string; args: string[]; limit: number; seconds: number; ok: number; fail: number; indefinite: number; messages: number; faults: string[]; series: Point[] | null }
interface Point { seconds: number; ok: number; messages: number }

const app = document.getElementById("app")!;
const every = 1000; // ms between two requests

/** row returns the row of a test. A click anywhere in it opens the test. */
function row(t: Listed): HTMLElement {
  const href = "/test/" + t.path.split("/").map(encodeURIComponent).join("/") + "/";
  const operations = `${count(t.ok)} ok, ${count(t.fail)} failed, ${count(t.indefinite)} indefinite`;
  const open = () => { if (getSelection()?.isCollapsed !== false) location.href = href; };
  const cell = (name: string, value: string) => h("td", { "data-name": name }, value);
  return h("tr", { class: "row", onclick: open },
    h("td", { class: `verdict-cell ${t.verdict}` }, h("a", { href }, t.verdict === "gone" ? "no verdict" : t.verdict)),
    h("td", {}, isolated(t.workload)), cell("begun", new Date(t.started).toLocaleString()), cell("took", span(t.seconds * 1000)), cell("nodes", count(t.nodes)), cell("operations", operations),
    h("td", {}, isolated(t.reason)), h("td", { class: "wide" }, isolated(t.command, "code")));
}

async function list(): Promise<void> {
  const filter = h("input", { type: "search", id: "filter", placeholder: "relay fail 42", "aria-label": "Show tests that have all these words" });
  const verdict = h("select", { id: "verdict" }, ...["any", "pass", "fail", "unknown", "running"].map((v) => h("option", { value: v }, v)));
  const body = h("tbody", {}), status = h("p", { class: "status", role: "status" });
  app.replaceChildren(h("h1", {}, "Tests"), h("div", { class: "toolbar" }, h("label", {}, "Filter ", filter), h("label", {}, "Verdict ", verdict)), status,
    h("div", { class: "scroll whole" }, h("table", {}, h("thead", {}, h("tr", {}, ...["verdict", "workload", "begun", "took", "nodes", "operations", "what is wrong", "command"].map((t) => h("th", { scope: "col" }, t)))), body)));
  let tests: Listed[] = [], drawn = "";
  const draw = () => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = tests.filter((t) => (verdict.value === "any" || t.verdict === verdict.value) && words.every((w) => `${t.verdict} ${t.path} ${t.command} ${t.seed} ${t.reason}`.toLowerCase().includes(w)));
    const now = JSON.stringify(shown);
    if (now === drawn) return;
    drawn = now;
    status.textContent = `${count(shown.length)} of ${count(tests.length)} tests, the newest first`;
    body.replaceChildren(...shown.slice(0, 1000).map(row));
  };
  filter.addEventListener("input", draw);
  verdict.addEventListener("change", draw);
  for (;;) {
    try {
      tests = await (await fetch("/tests")).json() as Listed[];
      draw();
    } catch { status.textContent = "eddy serve does not respond"; drawn = ""; }
    await new Promise((done) => setTimeout(done, 2 * every));
  }
}

async function running(): Promise<void> {
  const title = h("h1", {}), how = h("dl", { class: "numbers", "aria-live": "off" }), host = h("div", { class: "chart" }), status = h("p", { class: "status", role: "status" });
  app.replaceChildren(h("p", {}, h("a", { href: "/" }, "All tests")), title, how, host, status);
  let at: number[] = [], ok: number[] = [], messages: number[] = [];
  let plot: uPlot | null = null;
  const draw = () => {
    plot?.destroy();
    const t = theme(), axis = { stroke: t.faint, grid: { stroke: t.line, width: 0.5 } };
    plot = new uPlot({ width: host.clientWidth || 600, height: 240, scales: { x: { time: false } }, axes: [{ ...axis, values: (_, v) => v.map((x) => x + " s") }, { ...axis, size: 70 }],
      series: [{ label: "time" }, { label: "operations ok per second", stroke: t.ok, width: 2 }, { label: "messages per second", stroke: t.request, width: 2, dash: [5, 3] }] }, [at, ok, messages], host);
  };
  onTheme(draw);
  new ResizeObserver(() => { if (plot && host.clientWidth && plot.width !== host.clientWidth) plot.setSize({ width: host.clientWidth, height: 240 }); }).observe(host);
  for (;;) {
    try {
      const response = await fetch("progress");
      if (response.status === 204) return location.reload();
      const { state, progress: p } = await response.json() as { state: string; progress: Progress };
      title.replaceChildren(h("span", { class: "badge" }, state === "gone" ? "no verdict" : "running"), ` ${printable(p.workload)} on ${p.nodes.length} nodes`);
      how.replaceChildren(...([["Time", `${p.seconds.toFixed(1)} s; clients send requests for ${p.limit} s`], ["Operations", `${count(p.ok)} ok, ${count(p.fail)} failed, ${count(p.indefinite)} indefinite`], ["Messages", count(p.messages)],
        ["Ongoing faults", p.faults.join(", ") || "none"], ["Program", p.bin], ["Seed", p.seed], ["Command", "eddy test " + p.args.join(" ")]] as [string, string][]).flatMap(([k, v]) => [h("dt", {}, k), h("dd", {}, isolated(v))]));
      const series = [{ seconds: 0, ok: 0, messages: 0 }, ...(p.series ?? [])], rate = (of: (p: Point) => number) => series.slice(1).map((q, i) => (of(q) - of(series[i])) / (q.seconds - series[i].seconds));
      at = series.slice(1).map((q) => q.seconds);
      ok = rate((q) => q.ok);
      messages = rate((q) => q.messages);
      if (plot) (plot as uPlot).setData([at, ok, messages]); else if (at.length > 1) draw();
      status.textContent = state === "gone" ? "There was no progress for two minutes: its process has ended." : "";
    } catch { status.textContent = "eddy serve does not respond"; }
    await new Promise((done) => setTimeout(done, every / 2));
  }
}

void (document.body.dataset.shows === "running" ? running() : list());
