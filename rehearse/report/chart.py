"""A chart of response times, as SVG that takes its colours from the page.

It has no viewBox: x is in percent and y in pixels, so that its labels have the same size on a phone.
"""

import math
import statistics

from rehearse.findings import Sample

HEIGHT, TOP, BOTTOM = 150, 14, 22
# More would make the page large, and no clearer.
MOST_DOTS, MOST_CROSSES = 500, 200


def draw(samples: list[Sample]) -> str:
    """Milliseconds on a logarithmic axis by seconds since the step began; lost requests in red."""
    end = max(one.at for one in samples) or 1
    powers = [math.log10(max(one.milliseconds, 0.1)) for one in samples]
    low, high = math.floor(min(powers)), max(math.ceil(max(powers)), math.floor(min(powers)) + 1)

    def x(seconds: float) -> str:
        return f"{2 + seconds / end * 95:.2f}%"

    def y(milliseconds: float) -> float:
        share = (math.log10(max(milliseconds, 0.1)) - low) / (high - low)
        return round(HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM), 1)

    lost = [one for one in samples if one.is_lost]
    answered = [one for one in samples if not one.is_lost]
    parts = [f'<svg height="{HEIGHT}" role="img" aria-label="{label(samples)}">']
    for milliseconds in (10.0**power for power in range(low, high + 1)):
        at, is_long = y(milliseconds), milliseconds >= 1000
        text = f"{milliseconds / 1000:g} s" if is_long else f"{milliseconds:g} ms"
        parts.append(f'<line x2="100%" y1="{at}" y2="{at}"/><text y="{at - 3}">{text}</text>')
    step = next(size for size in (0.1, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000) if end / size <= 6)
    for second in (number * step for number in range(1, int(end / step) + 1)):
        parts.append(f'<text class="at" x="{x(second)}" y="{HEIGHT - 6}">{second:g} s</text>')
    parts += [
        f'<circle class="dot" cx="{x(one.at)}" cy="{y(one.milliseconds)}" r="2.2"/>'
        for one in thin(answered, MOST_DOTS)
    ]
    parts += [
        f'<text class="lost" x="{x(one.at)}" y="{y(one.milliseconds) + 4}">✕</text>'
        for one in thin(lost, MOST_CROSSES)
    ]
    if answered:
        middle = y(statistics.median(one.milliseconds for one in answered))
        parts.append(f'<line class="p50" x2="100%" y1="{middle}" y2="{middle}"/>')
    return "".join([*parts, "</svg>"])


def thin(samples: list[Sample], most: int) -> list[Sample]:
    """At most about so many, evenly over time, with the slowest of each stretch."""
    size = max(1, math.ceil(len(samples) / most))
    stretches = [samples[at : at + size] for at in range(0, len(samples), size)]
    return [max(stretch, key=lambda one: one.milliseconds) for stretch in stretches]


def label(samples: list[Sample]) -> str:
    lost = sum(one.is_lost for one in samples)
    return f"Response times of {len(samples)} requests, of which {lost} were lost"
