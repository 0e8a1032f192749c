import { DELIVERED, IN_FLIGHT, Reason, Test } from "./data";
import { Band } from "./faults";

/** Causes are the messages and faults that could have caused a violation. */
export interface Causes { messages: number[]; bands: Band[]; shows: number; at: number; how: string; lost: number; lostElsewhere: number }

/**
 * causesOf returns the causes of a violation: the messages of its calls that are in the
 * causal past (Lamport, CACM 1978) of the message that shows it. These are the messages
 * that its sender had received or sent before, and so on. The messages that the check
 * names are included, too, up to the time when the violation showed, and so are the lost
 * messages of these calls. The faults are those that were ongoing at that time.
 */
export function causesOf(test: Test, r: Reason, bands: Band[]): Causes {
  const { m, head } = test, here = (i: number) => i - head.first;
  const inside = (i: number) => i >= 0 && i < m.count;
  const at = r.seconds * 1000, shows = inside(here(r.record)) && r.record >= 0 ? here(r.record) : -1;
  const named = (r.involved ?? []).map(here).filter(inside);
  const roots = new Set<number>();
  for (const i of shows >= 0 ? [...named, shows] : named) if (m.call[i]) roots.add(test.rootOf(m.call[i]));
  let how = "the messages of its calls that could have caused it, and those that were lost";
  let candidates = new Set<number>(named);
  for (const root of roots) for (const call of test.treeOf(root)) for (const i of test.messagesOf(call)) candidates.add(i);
  if (shows >= 0) candidates.add(shows);
  if (candidates.size === 0) {
    candidates = around(test, r, at);
    how = "no single message shows this; these are the last messages of its node before it showed";
  }
  const until = Math.max(at, shows >= 0 ? m.sent[shows] : 0) + 1e-6;
  // A lost message is not in the causal past of anything, and often it is the cause.
  const before = Array.from(candidates).filter((i) => m.sent[i] <= until && (shows < 0 || named.includes(i) || test.isLost(i)));
  const messages = Array.from(new Set(shows >= 0 ? [...before, ...past(test, shows, candidates)] : before));
  messages.sort((a, b) => a - b);
  const from = messages.length > 0 ? Math.min(...messages.map((i) => m.sent[i])) : at - 1000;
  const to = Math.max(at, ...messages.map((i) => (m.done[i] === Infinity ? m.sent[i] : m.done[i])));
  const lost = messages.filter((i) => test.isLost(i)).length;
  let lostElsewhere = -lost;
  for (let i = 0; i < m.count && m.sent[i] <= to; i++) if (m.sent[i] >= from && test.isLost(i)) lostElsewhere++;
  return { lost, lostElsewhere, messages, bands: bands.filter((b) => b.from <= to && b.to >= from).slice(0, 50), shows, at, how };
}

/** past returns those candidates that are in the causal past of a message. */
function past(test: Test, shows: number, candidates: Set<number>): number[] {
  const { m } = test, known = new Map<number, number>(); // by name: the latest step of it that is in the past
  const all = Array.from(candidates), found = new Set<number>([shows]);
  const learn = (name: number, step: number): boolean => {
    if ((known.get(name) ?? -1) >= step) return false;
    known.set(name, step);
    return true;
  };
  learn(m.src[shows], m.step[shows]);
  for (let grew = true; grew;) {
    grew = false;
    for (const i of all) {
      const fate = m.flags[i] & 15;
      const heard = fate === DELIVERED && m.doneStep[i] <= (known.get(m.dest[i]) ?? -1);
      const said = m.step[i] <= (known.get(m.src[i]) ?? -1) && fate !== IN_FLIGHT;
      if (!heard && !said) continue;
      if (!found.has(i)) { found.add(i); grew = true; }
      if (heard && learn(m.src[i], m.step[i])) grew = true;
    }
  }
  return Array.from(found);
}

/** around returns the open requests of a node at a time, and the last messages that it sent or received. */
function around(test: Test, r: Reason, at: number): Set<number> {
  const { m, head } = test, found = new Set<number>();
  const who = (head.nodes ?? []).map((n) => head.names.indexOf(n)).filter((n) => n >= 0 && mentions(r.text, test.name(n)));
  let low = 0, high = m.count;
  while (low < high) { const k = (low + high) >> 1; if (m.sent[k] <= at) low = k + 1; else high = k; }
  let last = 0;
  for (let i = low - 1; i >= 0 && i > low - 20000 && last < 4; i--) {
    if (who.length > 0 && !who.includes(m.src[i]) && !who.includes(m.dest[i])) continue;
    last++;
    for (const k of m.call[i] ? test.messagesOf(m.call[i]) : [i]) found.add(k);
  }
  return found;
}

function mentions(text: string, name: string): boolean {
  return (" " + text.replace(/[^\w-]/g, " ") + " ").includes(" " + name + " ");
}
