/** A View is the time that the diagram, the timeline and the strip show. */
export class View {
  from = 0;
  to: number;
  private readonly watchers: (() => void)[] = [];

  /** end is the length of the test in ms. */
  constructor(readonly end: number) { this.to = end; }

  /** The minimum length of a view in ms. */
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
  /** zoom changes the length of the view by a factor. A time keeps its place. */
  zoom(at: number, factor: number): void {
    this.set(at - (at - this.from) * factor, at + (this.to - at) * factor);
  }
  /** pan moves the view by a share of its length. */
  pan(share: number): void {
    const by = (this.to - this.from) * share;
    this.set(this.from + by, this.to + by);
  }
  whole(): void { this.set(0, this.end * 1.01); }
  /** show sets the view to a stretch of time, with some room around it. */
  show(from: number, to: number): void {
    const room = Math.max((to - from) * 0.08, 0.05);
    this.set(from - room, to + room);
  }
}
