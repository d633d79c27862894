/**
 * The style of the report page. Colours are chosen for a contrast of at least 4.5 for text on both grounds, and
 * the curves differ in lightness too, so that they can be told apart on grey paper.
 */
export const PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --dot-strength: .32; --ground: #ffffff; --panel: #f6f7f9; --ink: #1b2230; --soft: #56607a; --rule: #dde1e8;
  --time: #1c5fb0; --time-dot: #1c5fb0; --p95: #6b8fc0; --limit: #b3261e; --mark: #146c43;
  --down: #0b7285; --up: #9c4a00; --off: #7a8397;
}
@media (prefers-color-scheme: dark) {
  :root {
    --dot-strength: .5; --ground: #12161f; --panel: #1a202c; --ink: #e7ebf3; --soft: #a3adc2; --rule: #2d3546;
    --time: #7ab5ff; --time-dot: #7ab5ff; --p95: #56779f; --limit: #ff8f87; --mark: #6fdc9f;
    --down: #4fd1e0; --up: #ffb066; --off: #8690a6;
  }
}
@media print {
  :root {
    color-scheme: light;
    --dot-strength: .4; --ground: #ffffff; --panel: #ffffff; --ink: #000000; --soft: #333333; --rule: #cccccc;
    --time: #1c5fb0; --time-dot: #1c5fb0; --p95: #6b8fc0; --limit: #b3261e; --mark: #146c43;
    --down: #0b7285; --up: #9c4a00; --off: #666666;
  }
  body { max-width: none; padding: 0; font-size: 10pt; }
  figure, .answer, table, dl { break-inside: avoid; }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 2rem 1.25rem 4rem; max-width: 60rem; background: var(--ground); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", Arial, sans-serif;
}
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .75rem; }
h3 { font-size: 1rem; margin: 1.5rem 0 .5rem; }
p { margin: .4rem 0; }
.soft { color: var(--soft); }
code, pre { font-family: ui-monospace, "DejaVu Sans Mono", "Liberation Mono", monospace; font-size: .92em; }
pre { background: var(--panel); border: 1px solid var(--rule); border-radius: 6px; padding: .6rem .8rem; margin: .4rem 0;
  white-space: pre-wrap; overflow-wrap: anywhere; }
.answer { background: var(--panel); border: 1px solid var(--rule); border-left: 4px solid var(--mark); border-radius: 6px;
  padding: .9rem 1.1rem; margin: 1.25rem 0; }
.answer.none { border-left-color: var(--limit); }
.answer strong { font-size: 1.35rem; }
.warning { color: var(--limit); }
figure { margin: 1rem 0; }
figcaption { color: var(--soft); font-size: .88rem; }
svg { display: block; width: 100%; height: auto; font-family: inherit; }
svg .tick { font-size: 12px; fill: var(--soft); }
svg .label { font-size: 12.5px; fill: var(--ink); font-weight: 600; }
svg .grid { stroke: var(--rule); stroke-width: 1; }
svg .axis { stroke: var(--soft); stroke-width: 1; }
svg .limit { stroke: var(--limit); stroke-width: 1.5; stroke-dasharray: 6 4; }
svg .limit-label { font-size: 12px; fill: var(--limit); }
svg .limit-label, svg .mark-label { paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round; }
svg .mark { stroke: var(--mark); stroke-width: 1.5; }
svg .mark-label { font-size: 13px; font-weight: 700; fill: var(--mark); }
svg .curve path { fill: none; stroke-width: 2.5; stroke-linejoin: round; }
svg .time path { stroke: var(--time); } svg .time circle { fill: var(--time); }
svg .p95 path { stroke: var(--p95); stroke-width: 1.5; stroke-dasharray: 3 3; } svg .p95 circle { fill: var(--p95); r: 2.5px; }
svg .samples circle { fill: var(--time-dot); fill-opacity: var(--dot-strength); }
svg .samples circle.off { fill: var(--off); stroke: none; }
svg .paced path { stroke: var(--mark); } svg .paced circle { fill: var(--mark); }
svg .down path { stroke: var(--down); } svg .down circle { fill: var(--down); }
svg .up path { stroke: var(--up); stroke-dasharray: 8 3; } svg .up circle { fill: var(--up); }
svg circle.off { fill: var(--ground); stroke: var(--off); stroke-width: 1.5; }
.key { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; padding: 0; margin: .25rem 0 0; list-style: none; font-size: .88rem; }
.key i { display: inline-block; width: 1.6em; height: 0; border-top: 3px solid; margin-right: .4em; vertical-align: middle; }
.key .time { color: var(--time); } .key .p95 { color: var(--p95); } .key .paced { color: var(--mark); } .key .down { color: var(--down); } .key .up { color: var(--up); }
.key .p95 i, .key .up i { border-top-style: dashed; }
.key .samples { color: var(--time-dot); }
.key .samples i { border-top: 0; width: .5em; height: .5em; border-radius: 50%; background: currentColor; opacity: .45; }
.key .off { color: var(--off); }
.key .off i { border: 1.5px solid; width: .65em; height: .65em; border-radius: 50%; }
.key span { color: var(--ink); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .55rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
th:last-child, td:last-child { text-align: left; white-space: normal; min-width: 12rem; }
tr.best td { font-weight: 700; color: var(--mark); }
tr.invalid td { color: var(--off); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.25rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
ol { padding-left: 1.4rem; margin: .4rem 0; }
`;
