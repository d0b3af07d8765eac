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
  --faint: light-dark(#667078, #98a2ab); --line: light-dark(#e3e5e8, #30363c);
  --well: light-dark(#147d4f, #4cc38a); --bad: light-dark(#c0262d, #ff7b72);
}
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1rem; font: 1rem/1.5 system-ui, sans-serif; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.2rem 1rem; margin: 1.5rem 0;
  font-size: 0.85rem; overflow-wrap: anywhere; }
dt, footer, time, summary { color: var(--faint); font-size: 0.85rem; } dd { margin: 0; }
section { border: 1px solid var(--line); margin-bottom: 0.75rem; padding: 0.85rem 1.1rem; }
section.fails { border-color: var(--bad); } .not-run { opacity: 0.55; }
h2 { display: flex; gap: 0.7rem; align-items: baseline; margin: 0; font-size: 1rem; }
h2 b { color: var(--well); } .fails b { color: var(--bad); } h2 .name { flex: 0 0 8rem; }
h2 .text { flex: 1; font-weight: 400; } h2 time { font-weight: 400; white-space: nowrap; }
.advice { margin: 0.6rem 0 0; padding-left: 0.8rem; border-left: 3px solid var(--bad); }
summary { margin-top: 0.7rem; cursor: pointer; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; }
svg { display: block; width: 100%; margin-top: 0.7rem; }
svg text { fill: var(--faint); font: 11px system-ui, sans-serif; } .at { text-anchor: middle; }
line { stroke: var(--line); } .dot { fill: #5588e0; fill-opacity: 0.4; } .lost { fill: var(--bad); }
@media (max-width: 40rem) { h2 { flex-wrap: wrap; } h2 .text { flex-basis: 100%; order: 1; } }
</style>
<h1>$project on $platform: $passed of $total steps ok, in $took</h1>
<dl>$facts</dl>
$steps
<footer>Dots are requests; a red one was not answered in full, or with 500 or more.</footer>
</html>
""")


def render(rehearsed: Rehearsed) -> str:
    facts = rehearsed.facts()
    return PAGE.substitute(
        project=escape(rehearsed.project),
        platform=escape(rehearsed.platform or "its platform"),
        passed=rehearsed.passed,
        total=len(rehearsed.findings),
        took=duration(rehearsed.seconds),
        facts="".join(f"<dt>{escape(n)}</dt><dd>{escape(text)}</dd>" for n, text in facts.items()),
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
    ]
    if finding.output:
        title = "The last lines that the project printed"
        text = f"<pre>{escape(finding.output)}</pre>"
        parts.append(f"<details open><summary>{title}</summary>{text}</details>")
    return "".join([*parts, "</section>"])
