/** ticks are round moments between two, at most so many, with how they are written. */
export function ticks(from: number, to: number, most: number): { at: number; text: string }[] {
  const raw = (to - from) / Math.max(most, 1), power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw) ?? 10 * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step / 1000) + 1e-9));
  const all = [];
  for (let k = Math.ceil(from / step); k * step <= to; k++) all.push({ at: k * step, text: (k * step / 1000).toFixed(digits) + " s" });
  return all;
}
