# Here, and not in pyproject.toml: it takes 150 MB, which the tests do without, and `uv run --group`
# would write a uv.lock (docs/decisions/0001).
# /// script
# requires-python = ">=3.12"
# dependencies = [
#     "matplotlib==3.11.2",  # draws; another version writes other bytes
# ]
# ///
"""Draw the figures of the last test run, and keep its table, in ``docs/``.

    uv run scripts/chart.py

In: ``report/``, which tests/report.py writes. Out: ``docs/report.svg``, the same bytes for the same
figures, and ``docs/report.md``. Refused if a combination failed or lacks a figure that is drawn.
"""

import json
import shutil
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

ROOT = Path(__file__).resolve().parent.parent
REPORT = ROOT / "report"
DOCS = ROOT / "docs"
# The columns drawn, each in a panel, and its title.
PANELS = {
    "boot s": "Seconds to boot",
    "memory MB": "Memory, MB",
    "requests/s": "Database pages per second",
}
# Dark and light, so that they differ for everyone.
COLORS = {"heroku": "#4c3d8f", "digitalocean": "#7ab8f5"}
LABELS = {"heroku": "Heroku", "digitalocean": "DigitalOcean"}
THICKNESS = 0.38
STYLE = {
    "font.sans-serif": ["DejaVu Sans", "Verdana"],
    "font.size": 10,
    "svg.fonttype": "none",  # text stays text, and a diff shows which figure changed
    "svg.hashsalt": "report",
}


def main() -> None:
    report = json.loads((REPORT / "report.json").read_text())
    if found := problems(report["combinations"]):
        raise SystemExit("\n".join(found))
    with matplotlib.rc_context(STYLE):
        draw(report).savefig(DOCS / "report.svg", metadata={"Date": None})
    shutil.copyfile(REPORT / "report.md", DOCS / "report.md")


def problems(rows: dict[str, dict]) -> list[str]:
    failed = [f"{name} failed." for name, row in rows.items() if row["failed"]]
    lacking = [
        f"{len(names)} combinations have no {column}: type `make test pictures`."
        for column in PANELS
        if (names := [name for name, row in rows.items() if column not in row])
    ]
    return failed + lacking


def draw(report: dict) -> Figure:
    rows = report["combinations"]
    servers = list(dict.fromkeys(name.partition("-")[2] for name in rows))
    figure = Figure(figsize=(10, 1.4 + 0.6 * len(servers)), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.12, w_pad=0.12)
    panels = figure.subplots(1, len(PANELS), sharey=True)
    for axes, (column, title) in zip(panels, PANELS.items(), strict=True):
        axes.set_title(title, fontsize=11, loc="left")
        for number, platform in enumerate(COLORS):
            places = [place + (number - 0.5) * THICKNESS for place in range(len(servers))]
            figures = [rows[f"{platform}-{server}"][column] for server in servers]
            color, label = COLORS[platform], LABELS[platform]
            bars = axes.barh(places, figures, THICKNESS, color=color, label=label)
            axes.bar_label(bars, padding=3)
        tidy(axes)
    panels[0].set_yticks(range(len(servers)), servers)
    panels[0].invert_yaxis()
    figure.suptitle(lost_requests(rows), x=0.01, ha="left", fontsize=12, fontweight="bold")
    legend = panels[0].get_legend_handles_labels()
    figure.legend(*legend, loc="lower right", ncols=len(COLORS), frameon=False)
    where = "{date}, Python {python}, {cores} cores, tests at once: {workers}. "
    where += "Both platforms on one machine: they differ mostly by noise."
    figure.supxlabel(where.format_map(report), x=0.01, ha="left", fontsize=9)
    return figure


def tidy(axes: Axes) -> None:
    """Leave only what is read: the bars' own labels stand for a scale."""
    axes.spines[:].set_visible(False)
    axes.spines["left"].set_visible(True)
    axes.tick_params(left=False, bottom=False, labelbottom=False)
    axes.margins(x=0.2)


def lost_requests(rows: dict[str, dict]) -> str:
    known = [row["lost requests"] for row in rows.values() if "lost requests" in row]
    if not known:
        return "Lost requests were not measured"
    return f"{sum(known)} lost requests, measured in {len(known)} of {len(rows)} combinations"


if __name__ == "__main__":
    main()
