import { Test } from "./data";

const isClient = /^c[0-9]+$/;

/** If there are this many clients or more, they share a lane at first. */
const manyClients = 5;

/** Lanes are the rows of the diagram: clients, nodes, and all others who send or receive messages. */
export class Lanes {
  names: string[] = [];
  of: Int32Array; // lanes by number of name; -1 for other names
  readonly clients: number;
  together: boolean;
  only: Set<number> | null = null; // the names that have lanes; null for all

  constructor(readonly test: Test) {
    this.of = new Int32Array(test.head.names.length).fill(-1);
    this.clients = this.everybody().clients.length;
    this.together = this.clients >= manyClients;
    this.layOut();
  }

  private everybody(): { clients: number[]; nodes: number[]; others: number[] } {
    const { m, head } = this.test, seen = new Uint8Array(head.names.length);
    for (let i = 0; i < m.count; i++) seen[m.src[i]] = seen[m.dest[i]] = 1;
    const nodes = (head.nodes ?? []).map((n) => head.names.indexOf(n)).filter((i) => i >= 0);
    const all = Array.from(seen.keys()).filter((i) => seen[i]);
    const clients = all.filter((i) => isClient.test(head.names[i])).sort((a, b) => byNumber(head.names[a], head.names[b]));
    const others = all.filter((i) => !nodes.includes(i) && !isClient.test(head.names[i]));
    return { clients, nodes, others };
  }

  /** layOut assigns the lanes again. */
  layOut(): void {
    const all = this.everybody(), here = (i: number) => this.only === null || this.only.has(i);
    const clients = all.clients.filter(here), nodes = all.nodes.filter(here), others = all.others.filter(here);
    this.of.fill(-1);
    this.names = [];
    const add = (i: number) => { this.of[i] = this.names.push(this.test.name(i)) - 1; };
    if (this.together && clients.length > 0) {
      this.names.push(`${clients.length} client${clients.length === 1 ? "" : "s"}`);
      for (const c of clients) this.of[c] = 0;
    } else clients.forEach(add);
    nodes.forEach(add);
    others.forEach(add);
  }

  /** laneOf returns the lane of a node, or -1. */
  laneOf(name: string): number {
    const i = this.test.head.names.indexOf(name);
    return i < 0 ? -1 : this.of[i];
  }
}

function byNumber(a: string, b: string): number { return a.length - b.length || (a < b ? -1 : 1); }
