// The data of a test: columns of numbers, with a row for each message, call or
// operation. Times are in milliseconds since the beginning of the test.

export interface Reason { check: string; text: string; seconds: number; unknown: boolean; record: number; involved: number[] | null }
export interface Fault { kind: string; shape?: string; servers?: string[]; nodes?: string[]; links?: string[]; delay_ns?: number; loss?: number; duplicate?: number }
export interface TestEvent { at_ns: number; step: number; event: string; fault?: number; begun?: Fault; node?: string; incarnation?: number }
export interface Operation { client: string; node: string; msg_id: number; text: string; outcome: string; error?: string; from_ns: number; to_ns?: number; message: number }

/** endOf returns when an operation ended, or null if it did not. An end at 0 ns is left out of the JSON. */
export const endOf = (o: Operation): number | null => (o.outcome === "open" ? null : o.to_ns ?? 0);
export interface Transaction { name: string; operation: Operation; steps: { key: number; text: string }[] }
export interface Edge { from: number; to: number; kind: string; key?: number; text: string }
export interface Cycle { transactions: Transaction[]; edges: Edge[] }
export interface Hop { from: string; to: string; type: string; fate: string; sent_ns: number; done_ns?: number; message: number; text: string }
export interface Way { element: number; node: string; text: string; guess: boolean; reached: Hop[]; lost: Hop[]; more: number; without: string[] }
export interface Register { key: number; operation: Operation; legal: string[]; origins: Operation[]; before: Operation[]; concurrent: Operation[]; order: Operation[]; earlier: number; then: string }
/** A Cause is a reason for the verdict as results.json has it. */
export interface Cause { check: string; text: string; cycle?: Cycle; register?: Register; way?: Way }
export interface Results {
  reasons: Cause[];
  verdict: string; workload: string; bin: string; seed: number; started: string; seconds: number;
  operations: { ok: number; fail: number; indefinite: number; per_second: number; latency_ms: Record<string, number> };
  messages: Record<string, number>; faults: Record<string, number>; numbers: Record<string, unknown>; notes: string[];
  command: { args: string[]; dir: string };
}
/** A FunctionRow counts the operations of one kind, and the messages that they took, of the whole test. */
export interface FunctionRow { name: string; ok: number; fail: number; indefinite: number; messages: number; most: number; latency_ms: Record<string, number> }
/** A LinkRow counts the messages from one sender to one receiver, of the whole test. */
export interface LinkRow { src: string; dest: string; sent: number; lost: number; copies: number; requests: number; calls: number; mean_ms: number }
interface Block { first: number; count: number }
/** A StoryLine is a line of what happened. message is the index in the journal of its message, or -1. */
export interface StoryLine { at: string; text: string; message: number }
export interface Head {
  name: string; verdict: string; sentence: string; command: string; seed: string; reasons: Reason[] | null; kinds: string[] | null; results: Results; story: StoryLine[] | null;
  nodes: string[] | null; names: string[]; fates: string[]; events: TestEvent[] | null;
  first: number; messages: number; all: number; operations: number; calls: number;
  big_ids: Record<string, string>; big_replies: Record<string, string>;
  blocks: Block[] | null; bodies_kept: number; body_bytes: number;
  functions: FunctionRow[] | null; links: LinkRow[] | null; all_links: number; losses: number[] | null; sent_from: number; sent_to: number;
}

export interface Messages {
  count: number; sent: Float64Array; done: Float64Array; src: Uint32Array; dest: Uint32Array; type: Uint32Array;
  flags: Uint8Array; id: Float64Array; reply: Float64Array; of: Int32Array; step: Uint32Array; doneStep: Uint32Array;
  call: Uint32Array; incarnation: Uint16Array;
}
export interface Operations {
  count: number; from: Float64Array; to: Float64Array; client: Uint32Array; node: Uint32Array; f: Uint32Array;
  outcome: Uint8Array; final: Uint8Array; id: Float64Array; message: Int32Array; why: Uint32Array;
}
export interface Calls { count: number; parent: Uint32Array; timeout: Float64Array; first: Int32Array; start: Uint32Array; members: Uint32Array; childStart: Uint32Array; children: Uint32Array }

export const REQUEST = 16, REPLY = 32, COPY = 64, FORGED = 128;
export const IN_FLIGHT = 0, DELIVERED = 1;
export const OPEN = 0, OK = 1, FAIL = 2, INFO = 3;

