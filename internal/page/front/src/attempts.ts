import { COPY, DELIVERED, REPLY, REQUEST, Test } from "./data";
import { Bar } from "./diagram";

/** An Attempt is one request of a call, with its replies. */
export interface Attempt { number: number; message: number; until: number; promised: boolean; replies: number[] }

/** attemptsOf returns the attempts of a call in their order. */
export function attemptsOf(test: Test, call: number): Attempt[] {
  const { m, calls } = test, all: Attempt[] = [], members = test.messagesOf(call);
  for (const i of members) {
    if ((m.flags[i] & REQUEST) === 0 || m.flags[i] & COPY) continue;
    const timeout = calls.timeout[call];
    const promised = timeout > 0 && calls.parent[call] !== 0;
    all.push({ number: all.length + 1, message: i, until: promised ? m.sent[i] + timeout : NaN, promised, replies: [] });
  }
  for (const i of members) {
    if ((m.flags[i] & REPLY) === 0) continue;
    const to = all.filter((a) => m.id[a.message] === m.reply[i] && m.src[a.message] === m.dest[i] && m.sent[a.message] <= m.sent[i]).pop();
    to?.replies.push(i);
  }
  // Without a known timeout, an attempt waits until the next one or until the reply.
  all.forEach((a, k) => {
    if (a.promised) return;
    const heard = Math.min(...a.replies.map((i) => m.done[i]), Infinity);
    a.until = k + 1 < all.length ? m.sent[all[k + 1].message] : heard === Infinity ? Math.max(m.sent[a.message], ...a.replies.map((i) => m.sent[i])) : heard;
  });
  return all;
}

/** firstReply returns when the first reply to an attempt was delivered. */
export function firstReply(test: Test, a: Attempt): number {
  return Math.min(Infinity, ...a.replies.filter((i) => (test.m.flags[i] & 15) === DELIVERED).map((i) => test.m.done[i]));
}

/** barsOf returns the bars of the attempts of calls. Requests of clients have none. */
export function barsOf(test: Test, calls: number[]): Bar[] {
  const bars: Bar[] = [];
  for (const call of calls) {
    const attempts = attemptsOf(test, call);
    if (test.calls.parent[call] === 0 && calls.length > 1) continue;
    for (const a of attempts) {
      bars.push({ message: a.message, row: (a.number - 1) % 3, from: test.m.sent[a.message], to: a.until, label: String(a.number), replied: firstReply(test, a) });
    }
  }
  return bars;
}

/** callName returns the name of a call: the requester and the msg_id of its first request, as in c2/17 or n1/4. */
export function callName(test: Test, call: number): string {
  const first = test.calls.first[call];
  return first < 0 ? `call ${call}` : `${test.name(test.m.src[first])}/${test.id(first)}`;
}

/** extent returns the time of the first sending and of the last delivery of messages. */
export function extent(test: Test, messages: Iterable<number>): [number, number] {
  let from = Infinity, to = -Infinity;
  for (const i of messages) {
    from = Math.min(from, test.m.sent[i]);
    to = Math.max(to, test.m.sent[i], test.m.done[i] === Infinity ? -Infinity : test.m.done[i]);
  }
  return from === Infinity ? [0, test.end] : [from, to];
}
