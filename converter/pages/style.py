"""Style: the HTML template and the style sheet of all pages."""

from __future__ import annotations

from converter.system.outputs import MARK

# The policy makes the browser enforce it: nothing is loaded and no script runs, whatever a file is called.
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="generator" content="@ {version}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
{body}
</main>
<footer>segconv {version}</footer>
</body>
</html>
""".replace("@", MARK)
STYLE = """:root {
  color-scheme: light dark;
  --paper: #fcfcfb; --ink: #1c1c1e; --faint: #63636b; --line: #e3e3e0; --field: #f3f3f0;
  --accent: #2b5f8f; --accent-2: #c08a3e; --accent-3: #7d8a94;
  --bad: #a8321f; --bad-field: #fbeeeb; --warn: #7f5a00; --warn-field: #fbf4e2; --good: #1f6b45; --good-field: #e9f4ee;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #151517; --ink: #ececee; --faint: #a2a2ab; --line: #303035; --field: #1f1f23;
    --accent: #74aee0; --accent-2: #d8a55c; --accent-3: #8c99a4;
    --bad: #f39585; --bad-field: #33201d; --warn: #e3bd63; --warn-field: #2c2618; --good: #7ccba0;
    --good-field: #182a21;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body {
  margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  overflow-wrap: anywhere;
}
main, footer { max-width: 1080px; margin: 0 auto; padding: 0 clamp(16px, 4vw, 40px); }
header { padding: 72px 0 8px; }
section { padding-top: 56px; }
footer { padding-top: 72px; padding-bottom: 48px; color: var(--faint); font-size: 13px; }
h1, h2, h3, p, ul, ol, dl, figure, pre { margin: 0; padding: 0; }
h1 { font-size: clamp(32px, 5vw, 46px); line-height: 1.15; letter-spacing: -0.02em; font-weight: 650; }
h2 { font-size: 21px; line-height: 1.3; letter-spacing: -0.01em; font-weight: 620; margin-bottom: 14px; }
h3 { font-size: 15px; font-weight: 600; }
code, pre { font: 0.875em/1.55 ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }
.kicker { color: var(--accent); font-size: 14px; font-weight: 600; margin-bottom: 6px; }
.lead { color: var(--faint); font-size: 18px; margin-top: 8px; }
.note { color: var(--faint); font-size: 14px; font-weight: 400; }
section > .note { max-width: 68ch; margin-bottom: 16px; }
.verdict { display: flex; flex-wrap: wrap; gap: 4px 20px; margin-top: 24px; padding: 12px 18px; border-radius: 8px; }
.verdict.good { background: var(--good-field); color: var(--good); }
.verdict.bad { background: var(--bad-field); color: var(--bad); }
.verdict.plain { background: var(--field); }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 210px), 1fr)); gap: 24px 32px; }
.facts div { border-top: 1px solid var(--line); padding-top: 10px; min-width: 0; }
dt { color: var(--faint); font-size: 14px; }
dd { margin: 2px 0 0; font-variant-numeric: tabular-nums; }
dd > .note { display: block; }
.problems { list-style: none; display: grid; gap: 16px; }
.problems > li { border: 1px solid var(--line); border-left: 4px solid; border-radius: 8px; padding: 16px 20px; }
.problems > .error { border-left-color: var(--bad); }
.problems > .warning { border-left-color: var(--warn); }
.badge { font-size: 13px; font-weight: 600; padding: 2px 8px; border-radius: 99px; margin-right: 4px; }
.error .badge { background: var(--bad-field); color: var(--bad); }
.warning .badge { background: var(--warn-field); color: var(--warn); }
.fix { margin-top: 8px; max-width: 75ch; }
.problems ul { list-style: none; margin-top: 10px; font-size: 14px; }
.problems ul li { padding: 5px 0; border-top: 1px solid var(--line); }
.problems ul code { color: var(--accent); margin-right: 8px; }
details { margin-top: 8px; }
summary { cursor: pointer; color: var(--accent); font-size: 14px; padding: 4px 0; }
pre { background: var(--field); border: 1px solid var(--line); border-radius: 8px; padding: 16px 18px;
  white-space: pre-wrap; user-select: all; }
.scroll { overflow: auto; max-height: 78vh; border-top: 1px solid var(--line); border-bottom: 1px solid var(--line); }
table { border-collapse: collapse; width: 100%; font-size: 15px; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: 8px 20px 8px 0; vertical-align: middle; overflow-wrap: normal; }
tbody th { font-weight: 500; white-space: nowrap; }
thead th { position: sticky; top: 0; background: var(--paper); color: var(--faint); font-size: 13px; font-weight: 500;
  box-shadow: inset 0 -1px var(--line); }
tbody tr + tr > * { border-top: 1px solid var(--line); }
.scroll + .note { margin-top: 12px; }
.n { text-align: right; white-space: nowrap; }
.n + .bars:last-child { width: 50%; }
th:last-child, td:last-child { padding-right: 0; }
th.share { padding-left: 20px; }
.remark { color: var(--faint); font-size: 14px; min-width: 14em; }
.index { display: inline-block; min-width: 1.6em; text-align: right; margin-right: 4px; }
.unlisted-name { color: var(--bad); font-style: normal; }
.swatch { display: inline-block; width: 16px; height: 16px; border-radius: 3px; margin-right: 9px; vertical-align: -3px;
  box-shadow: 0 0 0 1px color-mix(in srgb, var(--ink) 25%, transparent); print-color-adjust: exact; }
