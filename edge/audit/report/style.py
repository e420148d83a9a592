"""The report's style sheet: black on white, plain, made for paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light; --line: #c8ccd0; --soft: #f4f5f6; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 50rem; padding: 1.5rem; background: #fff; color: #111;
  overflow-wrap: anywhere;
  font: 16px/1.55 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
nav { text-align: right; }
h1 { font-size: 1.7rem; margin: .5rem 0 1rem; }
h2 { font-size: 1.3rem; margin: 2.2rem 0 .5rem; padding-top: .6rem;
  border-top: 2px solid #111; }
h3 { font-size: 1.05rem; margin: 1.2rem 0 .3rem; }
p { margin: .35rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0;
  border-bottom: 1px solid var(--line); }
th { width: 9rem; font-weight: 600; }
code { font: .78rem/1.4 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.verdict { margin: 1.2rem 0; padding: .8rem 1rem; border: 2px solid; border-left-width: .6rem;
  background: var(--soft); }
.verdict.holds { border-color: #176b3a; }
.verdict.fails { border-color: #a3161b; }
section { margin: .9rem 0; padding: .1rem 0 .1rem .9rem; border-left: .25rem solid var(--line);
  break-inside: avoid; }
section.holds { border-color: #176b3a; }
section.fails { border-color: #a3161b; }
.status { float: right; padding: 0 .5rem; border: 1px solid; border-radius: .2rem;
  font-size: .85rem; font-weight: 600; }
.holds .status { color: #176b3a; }
.fails .status { color: #a3161b; }
.not_checked .status { color: #555; }
.evidence { margin: .2rem 0 .4rem; padding: .4rem .6rem .4rem 1.4rem; background: var(--soft);
  font: .78rem/1.45 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
main + main { margin-top: 3rem; }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt; }
  nav { display: none; }
  main + main { break-before: page; }
  h2, h3 { break-after: avoid; }
}
"""
