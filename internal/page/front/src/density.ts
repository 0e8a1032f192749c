import { DELIVERED, Test } from "./data";
import { Lanes } from "./lanes";
import { View } from "./view";

/** Counts are the numbers of messages that each lane sent in each column, and of those that were lost, lane after lane. */
export interface Counts { columns: number; sent: Float64Array; lost: Float64Array; most: number }

/** A Density counts messages that are too many to be drawn. */
export class Density {
  private bins: { count: number; sent: Uint32Array; lost: Uint32Array } | null = null;

  constructor(readonly test: Test, readonly lanes: Lanes) {}

  /** forget must be called when the lanes or the filter have changed. */
  forget(): void { this.bins = null; }

  private laneOf(name: number): number { return Math.max(0, this.lanes.of[name]); }

  /** count counts some messages. If some is null, it counts all that the filter's mask admits, from bins. */
  count(view: View, columns: number, some: number[] | null, mask: Uint8Array | null): Counts {
    const { m } = this.test, lanes = this.lanes.names.length, wide = view.to - view.from;
    const sent = new Float64Array(lanes * columns), lost = new Float64Array(lanes * columns);
    if (some !== null) {
      for (const i of some) {
        const k = Math.floor((m.sent[i] - view.from) / wide * columns);
        if (k < 0 || k >= columns) continue;
        const at = this.laneOf(m.src[i]) * columns + k;
        sent[at]++;
        if (this.test.isLost(i)) lost[at]++;
      }
    } else {
      const bins = this.all(mask), { end } = this.test, last = Math.min(bins.count, Math.ceil(view.to / end * bins.count));
      for (let b = Math.max(0, Math.floor(view.from / end * bins.count)); b < last; b++) {
        const k = Math.min(columns - 1, Math.max(0, Math.floor(((b + 0.5) / bins.count * end - view.from) / wide * columns)));
        for (let l = 0; l < lanes; l++) {
          sent[l * columns + k] += bins.sent[l * bins.count + b];
          lost[l * columns + k] += bins.lost[l * bins.count + b];
        }
      }
    }
    return { columns, sent, lost, most: sent.reduce((a, b) => Math.max(a, b), 1) };
  }

  /** all counts all messages in bins, once. */
  private all(mask: Uint8Array | null): { count: number; sent: Uint32Array; lost: Uint32Array } {
    if (this.bins) return this.bins;
    const { m } = this.test, lanes = Math.max(1, this.lanes.names.length), count = Math.min(16384, Math.floor(4e6 / lanes));
    const b = { count, sent: new Uint32Array(lanes * count), lost: new Uint32Array(lanes * count) };
    for (let i = 0; i < m.count; i++) {
      if (mask && !mask[i]) continue;
      if (this.lanes.of[m.src[i]] < 0) continue; // it has no lane now
      const at = this.lanes.of[m.src[i]] * count + Math.min(count - 1, Math.floor(m.sent[i] / this.test.end * count));
      b.sent[at]++;
      if ((m.flags[i] & 15) > DELIVERED) b.lost[at]++;
    }
    return this.bins = b;
  }
}
