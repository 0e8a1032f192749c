import { endOf, Operation, Register, Test } from "./data";
import { Go } from "./details";
import { digitsFor, h, isolated, time } from "./dom";
import { messageLink } from "./story";

const ms = 1e-6;

/** registerPicture shows when the operations were that explain a violation: those of the order, those that were open, and the one that no order explains. */
export function registerPicture(test: Test, r: Register, go: Go): HTMLElement {
  const all = new Map<string, Operation>();
  for (const o of [...r.order.slice(-6), ...r.origins.slice(0, 4), ...r.before, ...r.concurrent, r.operation]) all.set(`${o.client}/${o.msg_id}`, o);
  const ops = Array.from(all.values()).sort((a, b) => a.from_ns - b.from_ns);
  const from = Math.min(...ops.map((o) => o.from_ns)), to = Math.max(...ops.map((o) => endOf(o) ?? o.from_ns), from + 1);
  const at = (ns: number) => time(ns * ms, Math.min(5, digitsFor((to - from) * ms) + 1));
  const share = (ns: number) => (ns - from) / (to - from) * 100;
  const row = (o: Operation) => {
    const bar = h("i", {}), end = endOf(o), open = o.outcome !== "ok" && o.outcome !== "fail";
    bar.style.marginLeft = Math.min(share(o.from_ns), 98.5) + "%";
    bar.style.width = Math.max(1.5, (open ? 100 : share(end ?? to)) - share(o.from_ns)) + "%";
    const role = o.client === r.operation.client && o.msg_id === r.operation.msg_id ? "bad" : open ? "open" : o.outcome;
    return h("li", { class: role }, h("span", {}, messageLink(test, go, o.message, o.text), " ", isolated(`${o.client} at ${o.node}`)),
      h("span", { class: "note" }, `${at(o.from_ns)} to ${end === null ? "the end" : at(end)}${o.outcome === "ok" ? "" : ", " + o.outcome}`), h("span", { class: "when" }, bar));
  };
  return h("figure", { class: "register" }, h("figcaption", {}, "The operations over time"), h("ul", {}, ...ops.map(row)));
}
