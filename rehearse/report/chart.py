"""A chart of response times, as SVG that takes its colours from the page.

It has no viewBox: x is in percent and y in pixels, so that its labels have the same size on a phone.
"""

import math

from rehearse.findings import Sample

HEIGHT, TOP, BOTTOM = 150, 14, 22
# More would make the page large, and no clearer.
MOST = 500


def draw(samples: list[Sample]) -> str:
    """Milliseconds on a logarithmic axis by seconds since the step began; lost requests in red."""
    end = max(one.at for one in samples) or 1
    powers = [math.log10(max(one.milliseconds, 0.1)) for one in samples]
    low = math.floor(min(powers))
    high = max(math.ceil(max(powers)), low + 1)

    def y(power: float) -> float:
        return round(HEIGHT - BOTTOM - (power - low) / (high - low) * (HEIGHT - TOP - BOTTOM), 1)

    parts = []
    for power in range(low, high + 1):
        at, text = y(power), f"{10**power / 1000:g} s" if power >= 3 else f"{10.0**power:g} ms"
        parts.append(f'<line x2="100%" y1="{at}" y2="{at}"/><text y="{at - 3}">{text}</text>')
    for part in (0.25, 0.5, 0.75, 1):
        text = f'x="{9 + part * 87}%" y="{HEIGHT - 6}">{part * end:.1f} s'
        parts.append(f'<text class="at" {text}</text>')
    for one, height in thin([*zip(samples, powers, strict=True)]):
        left, kind = 9 + one.at / end * 87, "lost" if one.is_lost else "dot"
        parts.append(f'<circle class="{kind}" cx="{left:.2f}%" cy="{y(height)}" r="2.4"/>')
    lost = sum(one.is_lost for one in samples)
    label = f"Response times of {len(samples)} requests, of which {lost} were lost"
    return f'<svg height="{HEIGHT}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def thin(dots: list[tuple[Sample, float]]) -> list[tuple[Sample, float]]:
    """At most about MOST, evenly over time: of each stretch a lost one, or else the slowest."""
    size = max(1, math.ceil(len(dots) / MOST))
    stretches = [dots[at : at + size] for at in range(0, len(dots), size)]
    return [max(each, key=lambda dot: (dot[0].is_lost, dot[1])) for each in stretches]
