import { barsOf, callName, extent } from "./attempts";
import { causesOf } from "./causes";
import { FORGED, Test } from "./data";
import { callDetails, Go, link, messageDetails, reasonDetails } from "./details";
import { Diagram, Filter, Focus } from "./diagram";
import { labelOf, tipOf } from "./words";
import { count, h, plural, printable, isolated, save, table, time } from "./dom";
import { Happened } from "./happened";
import { Overview } from "./overview";
import { kindsOf } from "./story";
import { onTheme } from "./theme";
import { View } from "./view";

/** An Explorer is the diagram with its filters, its search and the panel of the selected item. */
export class Explorer {
  readonly diagram: Diagram;
  readonly element: HTMLElement;
  readonly panel = h("aside", { class: "panel", "aria-live": "polite", "aria-label": "Details" });
  private readonly overview: Overview;
  private readonly tip = h("div", { class: "tip", role: "presentation", hidden: true });
  private readonly listed = h("details", {}, h("summary", {}, "The messages in view as a table"));
  private readonly found = h("p", { class: "status", role: "status" });
  private readonly happened: Happened;
  private readonly chosen: Filter = { node: -1, type: -1, fate: "" };

  /** go shows an address: m and the index of a message, k and the number of a call, v and the number of a violation. */
  constructor(readonly test: Test, readonly view: View, readonly go: Go) {
    const d = this.diagram = new Diagram(test, view);
    this.overview = new Overview(test, view, d.bands);
    this.happened = new Happened(test, go);
    this.element = h("section", { class: "explorer", "aria-label": "Messages" },
      this.toolbar(), h("div", { class: "sides" },
        h("div", { class: "picture" }, this.overview.canvas, d.canvas, d.status, this.legend(), this.listed),
        this.panel, this.happened.element), this.tip);
    this.pointer();
    d.canvas.addEventListener("keydown", (e) => this.key(e));
    this.listed.addEventListener("toggle", () => this.list());
    view.onChange(() => { if (this.listed.open) this.list(); });
    onTheme(() => { d.draw(); this.overview.draw(); });
    this.show("");
  }

  private toolbar(): HTMLElement {
    const { test, diagram, view } = this, { m, head } = test;
    const types = new Set<number>(), fates = new Set<string>();
    let copies = false;
    for (let i = 0; i < m.count; i++) { types.add(m.type[i]); fates.add(test.fate(i)); copies ||= m.of[i] >= 0; }
    const choose = (name: string, options: [string, string][], set: (value: string) => void) => {
      const s = h("select", { id: `${test.prefix}${name.toLowerCase()}` }, h("option", { value: "" }, "any"), ...options.slice(0, 500).map(([v, text]) => h("option", { value: v }, printable(text).slice(0, 40))));
      s.addEventListener("change", () => { set(s.value); diagram.filter(this.chosen); });
      return h("label", {}, name, " ", s);
    };
    const byName = (a: [string, string], b: [string, string]) => a[1].length - b[1].length || (a[1] < b[1] ? -1 : 1);
    const ends = Array.from(diagram.lanes.of.keys()).filter((i) => diagram.lanes.of[i] >= 0).map((i): [string, string] => [String(i), test.name(i)]).sort(byName);
    const search = h("input", { type: "search", id: `${test.prefix}search`, placeholder: "c2/17, n1/4 or 1234", size: "16", "aria-label": "Find a call (c2/17), or a message by its index" });
    const form = h("form", { role: "search", onsubmit: (e) => { e.preventDefault(); this.find(search.value); } }, h("label", {}, "Find ", search), h("button", {}, "Go"));
    const button = (text: string, title: string, f: () => void) => h("button", { type: "button", title, "aria-label": title, onclick: f }, text);
    const bar = h("div", { class: "toolbar", role: "toolbar", "aria-label": "What the diagram shows" },
      choose("Node", ends, (v) => { this.chosen.node = v === "" ? -1 : Number(v); }),
      choose("Type", Array.from(types).map((i): [string, string] => [String(i), test.name(i)]).sort((a, b) => (a[1] < b[1] ? -1 : 1)), (v) => { this.chosen.type = v === "" ? -1 : Number(v); }),
      choose("Fate", [["not delivered", "not delivered"], ...(copies ? [["duplicate", "duplicate"] as [string, string]] : []), ...Array.from(fates).sort().map((f): [string, string] => [f, f])], (v) => { this.chosen.fate = v; }),
      form,
      h("span", { class: "buttons" },
        button("−", "Zoom out", () => view.zoom((view.from + view.to) / 2, 2)), button("+", "Zoom in", () => view.zoom((view.from + view.to) / 2, 0.5)),
        button("◀", "Earlier", () => view.pan(-0.3)), button("▶", "Later", () => view.pan(0.3)),
        button("Whole test", "Show the whole test", () => { this.go(""); view.whole(); }),
        button("Save as SVG", "Save the diagram as it is shown, as an SVG file", () => save(test.head.name + ".svg", "image/svg+xml", diagram.svg()))));
    if (diagram.lanes.clients > 1) {
      const box = h("input", { type: "checkbox", checked: diagram.lanes.together });
      box.addEventListener("change", () => diagram.groupClients(box.checked));
      bar.append(h("label", { class: "check" }, box, "clients in one lane"));
    }
    bar.append(this.found);
    if (head.messages < head.all) bar.append(h("p", { class: "note" }, `The page has ${count(head.messages)} of ${count(head.all)} messages, from message ${count(head.first)}. All messages are in journal.jsonl.`));
    return bar;
  }

