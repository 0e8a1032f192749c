/** A View is the stretch of time that pictures show, together. */
export class View {
  from = 0;
  to: number;
  private readonly watchers: (() => void)[] = [];

  /** A view is of a test that lasts so many ms. */
  constructor(readonly end: number) { this.to = end; }

  /** The least that is shown, in ms. */
  static readonly least = 0.005;

  onChange(f: () => void): void { this.watchers.push(f); }

  set(from: number, to: number): void {
    const all = this.end * 1.01;
    const wide = Math.min(Math.max(to - from, View.least), all);
    const middle = (from + to) / 2;
    from = Math.min(Math.max(middle - wide / 2, 0), all - wide);
    if (from === this.from && from + wide === this.to) return;
    this.from = from;
    this.to = from + wide;
    for (const f of this.watchers) f();
  }
  /** zoom makes a moment's surroundings so much larger (factor < 1) or smaller. */
  zoom(at: number, factor: number): void {
    this.set(at - (at - this.from) * factor, at + (this.to - at) * factor);
  }
  /** pan moves by a share of what is shown. */
  pan(share: number): void {
    const by = (this.to - this.from) * share;
    this.set(this.from + by, this.to + by);
  }
  whole(): void { this.set(0, this.end * 1.01); }
  /** show makes sure that a stretch is in view, with some room about it. */
  show(from: number, to: number): void {
    const room = Math.max((to - from) * 0.08, 0.05);
    this.set(from - room, to + room);
  }
}
