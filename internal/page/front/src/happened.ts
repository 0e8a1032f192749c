import { StoryLine, Test } from "./data";
import { Go } from "./details";
import { h, isolated } from "./dom";
import { messageLink } from "./story";

/** Happened is what happened in a short test, in lines. A line about a message is a link to it. */
export class Happened {
  readonly element: HTMLElement;
  private readonly rows = new Map<string, HTMLElement[]>(); // by address

  constructor(test: Test, go: Go) {
    const lines = test.head.story ?? [];
    this.element = h("section", { class: "happened", "aria-label": "What happened", hidden: lines.length === 0 },
      h("h3", {}, "What happened"), h("ol", {}, ...lines.map((l) => this.row(test, go, l))));
  }

  private row(test: Test, go: Go, l: StoryLine): HTMLElement {
    const row = h("li", {}, h("span", { class: "at" }, l.at), messageLink(test, go, l.message, l.text));
    const address = `m${l.message}`;
    this.rows.set(address, [...(this.rows.get(address) ?? []), row]);
    return row;
  }

  /** follow marks the lines of the selected message. */
  follow(address: string): void {
    for (const [of, rows] of this.rows) for (const row of rows) row.classList.toggle("on", of === address && of !== "m-1");
  }
}