  private legend(): HTMLElement {
    const forged = this.test.m.flags.some((f) => (f & FORGED) !== 0);
    const key = (name: string, text: string) => h("li", {}, h("i", { class: "key " + name, "aria-hidden": "true" }), text);
    return h("ul", { class: "legend", "aria-label": "Legend" }, key("request", "request"), key("reply", "reply"), key("error", "error reply"), key("oneway", "one-way"),
      key("lost", "lost ✕"), key("copy", "duplicate"), forged && key("forged", "forged by the test"), key("partition", "links cut or slowed"), key("pause", "paused"), key("down", "not running"));
  }

  /** find selects the message or call with a name. */
  find(text: string): void {
    text = text.trim();
    const { test } = this, { m, head } = test;
    this.found.textContent = "";
    if (text === "") return;
    if (/^\d+$/.test(text)) {
      const at = Number(text) - head.first;
      if (at >= 0 && at < m.count) return this.go(`m${text}`);
    }
    const [who, id] = text.split("/");
    const name = head.names.indexOf(who);
    if (name >= 0 && id !== undefined) {
      for (let i = 0; i < m.count; i++) if (m.src[i] === name && test.id(i) === id) return this.go(m.reply[i] < 0 && m.call[i] ? `k${m.call[i]}` : `m${i + head.first}`);
    }
    this.found.textContent = `${printable(text).slice(0, 60)} was not found. Write a call as c2/17 (the requester and the msg_id), a message as its index.`;
  }

  /** show selects the item with an address. */
  show(address: string): void {
    const { test, diagram, view } = this, { head } = test, number = Number(address.slice(1));
    diagram.focus = null;
    this.panel.replaceChildren();
    this.happened.follow(address);
    if (/^m\d+$/.test(address) && number >= head.first && number < head.first + head.messages) this.showMessage(number - head.first);
    else if (/^k\d+$/.test(address) && number > 0 && number < test.calls.count) this.showCall(number);
    else if (/^v\d+$/.test(address) && (head.reasons ?? [])[number]) this.showReason(number);
    else {
      if (address !== "") this.panel.append(this.nothing(address));
      this.panel.append(this.help());
    }
    diagram.limitLanes((diagram.focus as Focus | null)?.messages ?? null);
    if (diagram.focus && view.to - view.from < 1e-6) view.whole();
    diagram.request();
  }

