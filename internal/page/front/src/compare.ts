import { COPY, Test } from "./data";
import { labelOf } from "./words";
import { textOf } from "./tables";
import { h, plural, printable, isolated, span, table, time } from "./dom";

/** A Difference is the first event that only one test has, or that differs between the tests. */
export interface Difference { at: number; text: string; address: [string, string] }

/**
 * compare returns the section about the differences of two tests. It compares the
 * outcomes of operations, and how often each body was sent over each link. It does not
 * compare times, which differ between any two runs.
 */
export async function compare(a: Test, b: Test, go: (test: number, address: string) => void): Promise<HTMLElement> {
  const section = h("section", { class: "compare", "aria-label": "What changed" }, h("h2", {}, "What changed"));
  if (a.head.seed !== b.head.seed) section.append(h("p", { class: "warning" }, `The seeds differ (${a.head.seed} and ${b.head.seed}): most differences are random.`));
  const differences = [operations(a, b), await messages(a, b)].filter((d): d is Difference => d !== null).sort((x, y) => x.at - y.at);
  if (differences.length === 0) section.append(h("p", {}, "There is no difference: every operation ended in the same way, and the same bodies were sent over the same links."));
  differences.forEach((d, i) => {
    const line = h("p", { class: i === 0 ? "difference" : "" }, i === 0 ? h("b", {}, "First: ") : "Then: ", isolated(d.text));
    d.address.forEach((address, t) => { if (address) line.append(" ", h("a", { href: `#${"ab"[t]}-${address}`, onclick: (e) => { e.preventDefault(); go(t, address); } }, `Show in ${t === 0 ? "A" : "B"}`)); });
    section.append(line);
  });
  section.append(numbers(a, b));
  return section;
}

function operations(a: Test, b: Test): Difference | null {
  const words = ["open", "ok", "failed", "indefinite"];
  const key = (t: Test, i: number) => `${t.name(t.ops.client[i])}/${t.ops.id[i]}`;
  const theirs = new Map<string, number>();
  for (let i = 0; i < b.ops.count; i++) theirs.set(key(b, i), i);
  const call = (t: Test, i: number) => (t.ops.message[i] < 0 ? "" : `k${t.m.call[t.ops.message[i]]}`);
  for (let i = 0; i < a.ops.count; i++) {
    const k = theirs.get(key(a, i));
    if (k === undefined || a.ops.outcome[i] === b.ops.outcome[k]) continue;
    return { at: a.ops.from[i], address: [call(a, i), call(b, k)], text: `operation ${key(a, i)}, ${a.name(a.ops.f[i])}, sent at ${time(a.ops.from[i])}, is ${words[a.ops.outcome[i]]} in A and ${words[b.ops.outcome[k]]} in B.` };
  }
  return null;
}

/** messages returns the first message that only one test has, or else the first one with different fates. */
async function messages(a: Test, b: Test): Promise<Difference | null> {
  const [mine, theirs] = [await occasions(a), await occasions(b)];
  let best: Difference | null = null;
  const consider = (t: Test, other: Map<string, number>, which: number, own: Map<string, number>) => {
    for (const [key, i] of own) {
      const k = other.get(key);
      if (k !== undefined && t.fate(i) === (which === 0 ? b : a).fate(k)) continue;
      const at = t.m.sent[i], name = which === 0 ? "A" : "B";
      if (best !== null && best.at <= at) return;
      const what = `${t.name(t.m.src[i])} → ${t.name(t.m.dest[i])} ${printable(labelOf(t, i))}, sent at ${time(at)} in ${name}`;
      const address: [string, string] = which === 0 ? [`m${i + t.head.first}`, k === undefined ? "" : `m${k + b.head.first}`] : [k === undefined ? "" : `m${k + a.head.first}`, `m${i + t.head.first}`];
      best = { at, address, text: k === undefined ? `the message ${what}, is missing in ${which === 0 ? "B" : "A"}.` : `the message ${what}, is ${t.fate(i)} there and ${(which === 0 ? b : a).fate(k)} in ${which === 0 ? "B" : "A"}.` };
      return;
    }
  };
  consider(a, theirs, 0, mine);
  consider(b, mine, 1, theirs);
  return best;
}

/** occasions counts, for each message, how often its body without ids was sent over its link. */
async function occasions(t: Test): Promise<Map<string, number>> {
  const all = new Map<string, number>(), times = new Map<string, number>();
  for (let i = 0; i < t.m.count && i < 50_000; i++) {
    if (t.m.flags[i] & COPY) continue;
    const body = await t.body(i);
    const text = (body?.text ?? "").replace(/"(msg_id|in_reply_to|attempts|deadline_ms)" ?: ?-?\d+,?/g, "").replace(/"(call|retry)" ?: ?("[^"]*"|true|false),?/g, "").replace(/[\s,]/g, "");
    const key = `${t.name(t.m.src[i])}>${t.name(t.m.dest[i])} ${text}`, k = (times.get(key) ?? 0) + 1;
    times.set(key, k);
    all.set(`${key} ${k}`, i);
  }
  return all;
}

function numbers(a: Test, b: Test): HTMLElement {
  const rows: [string, string, string][] = [];
  const add = (name: string, x: unknown, y: unknown, show = (v: unknown) => (v === undefined ? "0" : typeof v === "number" ? v.toLocaleString("en-US", { maximumFractionDigits: 2 }) : printable(String(v)))) => rows.push([name, show(x), show(y)]);
  const [p, q] = [a.head.results, b.head.results];
  add("verdict", p.verdict, q.verdict);
  add("violations", (a.head.reasons ?? []).length, (b.head.reasons ?? []).length);
  add("operations ok", p.operations.ok, q.operations.ok);
  add("operations failed", p.operations.fail, q.operations.fail);
  add("operations indefinite", p.operations.indefinite, q.operations.indefinite);
  for (const l of ["p50", "p95", "p99"]) add(`latency ${l}`, p.operations.latency_ms[l], q.operations.latency_ms[l], (v) => (typeof v === "number" ? span(v) : "–"));
  for (const k of new Set([...Object.keys(p.messages), ...Object.keys(q.messages)])) add(`messages ${k}`, p.messages[k], q.messages[k]);
  for (const k of new Set([...Object.keys(p.numbers), ...Object.keys(q.numbers)])) add(k, p.numbers[k], q.numbers[k], (v) => (v === undefined ? "–" : textOf(v)));
  return table(`A and B in numbers (${plural(rows.filter((r) => r[1] !== r[2]).length, "difference")})`, ["", "A", "B"],
    rows.map(([k, x, y]) => [isolated(k), x === y ? x : h("b", {}, x), x === y ? y : h("b", {}, y)]));
}
