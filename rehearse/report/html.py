"""One page: the steps, a chart of response times for each that has visitors, and the advice.

It loads nothing: styles and charts are in it, and it needs no script.
"""

from html import escape
from string import Template

from rehearse.findings import FAILS, NOT_RUN, OK, Finding, Rehearsed
from rehearse.report.chart import draw
from rehearse.report.text import duration

MARKS = {OK: "✓", FAILS: "✕", NOT_RUN: "–"}

PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$project on $platform: $passed of $total</title>
<style>
:root {
  color-scheme: light dark;
  --paper: #fbfbf9; --card: #fff; --ink: #1c2024; --faint: #667078; --line: #e3e5e8;
  --well: #147d4f; --bad: #c0262d; --dot: #3567c4; --code: #f3f4f6;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #14171a; --card: #1c2024; --ink: #e8eaed; --faint: #98a2ab; --line: #30363c;
    --well: #4cc38a; --bad: #ff7b72; --dot: #79a6ff; --code: #14171a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 60rem; padding: 3rem 1.5rem 4rem; background: var(--paper);
  color: var(--ink); font: 1rem/1.5 system-ui, sans-serif;
}
h1 { margin: 0; font-size: 1.9rem; line-height: 1.2; letter-spacing: -0.02em; }
h1 small { display: block; margin-top: 0.4rem; font-size: 1rem; font-weight: 400;
  letter-spacing: 0; color: var(--faint); }
header { display: flex; justify-content: space-between; gap: 2rem; align-items: start; }
.sum { font-size: 1.9rem; font-weight: 650; line-height: 1.2; text-align: right;
  white-space: nowrap; font-variant-numeric: tabular-nums; }
.sum small { display: block; font-size: 1rem; font-weight: 400; color: var(--faint); }
.bar { display: flex; gap: 3px; margin: 1.6rem 0 1.2rem; }
.bar i { flex: 1; height: 6px; border-radius: 3px; background: var(--line); }
.bar i.ok { background: var(--well); } .bar i.fails { background: var(--bad); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; margin: 0 0 2.2rem;
  font-size: 0.85rem; }
dt { color: var(--faint); } dd { margin: 0; }
code, pre { font: 0.8rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  margin-bottom: 0.75rem; padding: 0.85rem 1.1rem; }
section.fails { border-color: var(--bad); }
h2 { display: flex; gap: 0.7rem; align-items: baseline; margin: 0; font-size: 1rem;
  font-weight: 600; }
h2 b { color: var(--well); } .fails h2 b { color: var(--bad); } .not-run { opacity: 0.55; }
h2 b, h2 .name { flex: none; } h2 .name { width: 7.5rem; }
h2 .text { flex: 1; font-weight: 400; }
h2 time { flex: none; font-weight: 400; font-size: 0.85rem; color: var(--faint);
  font-variant-numeric: tabular-nums; }
.advice { margin: 0.6rem 0 0; padding: 0.55rem 0.8rem; border-left: 3px solid var(--bad);
  background: var(--code); }
details { margin-top: 0.7rem; } summary { font-size: 0.85rem; color: var(--faint); cursor: pointer; }
pre { margin: 0.7rem 0 0; padding: 0.7rem 0.9rem; overflow-x: auto; background: var(--code);
  border: 1px solid var(--line); border-radius: 6px; white-space: pre-wrap; }
svg { display: block; width: 100%; height: auto; margin-top: 0.7rem; }
svg text { fill: var(--faint); font: 10px system-ui, sans-serif; }
svg line { stroke: var(--line); } svg .dot { fill: var(--dot); fill-opacity: 0.4; }
svg .lost { stroke: var(--bad); stroke-width: 1.6; fill: none; }
svg .p50 { stroke: var(--dot); stroke-width: 1; stroke-dasharray: 4 3; }
footer { margin-top: 2rem; font-size: 0.85rem; color: var(--faint); }
@media (max-width: 40rem) { h2 { flex-wrap: wrap; } h2 .text { flex-basis: 100%; order: 1; } }
</style>
<header>
<h1>$project<small>rehearsed as $platform would deploy it, on this machine</small></h1>
<div class="sum">$passed of $total<small>steps ok, in $took</small></div>
</header>
<div class="bar">$bar</div>
<dl><dt>Python</dt><dd>$python</dd>$commands</dl>
$steps
<footer>Dots are requests, by when they were sent and how long they took; a red cross is one that was
lost: not answered in full, or with a status of 500 or more. The dashed line is the median.</footer>
</html>
""")


def render(rehearsed: Rehearsed) -> str:
    kinds = (one.status.replace(" ", "-") for one in rehearsed.findings)
    return PAGE.substitute(
        project=escape(rehearsed.project),
        platform=escape(rehearsed.platform),
        python=escape(rehearsed.python.removeprefix("python ")),
        passed=rehearsed.passed,
        total=len(rehearsed.findings),
        took=duration(rehearsed.seconds),
        bar="".join(f'<i class="{kind}"></i>' for kind in kinds),
        commands="".join(
            f"<dt>{escape(name)}</dt><dd><code>{escape(command)}</code></dd>"
            for name, command in rehearsed.commands.items()
        ),
        steps="\n".join(map(section, rehearsed.findings)),
    )


def section(finding: Finding) -> str:
    took = "" if finding.status == NOT_RUN else duration(finding.seconds)
    parts = [
        f'<section class="{finding.status.replace(" ", "-")}">',
        f"<h2><b>{MARKS[finding.status]}</b><span class='name'>{escape(finding.step)}</span>",
        f"<span class='text'>{escape(finding.text or finding.status)}</span>",
        f"<time>{took}</time></h2>",
        *(f'<p class="advice">{escape(advice)}</p>' for advice in finding.advice if advice),
        draw(finding.samples) if len(finding.samples) > 3 else "",
        output(finding.output) if finding.output else "",
        "</section>",
    ]
    return "".join(parts)


def output(text: str) -> str:
    count = len(text.splitlines())
    title = f"<summary>The last {count} lines that the project printed</summary>"
    return f"<details>{title}<pre>{escape(text)}</pre></details>"