  /** nothing says that there is nothing with an address. */
  private nothing(address: string): HTMLElement {
    const { head } = this.test, number = count(Number(address.slice(1)));
    const text = address[0] === "m" ? (Number(address.slice(1)) < head.all ? `Message ${number} is not in this page. It is in journal.jsonl.` : `There is no message ${number}: this test has ${plural(head.all, "message")}.`)
      : address[0] === "k" ? `There is no call ${number} in this page.` : `There is no violation ${number} in this test.`;
    return h("p", { class: "warning", role: "alert" }, text);
  }

  private showMessage(i: number): void {
    const { test, view } = this, { m } = test;
    const done = m.done[i] === Infinity ? m.sent[i] : m.done[i];
    if (m.sent[i] < view.from || done > view.to) view.show(m.sent[i] - 40, done + 40);
    this.diagram.focus = { messages: new Set(test.messagesOf(m.call[i]).concat(i)), alone: false, bars: [], mark: null, selected: i };
    this.panel.append(messageDetails(test, i, this.go), this.close());
  }

  private showCall(call: number): void {
    const { test, view } = this, tree = test.treeOf(call).slice(0, 2000);
    const messages = new Set(tree.flatMap((c) => test.messagesOf(c))), bars = barsOf(test, tree);
    const [from, to] = extent(test, messages);
    view.show(from, Math.max(to, ...bars.map((b) => b.to)));
    this.diagram.focus = { messages, alone: true, bars, mark: null, selected: -1 };
    this.panel.append(callDetails(test, call, this.go), this.close());
  }

  private showReason(number: number): void {
    const { test, view, diagram } = this, r = test.head.reasons![number], causes = causesOf(test, r, diagram.bands);
    const [from, to] = extent(test, causes.messages), way = this.wayOf(number);
    if (way.length > 0) view.show(...extent(test, way)); // the read that shows it may be much later
    else view.show(causes.messages.length ? Math.min(from, causes.at) : causes.at - 500, causes.messages.length ? Math.max(Math.min(to, from + 60000), causes.at) : causes.at + 500);
    diagram.focus = { messages: new Set(causes.messages), alone: false, bars: [], mark: causes.at, selected: causes.shows };
    this.panel.append(reasonDetails(test, r, causes, this.go), this.close());
  }

  /** wayOf returns the messages in the page that carried the element that is missing. */
  private wayOf(number: number): number[] {
    const { head } = this.test, way = head.results.reasons?.[number]?.way;
    return way ? [...way.reached, ...way.lost].map((hop) => hop.message - head.first).filter((i) => i >= 0 && i < head.messages) : [];
  }

  private close(): HTMLElement {
    return h("p", {}, h("button", { type: "button", class: "close", onclick: () => { this.go(""); this.diagram.canvas.focus(); } }, "Clear the selection"));
  }

  private help(): HTMLElement {
    const { head } = this.test, help = h("section", { "aria-label": "Help" });
    if ((head.reasons ?? []).length > 0) {
      help.append(h("h3", {}, "What went wrong"), h("p", { class: "note" }, "Select one to see the messages that could have caused it."));
      help.append(h("ul", { class: "reasons" }, ...kindsOf(this.test).map((k) => h("li", {}, isolated(k.text), ": ", ...k.all.flatMap((i, n) => [n > 0 ? ", " : "", this.reasonLink(i)])))));
    }
    help.append(h("h3", {}, "How to read this"), h("p", {}, "Time increases to the right. A line between two lanes is a message. At its end the message was delivered, or lost if there is a cross. Click a message to see its body and its call."),
      h("p", { class: "note" }, "Wheel, + and −: zoom. Drag, ← and →: move in time. ↑ and ↓: other lanes. N and P: next and previous message. Enter: the call of the message. Escape: no selection. Home: the whole test."));
    return help;
  }

  private reasonLink(i: number): HTMLElement { return link(this.go, `v${i}`, time(this.test.head.reasons![i].seconds * 1000)); }

