import { Fault, Test } from "./data";
import { plural } from "./dom";

/** A Band is the time of a fault, or the time in which a node was not running. */
export interface Band { from: number; to: number; what: "links" | "pause" | "down"; node?: string; label: string; fault?: Fault; ended: boolean }

const ms = 1e-6;

/** bandsOf returns the bands of a test in their order. */
export function bandsOf(test: Test): Band[] {
  const all: Band[] = [], down = new Map<string, Band>(), ends = endsOf(test);
  for (const e of test.head.events ?? []) {
    const at = e.at_ns * ms;
    if (e.event === "begin" && e.begun) {
      const to = ends.get(e.fault ?? 0);
      for (const b of bandOf(e.begun, at, to ?? test.end)) { b.ended = to !== undefined; all.push(b); }
    } else if (e.event === "killed" && e.node !== undefined && !down.has(e.node)) {
      const b: Band = { from: at, to: test.end, what: "down", node: e.node, label: "not running", ended: false };
      down.set(e.node, b);
      all.push(b);
    } else if (e.event === "started" && e.node !== undefined && down.has(e.node)) {
      const b = down.get(e.node)!;
      b.to = at;
      b.ended = true;
      down.delete(e.node);
    }
  }
  return all.sort((a, b) => a.from - b.from);
}

/** endsOf returns when faults ended. Faults of servers end when all servers deliver messages again. */
export function endsOf(test: Test): Map<number, number> {
  const ends = new Map<number, number>(), ofServers = new Set<number>();
  for (const e of test.head.events ?? []) {
    const number = e.fault ?? 0;
    if (e.begun?.servers) ofServers.add(number);
    if (e.event === "end" && !ofServers.has(number)) ends.set(number, e.at_ns * ms);
    if (e.event === "servers-recovered") {
      for (const n of ofServers) ends.set(n, e.at_ns * ms);
      ofServers.clear();
    }
  }
  return ends;
}

/** stretches merges bands of the same kind that overlap. */
export function stretches(bands: Band[]): { from: number; to: number; what: Band["what"] }[] {
  const all: { from: number; to: number; what: Band["what"] }[] = [], last = new Map<Band["what"], { from: number; to: number }>();
  for (const b of bands) { // ordered by their beginnings
    const l = last.get(b.what);
    if (l && b.from <= l.to) { l.to = Math.max(l.to, b.to); continue; }
    const s = { from: b.from, to: b.to, what: b.what };
    last.set(b.what, s);
    all.push(s);
  }
  return all;
}

function bandOf(f: Fault, at: number, end: number): Band[] {
  const band = (what: Band["what"], label: string, node?: string): Band => ({ from: at, to: end, what, node, label, fault: f, ended: false });
  switch (f.kind) {
    case "kill": case "kill-wipe": return []; // the events of the node show it
    case "pause": return (f.nodes ?? []).map((n) => band("pause", "paused", n));
  }
  return [band("links", faultText(f))];
}

/** faultText describes a fault in a few words. */
export function faultText(f: Fault): string {
  return [f.kind, f.shape ?? "", ...(f.servers ?? f.nodes ?? [])].filter((w) => w !== "").join(" ");
}

/** linksText lists the links of a fault. */
export function linksText(f: Fault): string {
  const links = f.links ?? [];
  if (f.servers && f.nodes) return `with ${f.nodes.join(" ")}`; // the nodes that were connected to the servers
  if (links.length > 12) return plural(links.length, "link");
  return links.map((l) => l.replace(">", "→")).join(" ");
}
