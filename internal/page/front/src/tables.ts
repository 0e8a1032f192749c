import { FunctionRow, Test } from "./data";
import { count, h, plural, printable, isolated, span, table, time } from "./dom";
import { endsOf, faultText, linksText } from "./faults";

const ms = 1e-6, shown = 50;

/** numbers returns the results of the test. */
export function numbers(test: Test): HTMLElement {
  const { results: r } = test.head, o = r.operations, all = o.ok + o.fail + o.indefinite;
  const rows: [string, string][] = [
    ["Operations", `${count(o.ok)} ok, ${count(o.fail)} failed, ${count(o.indefinite)} indefinite, ${o.per_second.toFixed(0)}/s`],
    ...(o.ok ? [["Latency", ["p50", "p95", "p99", "max"].map((q) => `${q} ${span(o.latency_ms[q])}`).join(", ")] as [string, string]] : []),
    ["Messages", Object.entries(r.messages).sort((a, b) => b[1] - a[1]).map(([k, v]) => `${count(v)} ${k}`).join(", ")],
    ["All messages per operation", all ? ((r.messages.all ?? 0) / all).toFixed(2) : "–"],
    ...Object.entries(r.numbers).map(([k, v]): [string, string] => [k[0].toUpperCase() + k.slice(1), textOf(v)]),
    ...(r.notes ?? []).map((n): [string, string] => ["Note", n]),
    ["Program", r.bin], ["Run in", r.command.dir], ["Seed", test.head.seed], ["Started", r.started], ["Took", r.seconds.toFixed(1) + " s"],
  ];
  return h("dl", { class: "numbers" }, ...rows.flatMap(([k, v]) => [h("dt", {}, isolated(k)), h("dd", {}, isolated(v))]));
}

/** textOf returns a number of a workload as eddy test prints it. */
export function textOf(v: unknown): string {
  if (typeof v === "number") return Number.isInteger(v) ? String(v) : v.toFixed(2);
  if (typeof v !== "object" || v === null) return String(v);
  const { text, ...q } = v as { text?: string } & Record<string, number>;
  return text ?? `p50 ${q["0.5"]?.toFixed(1)}, p95 ${q["0.95"]?.toFixed(1)}, p99 ${q["0.99"]?.toFixed(1)}, max ${q["1"]?.toFixed(1)} ms`;
}

/** perFunction returns the operations by function: their outcomes, latencies and messages. */
export function perFunction(test: Test): HTMLElement {
  const q = (r: FunctionRow, name: string) => (r.ok > 0 ? span(r.latency_ms[name]) : "");
  return table("Operations by function. Messages are the request, its reply, and those of the calls made for it", ["function", "ok", "failed", "indefinite", "p50", "p95", "p99", "longest", "messages each", "most"],
    (test.head.functions ?? []).map((r) => [isolated(r.name), count(r.ok), count(r.fail), count(r.indefinite), q(r, "p50"), q(r, "p95"), q(r, "p99"), q(r, "max"), (r.messages / (r.ok + r.fail + r.indefinite)).toFixed(2), count(r.most)]));
}

/** links returns the numbers of messages of each link. */
export function links(test: Test): HTMLElement {
  const { head } = test, all = head.links ?? [];
  return table(`Links${head.all_links > all.length ? `: the ${all.length} busiest of ${count(head.all_links)}` : ""}. Load amplification is requests per call`, ["link", "sent", "lost", "duplicated", "mean latency", "requests", "calls", "amplification"],
    all.map((l) => [isolated(`${l.src} → ${l.dest}`), count(l.sent), count(l.lost), count(l.copies), l.mean_ms ? span(l.mean_ms) : "", count(l.requests), count(l.calls), l.calls ? (l.requests / l.calls).toFixed(2) : ""]));
}

/** lossesOf returns when messages were lost, in their order, or null if this is not known of the whole test. */
function lossesOf(test: Test): number[] | null {
  const { m, head } = test;
  if (head.messages < head.all) return head.losses;
  const all: number[] = [];
  for (let i = 0; i < m.count; i++) if (test.isLost(i)) all.push(m.done[i]);
  return all.sort((a, b) => a - b);
}

/** since returns how many of some ordered times are earlier than a time. */
function since(times: number[], at: number): number {
  let low = 0, high = times.length;
  while (low < high) { const k = (low + high) >> 1; if (times[k] < at) low = k + 1; else high = k; }
  return low;
}

/** faults returns the list of faults. */
export function faults(test: Test): HTMLElement {
  const begun = (test.head.events ?? []).filter((e) => e.begun);
  const ends = endsOf(test), losses = lossesOf(test);
  if (begun.length === 0) {
    const lost = test.head.results.messages.lost ?? 0;
    return h("p", {}, lost > 0 ? `There were no faults. Links lost ${plural(lost, "message")} at random.` : "There were no faults.");
  }
  const rows = begun.slice(0, shown).map((e) => {
    const f = e.begun!, from = e.at_ns * ms, to = ends.get(e.fault ?? 0);
    const lost = losses === null ? "" : count(since(losses, (to ?? test.end) + 1e-6) - since(losses, from));
    const more = [f.delay_ns ? `+${span(f.delay_ns * ms)}` : "", f.loss ? `${(f.loss * 100).toFixed(0)} % lost` : "", f.duplicate ? `${(f.duplicate * 100).toFixed(0)} % twice` : ""].filter(Boolean).join(", ");
    return [isolated(faultText(f)), h("span", {}, printable([linksText(f), more].filter(Boolean).join(", "))), time(from), to === undefined ? "to the end" : time(to), to === undefined ? "" : span(to - from), lost];
  });
  return table(`Faults${begun.length > shown ? `: the first ${shown} of ${count(begun.length)}` : ""}`, ["fault", "links", "from", "until", "lasted", "messages lost during it"], rows);
}
