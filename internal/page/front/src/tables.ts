import { COPY, DELIVERED, REQUEST, Test } from "./data";
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
    ["Messages per operation", all ? ((r.messages.all ?? 0) / all).toFixed(2) : "–"],
    ...Object.entries(r.numbers).map(([k, v]): [string, string] => [k[0].toUpperCase() + k.slice(1), textOf(v)]),
    ...(r.notes ?? []).map((n): [string, string] => ["Note", n]),
    ["Program", r.bin], ["Run in", r.command.dir], ["Seed", test.head.seed], ["Started", r.started], ["Took", r.seconds.toFixed(1) + " s"],
  ];
  return h("dl", { class: "numbers" }, ...rows.flatMap(([k, v]) => [h("dt", {}, isolated(k)), h("dd", {}, isolated(v))]));
}

/** textOf returns a number of a workload as eddy test prints it. */
function textOf(v: unknown): string {
  if (typeof v === "number") return Number.isInteger(v) ? String(v) : v.toFixed(2);
  if (typeof v !== "object" || v === null) return String(v);
  const { text, ...q } = v as { text?: string } & Record<string, number>;
  return text ?? `p50 ${q["0.5"]?.toFixed(1)}, p95 ${q["0.95"]?.toFixed(1)}, p99 ${q["0.99"]?.toFixed(1)}, max ${q["1"]?.toFixed(1)} ms`;
}

/** perOperation returns the numbers of messages per operation, by kind of operation. */
export function perOperation(test: Test): HTMLElement {
  const { m, ops, calls } = test;
  const roots = new Uint32Array(calls.count), messages = new Uint32Array(calls.count);
  for (let c = 1; c < calls.count; c++) roots[c] = test.rootOf(c);
  for (let i = 0; i < m.count; i++) if (m.call[i]) messages[roots[m.call[i]]]++;
  const by = new Map<number, { n: number; sum: number; max: number; ok: number }>();
  for (let i = 0; i < ops.count; i++) {
    let row = by.get(ops.f[i]);
    if (!row) by.set(ops.f[i], row = { n: 0, sum: 0, max: 0, ok: 0 });
    const n = ops.message[i] >= 0 ? messages[m.call[ops.message[i]]] : 0;
    row.n++;
    row.sum += n;
    row.max = Math.max(row.max, n);
    if (ops.outcome[i] === 1) row.ok++;
  }
  return table("Messages per operation: the request, its reply, and the calls made for it", ["operation", "requests", "ok", "mean", "maximum"],
    Array.from(by).map(([f, r]) => [isolated(test.name(f)), count(r.n), count(r.ok), (r.sum / r.n).toFixed(2), count(r.max)]));
}

/** links returns the numbers of messages of each link. */
export function links(test: Test): HTMLElement {
  const { m, head } = test, n = head.names.length;
  const by = new Map<number, { sent: number; lost: number; copies: number; requests: number; calls: Set<number>; took: number; arrived: number }>();
  for (let i = 0; i < m.count; i++) {
    const key = m.src[i] * n + m.dest[i];
    let l = by.get(key);
    if (!l) by.set(key, l = { sent: 0, lost: 0, copies: 0, requests: 0, calls: new Set(), took: 0, arrived: 0 });
    if (m.flags[i] & COPY) l.copies++; else {
      l.sent++;
      if (m.flags[i] & REQUEST) { l.requests++; l.calls.add(m.call[i]); }
    }
    if (test.isLost(i)) l.lost++;
    if ((m.flags[i] & 15) === DELIVERED) { l.arrived++; l.took += m.done[i] - m.sent[i]; }
  }
  const busiest = Array.from(by).sort((a, b) => b[1].sent - a[1].sent);
  return table(`Links${busiest.length > shown ? `: the ${shown} busiest of ${count(busiest.length)}` : ""}. Load amplification is requests per call`, ["link", "sent", "lost", "duplicated", "mean latency", "requests", "calls", "amplification"],
    busiest.slice(0, shown).map(([key, l]) => [isolated(`${test.name(Math.floor(key / n))} → ${test.name(key % n)}`), count(l.sent), count(l.lost), count(l.copies), l.arrived ? span(l.took / l.arrived) : "", count(l.requests), count(l.calls.size), l.calls.size ? (l.requests / l.calls.size).toFixed(2) : ""]));
}

/** faults returns the list of faults. */
export function faults(test: Test): HTMLElement {
  const { m } = test, begun = (test.head.events ?? []).filter((e) => e.begun);
  const ends = endsOf(test);
  if (begun.length === 0) {
    const lost = test.head.results.messages.lost ?? 0;
    return h("p", {}, lost > 0 ? `There were no faults. Links lost ${plural(lost, "message")} at random.` : "There were no faults.");
  }
  const rows = begun.slice(0, shown).map((e) => {
    const f = e.begun!, from = e.at_ns * ms, to = ends.get(e.fault ?? 0);
    let lost = 0;
    if (begun.length <= shown) for (let i = 0; i < m.count; i++) if (test.isLost(i) && m.done[i] >= from && m.done[i] <= (to ?? Infinity)) lost++;
    const more = [f.delay_ns ? `+${span(f.delay_ns * ms)}` : "", f.loss ? `${(f.loss * 100).toFixed(0)} % lost` : "", f.duplicate ? `${(f.duplicate * 100).toFixed(0)} % twice` : ""].filter(Boolean).join(", ");
    return [isolated(faultText(f)), h("span", {}, printable([linksText(f), more].filter(Boolean).join(", "))), time(from), to === undefined ? "to the end" : time(to), to === undefined ? "" : span(to - from), begun.length <= shown ? count(lost) : ""];
  });
  return table(`Faults${begun.length > shown ? `: the first ${shown} of ${count(begun.length)}` : ""}`, ["fault", "links", "from", "until", "lasted", "messages lost during it"], rows);
}
