import { Cycle, Edge, endOf, Test, Transaction } from "./data";
import { Go } from "./details";
import { digitsFor, h, isolated, printable, svg, time } from "./dom";
import { messageLink } from "./story";

const ms = 1e-6;
const narrow = 640; // pixels: below this width the transactions stand in one column

/** What the kinds of edges mean: why the first transaction came before the second. */
const meanings: Record<string, string> = {
  ww: "the second overwrote what the first wrote", wr: "the second read what the first wrote", rw: "the first read what was there before the second wrote",
  process: "the same client did the second next", realtime: "the first had ended before the second began",
};

interface Point { x: number; y: number }

/** A CyclePicture shows transactions as boxes, and arrows that say which one came before another. */
export class CyclePicture {
  readonly element: HTMLElement;
  private readonly ring = h("div", { class: "ring" });
  private readonly arrows = svg("svg", { class: "arrows" });
  private readonly said = h("p", { class: "said", role: "status" });
  private readonly boxes: HTMLElement[];
  private readonly lines: HTMLElement[];
  private groups: SVGGElement[] = [];

  constructor(readonly test: Test, readonly cycle: Cycle, readonly go: Go) {
    const { transactions, edges } = cycle;
    this.boxes = transactions.map((t, i) => this.box(t, i));
    this.lines = edges.map((e, i) => this.line(e, i));
    this.ring.append(...this.boxes, this.arrows);
    this.element = h("figure", { class: "cycle" }, h("figcaption", {}, edges.length > 0 ? "Each transaction must come before the next, and so before itself" : transactions.length > 1 ? "The transactions" : "The transaction"), this.ring);
    if (edges.length > 0) {
      const kinds = Array.from(new Set(edges.map((e) => e.kind)));
      this.element.append(this.said, h("ol", { class: "edges" }, ...this.lines),
        h("p", { class: "note" }, "An arrow leads from the first transaction to the second. " + kinds.map((k) => `${k}: ${meanings[k]}`).join("; ") + "."));
      new ResizeObserver(() => this.layOut()).observe(this.ring);
    } else this.ring.classList.add("loose");
  }

  private box(t: Transaction, i: number): HTMLElement {
    const o = t.operation, end = endOf(o), { transactions, edges } = this.cycle;
    const used = new Set(edges.filter((e) => e.from === i || e.to === i).map((e) => e.key));
    const from = Math.min(...transactions.map((x) => x.operation.from_ns)), to = Math.max(...transactions.map((x) => endOf(x.operation) ?? x.operation.from_ns));
    const bar = h("i", {}), share = (at: number) => (to > from ? (at - from) / (to - from) * 100 : 0);
    bar.style.marginLeft = Math.min(share(o.from_ns), 98) + "%";
    bar.style.width = Math.max(2, (end === null ? 100 : share(end)) - share(o.from_ns)) + "%";
    const at = (ns: number) => time(ns * ms, Math.min(5, digitsFor((to - from) * ms) + 1));
    const ended = end === null ? "no reply" : o.outcome === "ok" ? at(end) : `${at(end)}, ${o.outcome}`;
    const box = h("article", { class: "txn", onclick: (e) => { if (!(e.target as Element).closest("a")) box.querySelector("a")?.click(); } },
      h("h4", {}, messageLink(this.test, this.go, o.message, t.name), " ", isolated(`${o.client} at ${o.node}`)),
      h("p", { class: "note" }, `${at(o.from_ns)} to ${ended}`),
      h("ul", {}, ...t.steps.map((s) => { const li = h("li", { class: used.has(s.key) ? "used" : "" }, isolated(s.text)); li.dataset.key = String(s.key); return li; })),
      h("div", { class: "when", title: "when, within the time of all of them" }, bar));
    return box;
  }

  private line(e: Edge, i: number): HTMLElement {
    const { transactions } = this.cycle;
    return h("li", { tabindex: "0", onmouseenter: () => this.point(i), onmouseleave: () => this.point(-1), onfocus: () => this.point(i), onblur: () => this.point(-1) },
      h("b", { class: "kind " + e.kind }, `${printable(transactions[e.from].name)} → ${printable(transactions[e.to].name)} ${e.kind}`), " ", isolated(e.text));
  }

  /** point shows the sentence of an edge, and which operations of its transactions it is about. */
  private point(i: number): void {
    const e = this.cycle.edges[i];
    this.said.textContent = e ? printable(e.text) : "";
    this.groups.forEach((g, k) => g.classList.toggle("on", k === i));
    this.lines.forEach((l, k) => l.classList.toggle("on", k === i));
    this.boxes.forEach((b, k) => {
      const ends = e !== undefined && (e.from === k || e.to === k);
      b.classList.toggle("on", ends);
      for (const li of b.querySelectorAll("li")) li.classList.toggle("on", ends && e.key !== undefined && li.dataset.key === String(e.key));
    });
  }

