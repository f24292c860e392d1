"""Bars on a logarithmic scale as a small SVG file."""

import math
from collections.abc import Mapping
from typing import Final
from xml.sax.saxutils import escape, quoteattr

WIDTH: Final = 720
_LEFT, _RIGHT, _TOP, _BAR, _BOTTOM = 210, 90, 44, 30, 34
_OURS, _OTHERS = "#0b5fa5", "#9aa5b1"


def bars(title: str, values: Mapping[str, float], unit: str, ours: str) -> str:
    """One bar each, in the order given; bars whose name starts with `ours` stand out. All values are above 0.

    The axis begins at a power of ten below the smallest: on such a scale it is the ends of bars that compare.
    """
    low = math.floor(math.log10(min(values.values())) - 0.01)
    high = math.ceil(math.log10(max(values.values())) + 0.01)
    height = _TOP + _BAR * len(values) + _BOTTOM

    def x(value: float) -> float:
        return round(_LEFT + (math.log10(value) - low) / (high - low) * (WIDTH - _LEFT - _RIGHT), 1)

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"',
        f'  aria-label={quoteattr(title)} font-family="sans-serif" font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="{_LEFT}" y="20" font-weight="bold">{escape(title)}</text>',
    ]
    foot = height - _BOTTOM
    for power in range(low, high + 1):
        at = x(10.0**power)
        out.append(f'<path d="M{at} {_TOP - 8}V{foot}" stroke="#ddd"/>')
        out.append(f'<text x="{at}" y="{foot + 18}" text-anchor="middle">{10.0**power:,g} {escape(unit)}</text>')
    for number, (name, value) in enumerate(values.items()):
        y = _TOP + number * _BAR
        colour = _OURS if name.startswith(ours) else _OTHERS
        out.append(f'<text x="{_LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<rect x="{_LEFT}" y="{y}" width="{x(value) - _LEFT:.1f}" height="{_BAR - 9}" fill="{colour}"/>')
        shown = f"{value:,.0f}" if value >= 100 else f"{value:.1f}"
        out.append(f'<text x="{x(value) + 6}" y="{y + 15}">{shown} {escape(unit)}</text>')
    return "\n".join([*out, "</svg>\n"])
