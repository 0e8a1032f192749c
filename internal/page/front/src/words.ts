import { COPY, FORGED, REPLY, REQUEST, Test } from "./data";
import { clip, count, printable, span, time } from "./dom";

/** labelOf returns the type of a message and its id, or the id of the request that it replies to. */
export function labelOf(test: Test, i: number): string {
  const { m } = test, type = clip(printable(test.name(m.type[i])), 24), fate = m.flags[i] & 15;
  const id = m.flags[i] & REPLY ? " →" + test.reply(i) : m.flags[i] & REQUEST ? " #" + test.id(i) : "";
  return (m.flags[i] & FORGED ? "forged " : "") + type + id + (fate > 3 ? ` (${test.fate(i)})` : "");
}

/** tipOf describes a message in one line. */
export function tipOf(test: Test, i: number): string {
  const { m } = test;
  const fate = m.done[i] === Infinity ? "still in flight" : `${test.fate(i)} ${m.done[i] === m.sent[i] ? "at once" : "after " + span(m.done[i] - m.sent[i])}`;
  return `${printable(test.name(m.src[i]))} → ${printable(test.name(m.dest[i]))}  ${labelOf(test, i)}, sent ${time(m.sent[i], 6)}, ${fate}${m.flags[i] & COPY ? ", a duplicate" : ""} (message ${count(test.head.first + i)})`;
}
