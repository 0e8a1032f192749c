// The colours of Okabe and Ito (2008), which most colour-blind people can distinguish,
// lighter on a dark background. No meaning depends on colour alone: lost messages end
// in a cross, duplicates are dashed, forged messages are dashed and dotted, and replies
// have a hollow head. TestColourBlind measures the differences between the others.

export interface Theme {
  dark: boolean; ground: string; text: string; faint: string; line: string;
  request: string; reply: string; error: string; oneway: string; lost: string; forged: string; mark: string;
  partition: string; pause: string; down: string;
  ok: string; fail: string; indefinite: string;
}

const light: Theme = {
  dark: false, ground: "#ffffff", text: "#1c2024", faint: "#5c6670", line: "#d4d9de",
  request: "#0072b2", reply: "#007a59", error: "#c44d00", oneway: "#4f4f4f", lost: "#b3261e", forged: "#c2187a", mark: "#b3261e",
  partition: "#e69f00", pause: "#56b4e9", down: "#6b7280",
  ok: "#007a59", fail: "#c44d00", indefinite: "#8a6d00",
};
const dark: Theme = {
  dark: true, ground: "#14181c", text: "#e6e9ec", faint: "#9aa5b0", line: "#39424b",
  request: "#56b4e9", reply: "#2fc79a", error: "#ff8f45", oneway: "#c4c4c4", lost: "#ff7a70", forged: "#ff85c2", mark: "#ff7a70",
  partition: "#e69f00", pause: "#56b4e9", down: "#9aa5b0",
  ok: "#2fc79a", fail: "#ff8f45", indefinite: "#e8c83a",
};

let printing = false;
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

export function theme(): Theme { return prefersDark.matches && !printing ? dark : light; }

/** onTheme calls f when the colours change: with the system's setting, and for printing. */
export function onTheme(f: () => void): void {
  prefersDark.addEventListener("change", f);
  addEventListener("beforeprint", () => { printing = true; f(); });
  addEventListener("afterprint", () => { printing = false; f(); });
}
