import { firstReply, attemptsOf, callName } from "./attempts";
import { Causes } from "./causes";
import { COPY, FORGED, Reason, REPLY, Test } from "./data";
import { labelOf, tipOf } from "./words";
import { count, h, plural, printable, isolated, span, table, time } from "./dom";
import { faultText } from "./faults";

/** Go shows the panel with an address, which is the fragment of the page's URL. */
export interface Go { (address: string): void; href(address: string): string }

export function link(go: Go, address: string, text: string): HTMLElement {
  return h("a", { href: go.href(address), onclick: (e) => { e.preventDefault(); go(address); } }, printable(text));
}

function facts(...rows: [string, Node | string][]): HTMLElement {
  return h("dl", {}, ...rows.flatMap(([name, value]) => [h("dt", {}, name), h("dd", {}, value)]));
}

/** messageDetails returns the panel of a message. */
export function messageDetails(test: Test, i: number, go: Go): HTMLElement {
  const { m } = test, call = m.call[i];
  const body = h("pre", { class: "body", tabindex: "0" }, "…");
  const note = h("p", { class: "note" });
  void test.body(i).then((b) => {
    if (!b) {
      body.hidden = true;
      note.textContent = `This body is not in the page, which has only the bodies of the first ${count(test.head.bodies_kept)} messages and of violations. It is in journal.jsonl, as message ${test.head.first + i}.`;
      return;
    }
    body.textContent = pretty(b.text, b.size === b.shown);
    if (b.size > b.shown) note.textContent = `The first ${count(b.shown)} of ${count(b.size)} bytes; the rest is in journal.jsonl, as message ${test.head.first + i}.`;
  });
  const fate = m.done[i] === Infinity ? "in flight when the test ended" : `${test.fate(i)} at ${time(m.done[i], 6)}, after ${span(m.done[i] - m.sent[i])}`;
  const rows: [string, Node | string][] = [["Sent", time(m.sent[i], 6)], ["Fate", fate]];
  if (call) rows.push(["Call", callLine(test, i, go)]);
  if (m.flags[i] & COPY) rows.push(["Duplicate", link(go, `m${m.of[i] + test.head.first}`, `of message ${m.of[i] + test.head.first}, made by the network`)]);
  if (m.flags[i] & FORGED) rows.push(["Forged", "the test sent it in the name of its sender"]);
  if (m.incarnation[i] > 1) rows.push(["Incarnation", `number ${m.incarnation[i]} of the sender`]);
  return h("section", { "aria-label": "Message" },
    h("h3", {}, isolated(test.name(m.src[i])), " → ", isolated(test.name(m.dest[i])), " ", isolated(labelOf(test, i))),
    h("p", { class: "note" }, `message ${count(i + test.head.first)}`), facts(...rows), body, note);
}

function callLine(test: Test, i: number, go: Go): HTMLElement {
  const { m } = test, call = m.call[i], attempts = attemptsOf(test, call);
  const to = (a: { message: number; replies: number[] }) => a.message === i || a.message === m.of[i] || a.replies.includes(i);
  const which = attempts.findIndex(to) + 1, role = m.flags[i] & REPLY ? "reply to attempt" : "attempt";
  const line = h("span", {}, link(go, `k${call}`, callName(test, call)), which > 0 ? `, ${role} ${which} of ${attempts.length}` : "");
  const parent = test.calls.parent[call];
  if (parent) line.append(", made for ", link(go, `k${parent}`, callName(test, parent)));
  return line;
}

/** pretty returns a body with line breaks and indentation, if it is complete. */
function pretty(text: string, whole: boolean): string {
  if (whole && text.length < 20000 && !/\d{16,}|\d[eE.]\d/.test(text)) { // JavaScript would change such numbers
    try { return printable(JSON.stringify(JSON.parse(text), null, 1)); } catch { /* as it is */ }
  }
  return printable(text);
}