class Reader {
  at = 0;
  constructor(readonly bytes: Uint8Array) {}
  unsigned(): number {
    const { bytes } = this;
    let b = bytes[this.at++];
    if (b < 128) return b;
    let v = b & 127, scale = 128;
    do {
      b = bytes[this.at++];
      v += (b & 127) * scale;
      scale *= 128;
    } while (b >= 128);
    return v;
  }
  signed(): number {
    const v = this.unsigned();
    return v % 2 === 0 ? v / 2 : -(v + 1) / 2;
  }
}

function columns(bytes: Uint8Array): Reader[] {
  const all: Reader[] = [], r = new Reader(bytes);
  while (r.at < bytes.length) {
    const size = r.unsigned();
    all.push(new Reader(bytes.subarray(r.at, r.at + size)));
    r.at += size;
  }
  return all;
}

/** bytesOf decodes base64, with Uint8Array.fromBase64 if the browser has it. */
function bytesOf(text: string): Uint8Array {
  const modern = Uint8Array as unknown as { fromBase64?: (text: string) => Uint8Array };
  if (modern.fromBase64) return modern.fromBase64(text);
  const raw = atob(text), bytes = new Uint8Array(raw.length);
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i);
  return bytes;
}

async function part(name: string): Promise<Uint8Array> {
  const bytes = bytesOf(document.getElementById(name)?.textContent ?? "");
  const stream = new Blob([bytes as BlobPart]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const ms = 1e-6; // a nanosecond, in milliseconds

function readMessages(bytes: Uint8Array, n: number): Messages {
  const [sent, took, src, dest, type, flags, id, reply, of, steps, lasted, calls, incarnations] = columns(bytes);
  const m: Messages = {
    count: n, sent: new Float64Array(n), done: new Float64Array(n), src: new Uint32Array(n), dest: new Uint32Array(n), type: new Uint32Array(n),
    flags: flags.bytes.slice(), id: new Float64Array(n).fill(-1), reply: new Float64Array(n).fill(-1), of: new Int32Array(n).fill(-1),
    step: new Uint32Array(n), doneStep: new Uint32Array(n), call: new Uint32Array(n), incarnation: new Uint16Array(n),
  };
  const ids = new Map<number, number>(), replies = new Map<number, number>();
  let at = 0, step = 0;
  for (let i = 0; i < n; i++) {
    at += sent.signed();
    m.sent[i] = at * ms;
    const t = took.unsigned();
    m.done[i] = (m.flags[i] & 15) === IN_FLIGHT ? Infinity : (at + t) * ms;
    step += steps.signed();
    m.step[i] = step;
    m.doneStep[i] = step + lasted.unsigned();
    const from = m.src[i] = src.unsigned();
    m.dest[i] = dest.unsigned();
    m.type[i] = type.unsigned();
    m.id[i] = nextID(id, ids, from);
    m.reply[i] = nextID(reply, replies, from);
    m.call[i] = calls.unsigned();
    m.incarnation[i] = incarnations.unsigned();
    if (m.flags[i] & COPY) m.of[i] = i - of.unsigned();
  }
  return m;
}

/** nextID reads an id: 0 for none, otherwise 1 + the zigzag of its difference from the last id of the sender. */
function nextID(r: Reader, last: Map<number, number>, sender: number): number {
  const v = r.unsigned();
  if (v === 0) return -1;
  const z = v - 1, id = (last.get(sender) ?? 0) + (z % 2 === 0 ? z / 2 : -(z + 1) / 2);
  last.set(sender, id);
  return id;
}

function readOperations(bytes: Uint8Array, n: number): Operations {
  const [from, took, client, node, f, outcome, id, message, why] = columns(bytes);
  const o: Operations = {
    count: n, from: new Float64Array(n), to: new Float64Array(n), client: new Uint32Array(n), node: new Uint32Array(n), f: new Uint32Array(n),
    outcome: new Uint8Array(n), final: new Uint8Array(n), id: new Float64Array(n), message: new Int32Array(n), why: new Uint32Array(n),
  };
  let at = 0;
  for (let i = 0; i < n; i++) {
    at += from.signed();
    o.from[i] = at * ms;
    const flag = outcome.bytes[i], t = took.unsigned();
    o.outcome[i] = flag & 3;
    o.final[i] = flag >> 2;
    o.to[i] = (flag & 3) === OPEN ? Infinity : (at + t) * ms;
    o.client[i] = client.unsigned();
    o.node[i] = node.unsigned();
    o.f[i] = f.unsigned();
    o.id[i] = id.unsigned();
    o.message[i] = message.unsigned() - 1;
    o.why[i] = why.unsigned();
  }
  return o;
}

/** readCalls also lists, for each call, its messages in their order and the calls made for it. */
function readCalls(bytes: Uint8Array, n: number, m: Messages): Calls {
  const [parents, timeouts] = columns(bytes);
  const c: Calls = {
    count: n, parent: new Uint32Array(n), timeout: new Float64Array(n), first: new Int32Array(n).fill(-1),
    start: new Uint32Array(n + 1), members: new Uint32Array(m.count), childStart: new Uint32Array(n + 1), children: new Uint32Array(n),
  };
  for (let i = 0; i < n; i++) {
    c.parent[i] = parents.unsigned();
    c.timeout[i] = timeouts.unsigned() * ms;
  }
  gather(m.call, c.start, c.members);
  gather(c.parent, c.childStart, c.children);
  for (let i = m.count - 1; i >= 0; i--) c.first[m.call[i]] = i;
  return c;
}

/** gather returns the members of all groups, group after group. */
function gather(group: Uint32Array, start: Uint32Array, members: Uint32Array): void {
  for (let i = 0; i < group.length; i++) start[group[i] + 1]++;
  for (let g = 0; g + 1 < start.length; g++) start[g + 1] += start[g];
  const next = start.slice();
  for (let i = 0; i < group.length; i++) members[next[group[i]]++] = i;
}

/** A Test is the data of one test. */
export class Test {
  readonly end: number; // the time of the last event
  private readonly cache = new Map<number, Uint8Array>();

  constructor(readonly index: number, readonly head: Head, readonly m: Messages, readonly calls: Calls, readonly ops: Operations) {
    let end = 1;
    for (let i = 0; i < m.count; i++) end = Math.max(end, m.done[i] === Infinity ? m.sent[i] : m.done[i]);
    for (const e of head.events ?? []) end = Math.max(end, e.at_ns * ms);
    for (let i = 0; i < ops.count; i++) if (ops.to[i] !== Infinity) end = Math.max(end, ops.to[i]);
    this.end = end;
  }

  /** alone reports whether the page has no other test. */
  readonly alone = document.getElementById("t1-head") === null;

  get prefix(): string { return `t${this.index}-`; }
  name(i: number): string { return this.head.names[i]; }
  fate(i: number): string { return this.head.fates[this.m.flags[i] & 15]; }
  isLost(i: number): boolean { return (this.m.flags[i] & 15) > DELIVERED; }
  id(i: number): string { return this.head.big_ids[i] ?? (this.m.id[i] < 0 ? "" : String(this.m.id[i])); }
  reply(i: number): string { return this.head.big_replies[i] ?? (this.m.reply[i] < 0 ? "" : String(this.m.reply[i])); }

  /** messagesOf returns the messages of a call, duplicates included, in the order of sending. */
  messagesOf(call: number): number[] {
    return call === 0 ? [] : Array.from(this.calls.members.subarray(this.calls.start[call], this.calls.start[call + 1]));
  }
  childrenOf(call: number): number[] {
    return call === 0 ? [] : Array.from(this.calls.children.subarray(this.calls.childStart[call], this.calls.childStart[call + 1]));
  }
  /** treeOf returns a call and all calls made for it, directly or not. */
  treeOf(call: number): number[] {
    const all = [call];
    for (let i = 0; i < all.length; i++) all.push(...this.childrenOf(all[i]));
    return all;
  }
  rootOf(call: number): number {
    while (call !== 0 && this.calls.parent[call] !== 0) call = this.calls.parent[call];
    return call;
  }

  /** body returns the part of a message's body that the page has. */
  async body(i: number): Promise<{ text: string; size: number; shown: number } | null> {
    const blocks = this.head.blocks ?? [];
    const at = blocks.findIndex((b) => b.first <= i && i < b.first + b.count);
    if (at < 0) return null;
    let bytes = this.cache.get(at);
    if (!bytes) this.cache.set(at, bytes = await part(`${this.prefix}bodies${at}`));
    const r = new Reader(bytes);
    for (let k = blocks[at].first; ; k++) {
      const size = r.unsigned(), shown = r.unsigned();
      if (k === i) return { text: new TextDecoder().decode(bytes.subarray(r.at, r.at + shown)), size, shown };
      r.at += shown;
    }
  }
}

export async function load(index: number): Promise<Test> {
  const names = ["head", "messages", "calls", "operations"];
  const [head, messages, calls, operations] = await Promise.all(names.map((n) => part(`t${index}-${n}`)));
  const h = JSON.parse(new TextDecoder().decode(head)) as Head;
  const m = readMessages(messages, h.messages);
  return new Test(index, h, m, readCalls(calls, h.calls, m), readOperations(operations, h.operations));
}
