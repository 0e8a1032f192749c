import { charts } from "./charts";
import { compare } from "./compare";
import { load, Test } from "./data";
import { Go, link } from "./details";
import { h } from "./dom";
import { Explorer } from "./explorer";
import { faults, links, numbers, perFunction } from "./tables";
import { kindsOf, Story } from "./story";
import { Timeline } from "./timeline";
import { matters } from "./matters";
import { View } from "./view";

const app = document.getElementById("app")!;
const explorers: Explorer[] = [];
const stories: Story[] = [];

/** go sets the fragment of the page's URL, so that Back works and the URL can be shared. */
function go(test: number, address: string): void {
  const hash = address === "" ? "" : `#${explorers.length > 1 ? "ab"[test] + "-" : ""}${address}`;
  if (location.hash === hash) return follow();
  if (hash === "") { history.pushState(null, "", location.pathname + location.search); follow(); } else location.hash = hash;
}

/** goIn returns go for one of the tests; then is called after it. */
function goIn(test: number, then?: () => void): Go {
  const f = (address: string) => { go(test, address); then?.(); };
  return Object.assign(f, { href: (address: string) => "#" + (document.getElementById("t1-head") ? "ab"[test] + "-" : "") + address });
}

/** follow selects the item of the page's URL. */
function follow(): void {
  const [, which, address] = /^#(?:([ab])-)?([mkv]\d+)$/.exec(location.hash) ?? [];
  const of = (i: number) => (address && (which === undefined ? i === 0 : "ab"[i] === which) ? address : "");
  explorers.forEach((e, i) => e.show(of(i)));
  stories.forEach((s, i) => s.follow(of(i)));
}

function copyButtons(): void {
  for (const button of document.querySelectorAll<HTMLButtonElement>("button.copy")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copies!)!;
      try { await navigator.clipboard.writeText(source.textContent!); } catch {
        getSelection()!.selectAllChildren(source); // for pages that must not use the clipboard API
        document.execCommand("copy");
      }
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }
}

/** sections returns the explanation and the diagram of a test, and what is below them. */
function sections(test: Test, view: View): [HTMLElement, HTMLElement] {
  const explorer = new Explorer(test, view, goIn(test.index));
  explorers.push(explorer);
  const bands = explorer.diagram.bands;
  const toDiagram = goIn(test.index, () => explorer.element.scrollIntoView({ block: "start" }));
  const timeline = new Timeline(test, view, bands, toDiagram), story = new Story(test, toDiagram);
  stories.push(story);
  return [h("div", { class: "test" }, story.element, explorer.element), h("div", { class: "test" }, timeline.element, charts(test, view, bands),
    h("details", { class: "more", open: true }, h("summary", {}, "Numbers, faults and links"), numbers(test), perFunction(test), faults(test), links(test)))];
}

/** reasonsAtTop makes each kind of violation at the top of the page a link to the first of them. */
function reasonsAtTop(test: Test): void {
  const show = () => {
    const { panel, element } = explorers[test.index], narrow = matchMedia("(max-width:1100px)").matches; // the panel is below the diagram
    (narrow ? panel : element).scrollIntoView({ block: narrow ? "start" : "nearest" });
  };
  const go = goIn(test.index, show), top = document.getElementById(`t${test.index}-top`);
  if ((test.head.reasons ?? []).length === 0) return;
  kindsOf(test).forEach((k, i) => top?.querySelectorAll(".kinds .kind")[i]?.replaceChildren(link(go, `v${k.first}`, k.text)));
  top?.querySelector(".kinds")?.after(h("p", { class: "ways" }, link(go, "v0", "Show what could have caused it")));
}

/** backToList adds a link to the list of tests if eddy serve has served the page. */
function backToList(): void {
  if (/^https?:$/.test(location.protocol) && /^\/test\/[^/]+\/[^/]+\/$/.test(location.pathname)) {
    document.getElementById("page")!.prepend(h("p", { class: "back" }, h("a", { href: "/" }, "All tests")));
  }
}

async function main(): Promise<void> {
  copyButtons();
  backToList();
  const two = document.getElementById("t1-head") !== null;
  const tests = await Promise.all((two ? [0, 1] : [0]).map(load));
  if (two) {
    document.body.classList.add("two");
    app.append(await compare(tests[0], tests[1], go));
  }
  const view = new View(Math.max(...tests.map((t) => t.end)));
  const title = (i: number) => (two ? [h("h2", {}, `${"AB"[i]}: ${tests[i].head.name}`)] : []);
  const all = tests.map((t) => sections(t, view));
  all.forEach(([diagram], i) => app.append(...title(i), diagram)); // the diagrams of two tests are seen together
  all.forEach(([, below], i) => app.append(...title(i), below));
  if (!two) view.set(...matters(tests[0]));
  tests.forEach(reasonsAtTop);
  addEventListener("keydown", (e) => { // the keys of the diagram work before anything has the focus
    if (e.target === document.body && !["Enter", " "].includes(e.key)) explorers[0]?.key(e);
  });
  addEventListener("hashchange", follow);
  addEventListener("popstate", follow);
  follow();
  document.body.dataset.ready = String(Math.round(performance.now()));
}

main().catch((err: unknown) => {
  app.append(h("p", { class: "warning", role: "alert" }, `This page's data could not be read: ${String(err)}. It needs a browser of 2023 or later.`));
});

// For the console and the tests.
(globalThis as unknown as { eddy: unknown }).eddy = { explorers };
