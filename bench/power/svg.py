"""Line plots as small SVG files, with what a page needs and nothing else."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

WIDTH: Final = 640
HEIGHT: Final = 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 150, 16, 44
_NAME: Final = 14
"""Between the names of two lines."""
_COLOURS: Final = ("#0b5fa5", "#c2410c", "#15803d", "#7e22ce", "#525252", "#b91c1c")


@dataclass(frozen=True, slots=True)
class Line:
    """Points from left to right. A dashed line is a threshold."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def plot(lines: Sequence[Line], x_title: str, y_title: str, y_top: float) -> str:
    """A plot with doubling steps on the x axis, y from 0."""
    xs = sorted({x for line in lines for x, _ in line.points})
    low, high = math.log(xs[0]), math.log(xs[-1])

    def at(x: float, y: float) -> tuple[float, float]:
        across = (math.log(x) - low) / (high - low)
        return (
            round(_LEFT + across * (WIDTH - _LEFT - _RIGHT), 1),
            round(HEIGHT - _BOTTOM - min(1.0, max(0.0, y / y_top)) * (HEIGHT - _TOP - _BOTTOM), 1),
        )

    out = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>',
    ]
    for step in range(6):
        y = y_top * step / 5
        (x1, y1), (x2, _) = at(xs[0], y), at(xs[-1], y)
        out.append(f'<path d="M{x1} {y1}H{x2}" stroke="#ddd"/>')
        out.append(f'<text x="{x1 - 6}" y="{y1 + 4}" text-anchor="end">{y:g}</text>')
    tick = xs[0]
    while tick <= xs[-1]:
        x, y = at(tick, 0)
        out.append(f'<text x="{x}" y="{y + 16}" text-anchor="middle">{tick:,.0f}</text>')
        tick *= 2
    out.append(
        f'<text x="{(_LEFT + WIDTH - _RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle">{escape(x_title)}</text>'
    )
    out.append(f'<text x="14" y="{HEIGHT / 2}" transform="rotate(-90 14 {HEIGHT / 2})" text-anchor="middle">')
    out[-1] += f"{escape(y_title)}</text>"
    names: list[tuple[float, float, str, str]] = []
    for line, colour in zip(lines, _COLOURS * 3, strict=False):
        points = [at(x, y) for x, y in line.points]
        path = "M" + "L".join(f"{x} {y}" for x, y in points)
        shade, dash = ("#888", ' stroke-dasharray="5 4"') if line.dashed else (colour, "")
        out.append(f'<path d="{path}" fill="none" stroke="{shade}" stroke-width="1.6"{dash}/>')
        names.append((points[-1][1], points[-1][0], shade, line.name))
    below = -math.inf
    for y, x, shade, name in sorted(names):
        below = max(y, below + _NAME)  # names do not stand on each other
        out.append(f'<text x="{x + 6}" y="{below + 4:.1f}" fill="{shade}">{escape(name)}</text>')
    return "\n".join([*out, "</svg>\n"])
