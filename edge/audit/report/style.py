"""The report's style sheet: black on white, plain, made for paper."""

from __future__ import annotations

STYLE = """
:root { color-scheme: light; --line: #c8ccd0; --soft: #f4f5f6; --good: #176b3a; --bad: #a3161b; }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 52rem; padding: 1.5rem; background: #fff; color: #111;
  overflow-wrap: anywhere;
  font: 16px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", sans-serif; }
input[name=language] { position: absolute; opacity: 0; }
#choose-en:checked ~ #zh-Hans, #choose-zh-Hans:checked ~ #en { display: none; }
nav { text-align: right; }
nav label { padding: .2rem .7rem; border: 1px solid var(--line); cursor: pointer; }
#choose-en:checked ~ nav label[lang=en],
#choose-zh-Hans:checked ~ nav label[lang=zh-Hans] { background: #111; color: #fff; }
#choose-en:focus-visible ~ nav label[lang=en],
#choose-zh-Hans:focus-visible ~ nav label[lang=zh-Hans] { outline: 3px solid #2a6fdb; }
h1 { font-size: 1.7em; margin: .5rem 0 .8rem; }
h2 { font-size: 1.3em; margin: 1.8em 0 .4em; padding-top: .4em; border-top: 2px solid #111; }
h3 { font-size: 1.05em; margin: 1em 0 .3em; }
p { margin: .35em 0; }
ul { margin: .3em 0; padding-left: 1.3em; }
a { color: inherit; text-decoration-color: var(--line); }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .2em .6em .2em 0;
  border-bottom: 1px solid var(--line); }
th { width: 11em; font-weight: 600; }
code { font: .85em/1.35 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
.verdict { margin: 1em 0; padding: .6em 1em; border: 2px solid; border-left-width: .6em;
  background: var(--soft); break-inside: avoid; }
.verdict.holds { border-color: var(--good); }
.verdict.fails { border-color: var(--bad); }
.glance { columns: 2; column-gap: 2em; padding: 0; list-style: none; font-size: .85em; }
.glance li { break-inside: avoid; padding-left: 1.3em; text-indent: -1.3em; }
.glance span { display: inline-block; width: 1.3em; text-indent: 0; font-weight: 700; }
.marks { font-size: .85em; }
.holds > span, .holds .status { color: var(--good); }
.fails > span, .fails .status { color: var(--bad); }
.not_checked > span, .not_checked .status { color: #555; }
.status { font-weight: 700; }
.hashes { font-size: .8em; }
.appendix { margin-top: 2.5rem; font-size: .8em; }
.checks th { font-weight: 600; }
.evidence { margin: .2em 0 .3em; padding: .3em .5em .3em 1.4em; background: var(--soft);
  font: .9em/1.35 ui-monospace, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
@page { size: A4; margin: 14mm 15mm; }
@media print {
  body { max-width: none; padding: 0; font-size: 9.5pt; line-height: 1.38; }
  nav, input[name=language] { display: none; }
  a { text-decoration: none; }
  h1 { margin-top: 0; }
  h2 { margin-top: 1.2em; }
  h2, h3 { break-after: avoid; }
  .glance { font-size: 8pt; line-height: 1.3; columns: 3; column-gap: 1.2em; }
  .glance.leaks { columns: 2; }
  .hashes { font-size: 7pt; line-height: 1.2; }
  .hashes td, .checks td, .checks th { padding-top: .1em; padding-bottom: .1em; }
  .appendix { break-before: page; margin-top: 0; font-size: 7pt; line-height: 1.25; }
  .checks th { width: 12em; }
  .checks p { margin: .1em 0; }
  .evidence { padding-top: .1em; padding-bottom: .1em; margin: .1em 0; line-height: 1.2; }
  .evidence li { break-inside: avoid; }
}
"""
