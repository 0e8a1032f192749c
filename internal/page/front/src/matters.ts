import { extent } from "./attempts";
import { Test } from "./data";

const least = 0.7; // of the test: a view that is not shorter is the whole test

/**
 * matters returns the part of a test that the page shows at first. It begins with the
 * first message. If the test repeats requests of the final phase for long and fails, it
 * ends with the first round of them, or with a message of the first violation that is no
 * final request and comes later.
 */
export function matters(test: Test): [number, number] {
  const { m, head } = test, all = test.end * 1.01, first = m.count > 0 ? m.sent[0] : 0;
  const reason = head.reasons?.[0], round = firstRound(test);
  const from = (to: number) => Math.max(0, first - (to - first) * 0.03);
  if (!reason || round === null) return [from(all), all];
  const named = [...(reason.involved ?? []), reason.record].map((i) => i - head.first).filter((i) => i >= 0 && i < m.count);
  const earlier = named.filter((i) => !round.messages.has(i));
  const to = Math.max(round.end, earlier.length > 0 ? extent(test, earlier)[1] : 0);
  return to < least * test.end ? [from(to), to + (to - first) * 0.08] : [from(all), all];
}

/** firstRound returns when the first round of final requests ended, and the messages of all final requests, or null if none is repeated. */
function firstRound(test: Test): { end: number; messages: Set<number> } | null {
  const { ops, m } = test, seen = new Set<string>(), messages = new Set<number>();
  let end = 0, repeated = false;
  for (let i = 0; i < ops.count; i++) {
    if (!ops.final[i]) continue;
    if (ops.message[i] >= 0) for (const k of test.messagesOf(m.call[ops.message[i]])) messages.add(k);
    const key = `${ops.node[i]} ${ops.f[i]}`;
    if (seen.has(key)) repeated = true;
    else { seen.add(key); end = Math.max(end, ops.to[i] === Infinity ? ops.from[i] : ops.to[i]); }
  }
  return repeated ? { end, messages } : null;
}
