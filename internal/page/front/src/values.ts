import { Test } from "./data";
import { printable } from "./dom";
import { labelOf } from "./words";

const token = /"(?:[^"\\]|\\.)*"?|[{}[\],:]|[^\s{}[\],:"]+/gs;
const ofProtocol = new Set(["type", "msg_id", "in_reply_to"]);

/** membersOf returns the members of a JSON object: names, and values as they are written. The text may be cut. */
export function membersOf(text: string): [string, string][] {
  const all: [string, string][] = [];
  let depth = 0, name: string | null = null, value = "", last = "";
  const push = () => { if (name !== null) all.push([name, value]); name = null; value = ""; };
  for (const [t] of text.matchAll(token)) {
    if (t === "}" || t === "]") depth--;
    if (depth === 0 || (depth === 1 && t === ",")) push();
    else if (depth === 1 && t === ":" && name === null) name = last.slice(1, -1);
    else if (name !== null) value += t;
    if (t === "{" || t === "[") depth++;
    last = t;
  }
  push();
  return all;
}

/** valueOf returns the fields of a body that are not the protocol's: the value of a single one, or names and values. */
export function valueOf(body: string): string {
  const own = membersOf(body).filter(([name]) => !ofProtocol.has(name));
  return printable(own.length === 1 ? own[0][1] : own.map(([name, value]) => `${name}=${value}`).join(" "));
}

/** Values are what messages say, as far as their bodies have been read. */
export class Values {
  private readonly known = new Map<number, string>();
  private missing = 0; // bodies that are not in the page
  private readonly wanted = new Set<number>();

  /** read is called when bodies have been read that were asked for. */
  constructor(private readonly test: Test, private readonly read: () => void) {}

  /** of returns the type of a message and the fields of its body, and before the body is read only its label. */
  of(i: number): string {
    const value = this.known.get(i);
    if (value === undefined) this.want(i);
    return value === undefined ? labelOf(this.test, i) : labelOf(this.test, i, false, value);
  }

  /** says reports whether the body of a message has fields of its own. */
  says(i: number): boolean { return Boolean(this.known.get(i)); }

  /** want reads the bodies that are asked for in one frame. */
  private want(i: number): void {
    if (this.wanted.has(i)) return;
    this.wanted.add(i);
    void this.test.body(i).then((b) => {
      if (b) this.known.set(i, valueOf(b.text));
      else this.missing++;
      if (this.known.size + this.missing === this.wanted.size) this.read();
    });
  }
}
