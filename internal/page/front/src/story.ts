import { Cause, Test } from "./data";
import { CyclePicture } from "./cycle";
import { Go } from "./details";
import { h, isolated } from "./dom";
import { registerPicture } from "./register";

/** A Story explains a violation: the main one, until another is selected. */
export class Story {
  readonly element = h("section", { class: "story", "aria-label": "What went wrong" });
  private shown = -1;

  constructor(readonly test: Test, readonly go: Go) { this.show(0); }

  /** follow shows the violation with an address. Other addresses change nothing. */
  follow(address: string): void {
    if (/^v\d+$/.test(address)) this.show(Number(address.slice(1)));
  }

  private show(number: number): void {
    const cause = this.test.head.results.reasons?.[number];
    if (!cause || number === this.shown) return;
    this.shown = number;
    const lines = cause.text.split("\n");
    this.element.replaceChildren();
    if (number > 0) this.element.append(h("p", { class: "first" }, isolated(`${cause.check}: ${lines[0]}`)));
    this.element.append(this.explained(cause, lines.slice(1)) ?? "");
    document.getElementById(`${this.test.prefix}explained`)?.remove(); // the text for pages without a script
  }

  /** explained returns what explains a violation: a picture, or the lines after the first one. */
  private explained(cause: Cause, lines: string[]): HTMLElement | null {
    if (cause.cycle) return new CyclePicture(this.test, cause.cycle, this.go).element;
    if (lines.length === 0) return null;
    const list = h("ul", { class: "lines" }, ...lines.map((l) => this.line(cause, l)));
    return cause.register ? h("div", {}, list, registerPicture(this.test, cause.register, this.go)) : list;
  }

  /** line returns a line of an explanation. If it is about a message or an operation, it is a link to it. */
  private line(cause: Cause, text: string): HTMLElement {
    const { register: r, way } = cause;
    const hop = way && [...way.reached, ...way.lost].find((x) => x.text === text);
    const op = r && [...r.origins, ...r.before, ...r.concurrent].find((o) => text.includes(`${o.text}, by ${o.client} at ${o.node} (msg_id ${o.msg_id})`));
    const message = hop?.message ?? op?.message ?? -1;
    return h("li", { class: hop && hop.fate !== "delivered" ? "lost" : "" }, messageLink(this.test, this.go, message, text));
  }
}

/** A Kind is the violations that one check found. */
export interface Kind { first: number; text: string; all: number[] }

/** kindsOf returns the kinds of violations of a test, with the texts that eddy test wrote for them. */
export function kindsOf(test: Test): Kind[] {
  const all = new Map<string, Kind>();
  (test.head.reasons ?? []).forEach((r, i) => {
    const key = `${r.check} ${r.unknown}`, k = all.get(key);
    if (k) k.all.push(i); else all.set(key, { first: i, text: test.head.kinds?.[all.size] ?? r.check, all: [i] });
  });
  return Array.from(all.values());
}

/** messageLink returns a link to a message in the diagram, or its text if the page does not have it. */
export function messageLink(test: Test, go: Go, message: number, text: string): HTMLElement {
  const { head } = test;
  if (message < 0 || message < head.first || message >= head.first + head.messages) return isolated(text);
  return h("a", { href: go.href(`m${message}`), onclick: (e) => { e.preventDefault(); go(`m${message}`); } }, isolated(text));
}
