// A context that draws SVG.

import { printable } from "./dom";

/** A Pen is the part of a canvas context that the diagram uses. */
export type Pen = Pick<CanvasRenderingContext2D, "fillStyle" | "strokeStyle" | "lineWidth" | "globalAlpha" | "font" | "textAlign" | "textBaseline" |
  "save" | "restore" | "beginPath" | "closePath" | "moveTo" | "lineTo" | "bezierCurveTo" | "rect" | "clip" | "fill" | "stroke" |
  "fillRect" | "strokeRect" | "fillText" | "measureText" | "setLineDash">;

interface State { fill: string; stroke: string; width: number; alpha: number; font: string; align: string; baseline: string; dash: number[]; clips: number }

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** escape escapes a text for XML. */
const escape = (text: string) => printable(text).replace(/[&<>"]/g, (c) => escapes[c]).replace(/[\p{Surrogate}\ufffe\uffff]/gu, "\ufffd");
const short = (n: number) => String(Math.round(n * 100) / 100);

/** An SVGPen is a Pen that writes SVG. */
export class SVGPen implements Pen {
  fillStyle: string | CanvasGradient | CanvasPattern = "#000";
  strokeStyle: string | CanvasGradient | CanvasPattern = "#000";
  lineWidth = 1;
  globalAlpha = 1;
  font = "12px system-ui, sans-serif";
  textAlign: CanvasTextAlign = "left";
  textBaseline: CanvasTextBaseline = "alphabetic";
  private dash: number[] = [];
  private path = "";
  private clips = 0; // open groups that clip
  private readonly saved: State[] = [];
  private readonly out: string[] = [];
  private defined = 0;

  /** ruler is a canvas context that measures texts. */
  constructor(readonly wide: number, readonly high: number, private readonly ruler: CanvasRenderingContext2D) {}

  save(): void {
    this.saved.push({ fill: this.fillStyle as string, stroke: this.strokeStyle as string, width: this.lineWidth, alpha: this.globalAlpha, font: this.font, align: this.textAlign, baseline: this.textBaseline, dash: this.dash, clips: this.clips });
    this.clips = 0;
  }

  restore(): void {
    const s = this.saved.pop();
    if (!s) return;
    for (; this.clips > 0; this.clips--) this.out.push("</g>");
    [this.fillStyle, this.strokeStyle, this.lineWidth, this.globalAlpha, this.font, this.dash, this.clips] = [s.fill, s.stroke, s.width, s.alpha, s.font, s.dash, s.clips];
    this.textAlign = s.align as CanvasTextAlign;
    this.textBaseline = s.baseline as CanvasTextBaseline;
  }

  beginPath(): void { this.path = ""; }
  closePath(): void { this.path += "Z"; }
  moveTo(x: number, y: number): void { this.path += `M${short(x)} ${short(y)}`; }
  lineTo(x: number, y: number): void { this.path += `L${short(x)} ${short(y)}`; }
  bezierCurveTo(...points: [number, number, number, number, number, number]): void { this.path += "C" + points.map(short).join(" "); }
  rect(x: number, y: number, w: number, h: number): void { this.path += `M${short(x)} ${short(y)}h${short(w)}v${short(h)}h${short(-w)}Z`; }

  clip(): void {
    const id = `clip${++this.defined}`;
    this.out.push(`<clipPath id="${id}"><path d="${this.path}"/></clipPath><g clip-path="url(#${id})">`);
    this.clips++;
  }

  private ink(): string {
    return ` stroke="${escape(String(this.strokeStyle))}" stroke-width="${short(this.lineWidth)}"` + (this.dash.length ? ` stroke-dasharray="${this.dash.join(" ")}"` : "");
  }
  private opacity(): string { return this.globalAlpha < 1 ? ` opacity="${short(this.globalAlpha)}"` : ""; }

  fill(): void { this.out.push(`<path d="${this.path}" fill="${escape(String(this.fillStyle))}"${this.opacity()}/>`); }
  stroke(): void { this.out.push(`<path d="${this.path}" fill="none"${this.ink()}${this.opacity()}/>`); }
  private box(x: number, y: number, w: number, h: number): string { return `<rect x="${short(x)}" y="${short(y)}" width="${short(Math.max(w, 0))}" height="${short(Math.max(h, 0))}"`; }
  fillRect(x: number, y: number, w: number, h: number): void { this.out.push(`${this.box(x, y, w, h)} fill="${escape(String(this.fillStyle))}"${this.opacity()}/>`); }
  strokeRect(x: number, y: number, w: number, h: number): void { this.out.push(`${this.box(x, y, w, h)} fill="none"${this.ink()}${this.opacity()}/>`); }
  setLineDash(dash: number[]): void { this.dash = dash; }

  fillText(text: string, x: number, y: number): void {
    const anchor = { right: "end", end: "end", center: "middle", left: "start", start: "start" }[this.textAlign];
    const weight = this.font.startsWith("bold") ? ` font-weight="bold"` : "";
    this.out.push(`<text x="${short(x)}" y="${short(this.baseline(y))}" text-anchor="${anchor}"${weight} fill="${escape(String(this.fillStyle))}"${this.opacity()}>${escape(text)}</text>`);
  }

  /** baseline returns the alphabetic baseline of a text at y. Few programs that read SVG support other baselines. */
  private baseline(y: number): number {
    const above = (b: CanvasTextBaseline) => { this.ruler.textBaseline = b; return this.ruler.measureText("x").fontBoundingBoxAscent; };
    this.ruler.font = this.font;
    return y + above("alphabetic") - above(this.textBaseline);
  }

  measureText(text: string): TextMetrics {
    this.ruler.font = this.font;
    return this.ruler.measureText(text);
  }

  /** text returns the contents of an SVG file. */
  text(title: string): string {
    return `<svg xmlns="http://www.w3.org/2000/svg" width="${this.wide}" height="${this.high}" viewBox="0 0 ${this.wide} ${this.high}" font-family="system-ui, sans-serif" font-size="12">\n<title>${escape(title)}</title>\n${this.out.join("\n")}\n</svg>\n`;
  }
}