  /** layOut puts the boxes in a ring of two columns, or in one column, and draws the arrows between them. */
  private layOut(): void {
    const n = this.boxes.length, wide = this.ring.clientWidth >= narrow, rows = Math.ceil(n / 2);
    this.ring.classList.toggle("column", !wide);
    this.ring.classList.toggle("back", !wide && n > 2);
    this.boxes.forEach((b, i) => {
      const left = i === 0 || i > rows;
      b.style.gridColumn = wide && !left ? "2" : "1";
      b.style.gridRow = String(!wide ? i + 1 : i === 0 ? 1 : left ? n - i + 1 : i);
    });
    this.arrows.replaceChildren(svg("defs", {}, ...Object.keys(meanings).map(head)));
    this.groups = this.cycle.edges.map((e, i) => this.arrow(e, i, wide));
    this.arrows.append(...this.groups);
  }

  private arrow(e: Edge, i: number, wide: boolean): SVGGElement {
    const [from, to, control] = this.route(e, wide), middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
    const d = control ? `M${from.x} ${from.y}C${control.x} ${from.y} ${control.x} ${to.y} ${to.x} ${to.y}` : `M${from.x} ${from.y}L${to.x} ${to.y}`;
    if (control) middle.x += (control.x - middle.x) * 0.72;
    const { transactions } = this.cycle, size = e.kind.length * 7.2 + 12;
    const g = svg("g", { class: `edge ${e.kind}`, tabindex: 0, role: "img", "aria-label": printable(`${transactions[e.from].name} to ${transactions[e.to].name}, ${e.kind}: ${e.text}`) },
      svg("path", { class: "hit", d }), svg("path", { class: "line", d, "marker-end": `url(#head-${e.kind})` }),
      svg("rect", { x: middle.x - size / 2, y: middle.y - 10, width: size, height: 20, rx: 5 }), svg("text", { x: middle.x, y: middle.y + 4, "text-anchor": "middle" }, e.kind));
    g.addEventListener("mouseenter", () => this.point(i));
    g.addEventListener("mouseleave", () => this.point(-1));
    g.addEventListener("focus", () => this.point(i));
    g.addEventListener("blur", () => this.point(-1));
    return g;
  }

  /** route returns where an arrow begins and ends, and the point towards which it is bent, if it is. */
  private route(e: Edge, wide: boolean): [Point, Point, Point | null] {
    const base = this.ring.getBoundingClientRect();
    const box = (i: number) => { const b = this.boxes[i].getBoundingClientRect(); return { left: b.left - base.left, right: b.right - base.left, top: b.top - base.top, bottom: b.bottom - base.top }; };
    const a = box(e.from), b = box(e.to), aside = 3;
    const pair = this.boxes.length === 2, share = !pair ? 0.5 : e.from < e.to ? 0.3 : 0.7; // two arrows between the same boxes stand apart
    const across = (o: { left: number; right: number }, k: number) => o.left + (o.right - o.left) * k;
    if (a.right < b.left || b.right < a.left) { // in two columns
      const right = a.right < b.left, top = Math.max(a.top, b.top), bottom = Math.min(a.bottom, b.bottom);
      const level = top < bottom ? [top + (bottom - top) * share, top + (bottom - top) * share] : [(a.top + a.bottom) / 2, (b.top + b.bottom) / 2];
      return [{ x: right ? a.right : a.left, y: level[0] }, { x: right ? b.left - aside : b.right + aside, y: level[1] }, null];
    }
    if (!wide && Math.abs(e.from - e.to) > 1) { // back to the top, beside the column
      return [{ x: a.right, y: (a.top + a.bottom) / 2 }, { x: b.right + aside, y: (b.top + b.bottom) / 2 }, { x: base.width + 4, y: 0 }];
    }
    const down = a.bottom < b.top, x = across(a, share);
    return [{ x, y: down ? a.bottom : a.top }, { x, y: down ? b.top - aside : b.bottom + aside }, null];
  }
}

/** head returns the arrow head of a kind of edge. */
function head(kind: string): SVGMarkerElement {
  return svg("marker", { id: "head-" + kind, class: "head " + kind, viewBox: "0 0 10 10", refX: 9, refY: 5, markerWidth: 9, markerHeight: 9, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, svg("path", { d: "M0 0L10 5L0 10z" }));
}