/** callDetails returns the panel of a call: its attempts, and those of the calls made for it. */
export function callDetails(test: Test, call: number, go: Go): HTMLElement {
  const { calls } = test, parent = calls.parent[call], children = test.childrenOf(call);
  const first = calls.first[call];
  const to = first < 0 ? "" : ` to ${test.name(test.m.dest[first])}, ${test.name(test.m.type[first])}`;
  const section = h("section", { "aria-label": "Call" }, h("h3", {}, "Call ", isolated(callName(test, call) + to)));
  if (parent) section.append(h("p", {}, "Made for ", link(go, `k${parent}`, callName(test, parent)), "."));
  section.append(attemptTable(test, call, go));
  for (const child of children.slice(0, 20)) {
    section.append(h("h4", {}, "Call made for it: ", link(go, `k${child}`, callName(test, child))), attemptTable(test, child, go));
  }
  if (children.length > 20) section.append(h("p", {}, `and ${plural(children.length - 20, "call")} more`));
  const timeout = parent ? calls.timeout[call] : Math.max(0, ...children.map((c) => calls.timeout[c]));
  section.append(h("p", { class: "note" }, timeout > 0 ? `A bar shows the timeout of an attempt, ${span(timeout)}. It is filled up to the reply if that arrived in time.` : "The timeout of an attempt is not known: a bar ends at the next attempt or at the reply."));
  return section;
}

function attemptTable(test: Test, call: number, go: Go): HTMLElement {
  const { m } = test, attempts = attemptsOf(test, call);
  return table(plural(attempts.length, "attempt"), ["", "sent", "request", "reply"], attempts.map((a) => {
    const replies = h("span", {});
    a.replies.forEach((i, k) => {
      const late = a.promised && m.done[i] > a.until && m.done[i] !== Infinity ? ", late" : "";
      replies.append(k > 0 ? ", " : "", link(go, `m${i + test.head.first}`, `${test.fate(i)} ${time(Math.min(m.done[i], 9e12))}${late}`));
    });
    if (a.replies.length === 0) replies.append(firstReply(test, a) === Infinity ? "no reply" : "");
    return [h("b", {}, String(a.number)), time(m.sent[a.message]), link(go, `m${a.message + test.head.first}`, `${labelOf(test, a.message)} ${test.isLost(a.message) ? "" : test.fate(a.message)}`), replies];
  }));
}

/** losses says what was lost while a violation was caused. */
function losses(c: Causes): string {
  const fault = c.bands.length > 0 ? "" : "No partition or other fault was in force. ";
  const were = (n: number) => `${count(n)} ${n === 1 ? "was" : "were"}`;
  if (c.lost > 0) return `${fault}Of these messages ${were(c.lost)} lost${c.lostElsewhere > 0 ? `, and of the others in this time ${were(c.lostElsewhere)}` : ""}.`;
  if (c.lostElsewhere > 0) return `${fault}None of these messages was lost, but of the others in this time ${were(c.lostElsewhere)}.`;
  return `${fault}No message was lost in this time.`;
}

/** reasonDetails returns the panel of a violation and its possible causes. */
export function reasonDetails(test: Test, r: Reason, causes: Causes, go: Go): HTMLElement {
  const section = h("section", { "aria-label": "Violation" }, h("h3", {}, r.unknown ? "Unknown: " : "Violation: ", isolated(r.check)), h("p", { class: "quote" }, isolated(r.text.split("\n")[0])));
  section.append(h("p", {}, `${plural(causes.messages.length, "message")}: ${causes.how}. The rest is faded.`));
  const list = h("ol", { class: "path" });
  for (const i of causes.messages.slice(0, 60)) {
    list.append(h("li", { class: i === causes.shows ? "shows" : "" }, `${time(test.m.sent[i])} `, link(go, `m${i + test.head.first}`, tipOf(test, i).replace(/, sent .*?,/, ",").replace(/ \(message [\d,]+\)$/, ""))));
  }
  section.append(list);
  if (causes.messages.length > 60) section.append(h("p", {}, `and ${plural(causes.messages.length - 60, "message")} more`));
  if (causes.bands.length > 0) {
    section.append(h("h4", {}, "Faults at this time"), h("ul", {}, ...causes.bands.slice(0, 12).map((b) =>
      h("li", {}, isolated(`${b.fault && b.what !== "pause" ? faultText(b.fault) : `${b.node} ${b.label}`}`), ` ${time(b.from)} to ${time(b.to)}`))));
  }
  section.append(h("p", { class: "note losses" }, losses(causes)));
  const last = causes.shows >= 0 ? causes.shows : causes.messages.at(-1), call = last === undefined ? 0 : test.rootOf(test.m.call[last]);
  if (call) section.append(h("p", {}, link(go, `k${call}`, `Show only its call, ${callName(test, call)}`)));
  return section;
}
