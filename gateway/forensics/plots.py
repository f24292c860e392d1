"""Plots as inline SVG: scores against decoys, and windows along the text. Numbers only come in; names are escaped."""

from collections.abc import Sequence
from html import escape
from typing import Any, Final

from gateway.forensics.page import plain

WIDTH: Final = 760
HEIGHT: Final = 220
_LEFT: Final = 44
_BOTTOM: Final = 34


def against_decoys(look: dict[str, Any], threshold: float) -> str:
    """The decoys' z as bars, the leaders' as lines, and the threshold."""
    bars: list[list[float]] = look["decoys"]["histogram"]
    leaders = [(one["z"], one["account"], one["fires"]) for one in look["leaders"]]
    low: float = min(-4.0, *(bar[0] for bar in bars), *(z for z, _, _ in leaders)) if bars else -4.0
    high: float = max(threshold, 4.0, *(z for z, _, _ in leaders), look["decoys"]["best_z"]) + 0.5
    most = max((bar[1] for bar in bars), default=1)

    def x(z: float) -> float:
        return _LEFT + (z - low) / (high - low) * (WIDTH - _LEFT - 10)

    def y(count: float) -> float:
        return HEIGHT - _BOTTOM - count / most * (HEIGHT - _BOTTOM - 20)

    parts = [
        f'<rect x="{x(z):.1f}" y="{y(count):.1f}" width="{max(1.0, x(z + 0.25) - x(z) - 0.5):.1f}" '
        f'height="{y(0) - y(count):.1f}" class="decoy"/>'
        for z, count in bars
    ]
    parts.append(_upright(x(threshold), "threshold", f"fires from z {threshold:.2f} on"))
    for z, name, fires in leaders:
        parts.append(_upright(x(z), "fires" if fires else "leader", f"{name}: z {z:.2f}"))
    if leaders:
        parts.append(_label(x(leaders[0][0]), 16, leaders[0][1][:24], "end" if leaders[0][0] > high / 2 else "start"))
    parts += [_label(x(at), HEIGHT - 14, f"{at}") for at in range(round(low), round(high) + 1, 2)]
    return _svg(parts, "z of the decoys (bars) and of the accounts with the highest scores (lines)")


def along(windows: Sequence[dict[str, Any]], words: int, threshold: float) -> str:
    """Each window as a line from its first to its last word, as high as the z of its most surprising hypothesis."""
    high: float = max(threshold, *(one["z"] for one in windows)) + 0.5

    def x(word: int) -> float:
        return _LEFT + word / max(1, words) * (WIDTH - _LEFT - 10)

    def y(z: float) -> float:
        return HEIGHT - _BOTTOM - max(0.0, z) / high * (HEIGHT - _BOTTOM - 12)

    parts = [
        f'<line x1="{x(one["from_word"]):.1f}" x2="{x(one["to_word"]):.1f}" y1="{y(one["z"]):.1f}" '
        f'y2="{y(one["z"]):.1f}" class="{"fires" if one["fires"] else "window"}">'
        f"<title>{_title(one)}</title></line>"
        for one in windows
    ]
    parts.append(
        f'<line x1="{_LEFT}" x2="{WIDTH - 10}" y1="{y(threshold):.1f}" y2="{y(threshold):.1f}" class="threshold"/>'
    )
    parts += [_label(_LEFT - 16, y(at) + 4, f"{at}") for at in range(0, int(high) + 1, 2)]
    parts += [_label(x(words * share // 4), HEIGHT - 14, f"{words * share // 4}") for share in range(5)]
    return _svg(parts, "windows along the text: first to last word, and z of the highest score")


def _title(one: dict[str, Any]) -> str:
    who = one.get("account") or one.get("cluster") or "provider"
    return _text(f"words {one['from_word']} to {one['to_word']}: {who}, z {one['z']}, corrected p {one['corrected_p']}")


def _upright(x: float, kind: str, title: str) -> str:
    foot = HEIGHT - _BOTTOM
    return f'<line x1="{x:.1f}" x2="{x:.1f}" y1="8" y2="{foot}" class="{kind}"><title>{_text(title)}</title></line>'


def _label(x: float, y: float, text: str, anchor: str = "middle") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{_text(text)}</text>'


def _svg(parts: Sequence[str], label: str) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">'
        f'<line x1="{_LEFT}" x2="{WIDTH - 10}" y1="{HEIGHT - _BOTTOM}" y2="{HEIGHT - _BOTTOM}" class="axis"/>'
        f'{"".join(parts)}</svg><p class="caption">{_text(label)}</p>\n'
    )


def _text(text: str) -> str:
    return escape(plain(text))
