import { Cause, Test } from "./data";
import { CyclePicture } from "./cycle";
import { Go } from "./details";
import { h, isolated } from "./dom";

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
    if (number > 0) this.element.append(h("p", { class: "first" }, isolated(cause.check), ": ", isolated(lines[0])));
    this.element.append(this.explained(cause, lines.slice(1)) ?? "");
    document.getElementById(`${this.test.prefix}explained`)?.remove(); // the text for pages without a script
  }

  /** explained returns what explains a violation: a picture, or the lines after the first one. */
  private explained(cause: Cause, lines: string[]): HTMLElement | null {
    if (cause.cycle) return new CyclePicture(this.test, cause.cycle, this.go).element;
    if (lines.length === 0) return null;
    const links = new Map((cause.way ? [...cause.way.reached, ...cause.way.lost] : []).map((hop) => [hop.text, hop]));
    return h("ul", { class: "lines" }, ...lines.map((l) => {
      const hop = links.get(l);
      return h("li", { class: hop && hop.fate !== "delivered" ? "lost" : "" }, hop ? messageLink(this.test, this.go, hop.message, l) : isolated(l));
    }));
  }
}

/** messageLink returns a link to a message in the diagram, or its text if the page does not have it. */
export function messageLink(test: Test, go: Go, message: number, text: string): HTMLElement {
  const { head } = test;
  if (message < head.first || message >= head.first + head.messages) return isolated(text);
  return h("a", { href: go.href(`m${message}`), onclick: (e) => { e.preventDefault(); go(`m${message}`); } }, isolated(text));
}
