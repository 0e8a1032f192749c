// Elements and texts. No function takes HTML, so the output of nodes is always shown as text.

type Child = Node | string | null | false;

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, attributes: Record<string, string | boolean | ((e: Event) => void)> = {}, ...children: Child[]): HTMLElementTagNameMap[K] {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") e.addEventListener(name.slice(2), value);
    else if (value === true) e.setAttribute(name, "");
    else if (value !== false) e.setAttribute(name, value);
  }
  for (const c of children) if (c) e.append(c);
  return e;
}

/** svg returns an element of SVG. */
export function svg<K extends keyof SVGElementTagNameMap>(tag: K, attributes: Record<string, string | number> = {}, ...children: (Node | string)[]): SVGElementTagNameMap[K] {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, String(value));
  e.append(...children);
  return e;
}

// Characters that are invisible, or that change the direction of writing. They are shown as \u202e.
const unseen = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** printable returns the text of a node or a user without invisible characters. */
export function printable(text: string): string {
  return text.replace(unseen, (c) => "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"));
}

/** isolated returns the text of a node or a user as an element that does not affect the text around it. */
export function isolated(text: string, tag: "bdi" | "code" = "bdi"): HTMLElement {
  return h(tag, {}, printable(text));
}

export function clip(text: string, most: number): string {
  const chars = Array.from(text.slice(0, 4 * most));
  return chars.length > most ? chars.slice(0, most - 1).join("") + "…" : text;
}

/** time formats a time in seconds. */
export function time(ms: number, digits = 3): string { return (ms / 1000).toFixed(digits) + " s"; }

/** digitsFor returns the number of digits that distinguish times that are about so many ms apart. */
export function digitsFor(apart: number): number { return Math.max(3, Math.min(6, Math.ceil(5 - Math.log10(Math.max(apart, 0.001))))); }

/** span formats a duration. */
export function span(ms: number): string {
  if (ms === Infinity) return "never";
  if (ms >= 10000) return (ms / 1000).toFixed(1) + " s";
  if (ms >= 1000) return (ms / 1000).toFixed(2) + " s";
  if (ms >= 100) return ms.toFixed(0) + " ms";
  if (ms >= 1) return ms.toFixed(1) + " ms";
  return (ms * 1000).toFixed(0) + " µs";
}

export function count(n: number): string { return n.toLocaleString("en-US"); }
export function plural(n: number, one: string): string { return `${count(n)} ${one}${n === 1 ? "" : "s"}`; }

export function table(caption: string, heads: string[], rows: Child[][], className = ""): HTMLElement {
  const numeric = heads.map((_, i) => rows.length > 0 && rows.every((r) => typeof r[i] === "string" && /^[\d.,]*( (ms|s|µs|%))?$/.test(r[i] as string)));
  return h("div", { class: "scroll " + className }, h("table", {},
    h("caption", {}, caption),
    h("thead", {}, h("tr", {}, ...heads.map((t, i) => h("th", { scope: "col", class: numeric[i] ? "number" : "" }, t)))),
    h("tbody", {}, ...rows.map((r) => h("tr", {}, ...r.map((c, i) => h("td", { class: numeric[i] ? "number" : "" }, c)))))));
}

/** save downloads a text as a file. */
export function save(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name.replace(/[^\w.-]+/g, "-") }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // by then the download has begun
}