.swatch.ignored { background: repeating-linear-gradient(135deg, #3c3c42 0 3px, #808088 3px 6px); }
.swatch.unlisted { background: repeating-linear-gradient(135deg, #280018 0 3px, #ff40a0 3px 6px); }
.bars { width: 32%; min-width: 130px; }
.bar { display: block; height: 8px; background: var(--field); border-radius: 2px; print-color-adjust: exact; }
.bar + .bar { margin-top: 3px; }
.bar > span { display: block; height: 100%; min-width: 1px; background: var(--accent); border-radius: 2px; }
.bar.split1 > span, .key.split1 { background: var(--accent-2); }
.bar.split2 > span, .key.split2 { background: var(--accent-3); }
.bar.scale { position: relative; height: 10px; }
.bar.scale > i { position: absolute; top: -2px; height: 14px; border: solid var(--ink); border-width: 0 2px; }
.bar.scale > i::after { content: ""; display: block; height: 7px; border-bottom: 1px solid var(--ink); }
.bar.zero { background: linear-gradient(to right, var(--field) 0 49.5%, var(--faint) 49.5% 50.5%, var(--field) 50.5%); }
.bar.zero > b { position: absolute; top: 1px; width: 8px; height: 8px; margin-left: -4px; border-radius: 50%;
  background: var(--accent); print-color-adjust: exact; }
.runs { margin-top: 20px; gap: 0 32px; grid-template-columns: 1fr; }
.facts.runs div { display: grid; grid-template-columns: 2em 1fr; padding: 8px 0; }
.key { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px;
  background: var(--accent); }
.legend { list-style: none; display: flex; flex-wrap: wrap; gap: 6px 22px; font-size: 14px; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 290px), 1fr)); gap: 28px 24px;
  margin-top: 20px; }
figure { min-width: 0; }
.pairs { grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); }
.images { display: flex; gap: 6px; }
.images img { flex: 1 1 0; min-width: 0; width: 100%; height: auto; border-radius: 4px; background: var(--field); }
figcaption { font-size: 13px; line-height: 1.45; margin-top: 8px; }
figcaption .note { font-size: 13px; }
.curves { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 340px), 1fr)); gap: 24px; }
.curves .facts { grid-template-columns: 1fr; align-content: start; gap: 14px; padding-top: 28px; }
.curves figcaption { font-weight: 600; font-size: 15px; margin: 0 0 4px; }
svg { display: block; width: 100%; height: auto; max-width: 560px; font-size: 12px; fill: var(--faint); }
svg .grid { stroke: var(--line); fill: none; }
svg .mark { stroke: var(--faint); stroke-dasharray: 2 3; fill: none; }
svg .line { fill: none; stroke: var(--accent); stroke-width: 2; stroke-linejoin: round; print-color-adjust: exact; }
svg .line.train { stroke: var(--accent-2); stroke-dasharray: 6 4; }
svg .dot { fill: var(--accent); print-color-adjust: exact; }
svg .name { font-weight: 600; fill: var(--ink); }
.matrix table { width: auto; font-size: 13px; }
.matrix td { text-align: center; padding: 0; min-width: 34px; height: 30px; print-color-adjust: exact; }
.matrix tbody th { position: sticky; left: 0; background: var(--paper); padding-right: 12px; font-weight: 400; }
.matrix .dark { color: var(--paper); }
.matrix .turned { vertical-align: bottom; padding: 6px 0; text-align: center; }
.matrix .turned span { writing-mode: vertical-rl; transform: rotate(180deg); max-height: 12em; }
.plain { list-style: none; margin-bottom: 20px; }
.plain li { padding: 3px 0; }
section > h3 { margin: 28px 0 10px; }
.example { margin-bottom: 22px; }
.four { display: grid; grid-template-columns: repeat(4, 1fr); gap: 6px; }
.four img { display: block; width: 100%; height: auto; border-radius: 4px; background: var(--field);
  print-color-adjust: exact; }
.options { font-size: 14px; display: flex; flex-wrap: wrap; gap: 4px 20px; }
.options b { font-weight: 600; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
@media (max-width: 640px) {
  header { padding-top: 40px; }
  section { padding-top: 44px; }
  .facts { gap: 0; grid-template-columns: 1fr; }
  .facts div { display: grid; grid-template-columns: 7em 1fr; gap: 12px; padding: 10px 0; }
  dt { padding-top: 2px; }
  table { font-size: 14px; }
  th, td { padding-right: 14px; }
  .swatch { margin-right: 7px; }
  .bars { min-width: 84px; }
  .problems > li { padding: 14px 16px; }
  .four { grid-template-columns: repeat(2, 1fr); }
}
@media print {
  body { background: none; font-size: 13px; }
  header { padding-top: 0; }
  section { padding-top: 30px; }
  .scroll { max-height: none; overflow: visible; }
  thead th { position: static; }
  table { font-size: 12px; }
  th, td { padding: 5px 10px 5px 0; }
  .bars { min-width: 80px; }
  .matrix table { font-size: 11px; }
  .matrix td { min-width: 26px; height: 24px; }
  figure, .problems > li, tr, .matrix, .facts, section:has(> pre) { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  main, footer { max-width: none; padding: 0; }
}
"""
