"""A chart of response times, as SVG that takes its colours from the page."""

import math
import statistics

from rehearse.findings import Sample

WIDTH, HEIGHT = 860, 150
LEFT, RIGHT, TOP, BOTTOM = 46, 10, 12, 22
# More would make the page large, and no clearer.
MOST_DOTS, MOST_CROSSES = 500, 200


def draw(samples: list[Sample]) -> str:
    """Milliseconds on a logarithmic axis by seconds since the step began; lost requests in red."""
    end = max(one.at for one in samples) or 1
    times = [max(one.milliseconds, 0.1) for one in samples]
    low, high = math.floor(math.log10(min(times))), math.ceil(math.log10(max(times)))
    high = max(high, low + 1)

    def x(seconds: float) -> float:
        return round(LEFT + seconds / end * (WIDTH - LEFT - RIGHT), 1)

    def y(milliseconds: float) -> float:
        share = (math.log10(max(milliseconds, 0.1)) - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    answered = thin([one for one in samples if not one.is_lost], MOST_DOTS)
    lost = thin([one for one in samples if one.is_lost], MOST_CROSSES)
    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label(samples)}">',
        *(axis_line(10.0**power, y(10.0**power)) for power in range(low, high + 1)),
        *(mark(second, x(second)) for second in seconds_to_mark(end)),
        *(
            f'<circle class="dot" cx="{x(o.at)}" cy="{y(o.milliseconds)}" r="2.2"/>'
            for o in answered
        ),
        *(cross(x(one.at), y(one.milliseconds)) for one in lost),
    ]
    if answered:
        middle = y(statistics.median(o.milliseconds for o in samples if not o.is_lost))
        line = f'x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{middle}" y2="{middle}"'
        parts.append(f'<line class="p50" {line}/>')
    return "".join([*parts, "</svg>"])


def thin(samples: list[Sample], most: int) -> list[Sample]:
    """At most about so many, evenly over time, with the slowest of each stretch."""
    size = max(1, math.ceil(len(samples) / most))
    stretches = [samples[at : at + size] for at in range(0, len(samples), size)]
    return [max(stretch, key=lambda one: one.milliseconds) for stretch in stretches]


def label(samples: list[Sample]) -> str:
    lost = sum(one.is_lost for one in samples)
    return f"Response times of {len(samples)} requests, of which {lost} were lost"


def axis_line(milliseconds: float, at: float) -> str:
    text = f"{milliseconds / 1000:g} s" if milliseconds >= 1000 else f"{milliseconds:g} ms"
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{at}" y2="{at}"/>'
    return f'{line}<text x="{LEFT - 6}" y="{at + 3}" text-anchor="end">{text}</text>'


def seconds_to_mark(end: float) -> list[float]:
    """Round numbers of seconds up to the end, ten at most."""
    step = next(size for size in (0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if end / size <= 10)
    return [round(number * step, 1) for number in range(int(end / step) + 1)]


def mark(second: float, at: float) -> str:
    return f'<text x="{at}" y="{HEIGHT - 6}" text-anchor="middle">{second:g} s</text>'


def cross(x: float, y: float) -> str:
    return f'<path class="lost" d="M{x - 3.5} {y - 3.5}l7 7m0-7l-7 7"/>'