  private pointer(): void {
    const { diagram, view } = this, { canvas } = diagram;
    let pressed: { x: number; from: number; to: number; moved: boolean } | null = null;
    canvas.addEventListener("wheel", (e) => {
      e.preventDefault();
      if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) view.pan((e.deltaX || e.deltaY) / canvas.clientWidth);
      else view.zoom(diagram.at(e.offsetX), Math.exp(Math.max(-1, Math.min(1, e.deltaY / 250))));
    }, { passive: false });
    canvas.addEventListener("pointerdown", (e) => {
      pressed = { x: e.offsetX, from: view.from, to: view.to, moved: false };
      canvas.setPointerCapture(e.pointerId);
    });
    canvas.addEventListener("pointermove", (e) => {
      if (!pressed) return this.point(e);
      if (Math.abs(e.offsetX - pressed.x) > 4) pressed.moved = true;
      if (!pressed.moved) return;
      const by = (pressed.x - e.offsetX) / (canvas.clientWidth - 106) * (pressed.to - pressed.from);
      view.set(pressed.from + by, pressed.to + by);
    });
    canvas.addEventListener("pointerup", (e) => {
      const click = pressed && !pressed.moved;
      pressed = null;
      if (!click) return;
      const i = diagram.messageAt(e.offsetX, e.offsetY);
      if (i >= 0) this.go(`m${i + this.test.head.first}`);
    });
    canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; diagram.hover = -1; diagram.request(); });
  }

  /** point describes the message under the pointer. */
  private point(e: PointerEvent): void {
    const { diagram, tip } = this, i = diagram.messageAt(e.offsetX, e.offsetY);
    diagram.canvas.style.cursor = i >= 0 ? "pointer" : "grab";
    tip.hidden = i < 0;
    if (i >= 0) {
      tip.textContent = tipOf(this.test, i);
      tip.style.left = Math.min(e.clientX + 12, innerWidth - 380) + "px";
      tip.style.top = e.clientY + 16 + "px";
    }
    if (i !== diagram.hover) { diagram.hover = i; diagram.request(); }
  }

  /** key does what a key means. */
  key(e: KeyboardEvent): void {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const { view, diagram, test } = this, middle = (view.from + view.to) / 2, selected = diagram.focus?.selected ?? -1;
    const keys: Record<string, () => void> = {
      ArrowLeft: () => view.pan(-0.15), ArrowRight: () => view.pan(0.15),
      ArrowUp: () => { diagram.scrolled--; diagram.request(); }, ArrowDown: () => { diagram.scrolled++; diagram.request(); },
      "+": () => view.zoom(middle, 0.6), "=": () => view.zoom(middle, 0.6), "-": () => view.zoom(middle, 1 / 0.6),
      Home: () => view.whole(), Escape: () => this.go(""),
      n: () => this.step(1), p: () => this.step(-1),
      Enter: () => { if (selected >= 0 && test.m.call[selected]) this.go(`k${test.m.call[selected]}`); },
    };
    const f = keys[e.key.length === 1 ? e.key.toLowerCase() : e.key];
    if (!f) return;
    e.preventDefault();
    f();
  }

  /** step selects the next message or the previous one. */
  private step(by: number): void {
    const { diagram, test, view } = this, selected = diagram.focus?.selected ?? -1;
    const next = selected >= 0 ? selected + by : by > 0 ? diagram.firstSince(view.from) : diagram.firstSince(view.to) - 1;
    if (next >= 0 && next < test.m.count) this.go(`m${next + test.head.first}`);
  }

  /** list fills the table with the messages in view. */
  private list(): void {
    if (!this.listed.open) return;
    const { test, diagram, view } = this, { m } = test, most = 200;
    const first = diagram.firstSince(view.from), end = Math.min(diagram.firstSince(view.to), first + most);
    const rows = [];
    for (let i = first; i < end; i++) {
      rows.push([time(m.sent[i], 6), isolated(test.name(m.src[i])), isolated(test.name(m.dest[i])), link(this.go, `m${i + test.head.first}`, labelOf(test, i)), test.fate(i), m.call[i] ? link(this.go, `k${m.call[i]}`, callName(test, m.call[i])) : ""]);
    }
    const all = diagram.firstSince(view.to) - first;
    this.listed.replaceChildren(this.listed.firstElementChild!, table(all > most ? `The first ${most} of ${plural(all, "message")} in view` : `${plural(all, "message")} in view`, ["sent", "from", "to", "message", "fate", "call"], rows));
  }
}
