"""How the error follows each bound, as bars: in text, and as an SVG without any script."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from html import escape

from veil.tuning.search import Point, Profile

_WIDTH = 48
_SHOWN = 14
"""So many bars a bound, around the proposed one."""
_BIAS, _NOISE = "#b5541c", "#3a6ea5"
_BAR, _GAP, _LEFT, _RIGHT, _TOP, _PANEL = 16, 4, 90, 560, 62, 44


def bars(profiles: Sequence[Profile]) -> list[str]:
    """Text: `#` is bias, `.` is what the noise adds to it, `>` marks what is proposed."""
    lines = ["# bias   . what noise adds   > proposed   * now", ""]
    for profile in profiles:
        points = _near(profile.points)
        most = _scale(points)
        wide = max(len(one.label) for one in points)
        lines.append(f"{profile.title} (all else as proposed)")
        for one in points:
            mark = ">" if one.is_proposed else "*" if one.is_now else " "
            long = round(_WIDTH * min(one.total, most) / most)
            dark = min(long, round(_WIDTH * min(one.bias, most) / most))
            bar = "#" * dark + "." * (long - dark) + ("~" if one.total > most else "")
            lines.append(f"  {mark} {one.label:>{wide}} {bar} {_percent(one.total)}")
        lines.append("")
    return lines


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %" if share < 10 else "> 1000 %"


def _near(points: Sequence[Point]) -> list[Point]:
    """The points around the proposed one; those of now and of the ends too."""
    if len(points) <= _SHOWN:
        return list(points)
    best = next((at for at, one in enumerate(points) if one.is_proposed), 0)
    first = min(max(0, best - _SHOWN // 2), len(points) - _SHOWN)
    return [
        one
        for at, one in enumerate(points)
        if first <= at < first + _SHOWN or one.is_now or at in (0, len(points) - 1)
    ]


def _scale(points: Sequence[Point]) -> float:
    """The error of a full bar: one far worse than the best is cut off."""
    best = min(one.total for one in points)
    return max(min(max(one.total for one in points), 10 * best), 1e-9)


def svg(profiles: Sequence[Profile], *, title: str) -> str:
    """The same bars as a picture; it names no file and loads nothing."""
    profiles = [Profile(one.title, tuple(_near(one.points))) for one in profiles]
    height = _TOP + sum(_PANEL + len(one.points) * (_BAR + _GAP) for one in profiles)
    width = _LEFT + _RIGHT + 90
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"'
        f' width="{width}" height="{height}" font-family="sans-serif" font-size="12">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" fill="white"/>',
        f'<text x="12" y="24" font-size="16">{escape(title)}</text>',
        *_legend(),
    ]
    top = _TOP
    for profile in profiles:
        parts += _panel(profile, top=top)
        top += _PANEL + len(profile.points) * (_BAR + _GAP)
    return "\n".join([*parts, "</svg>", ""])


def _legend() -> Iterator[str]:
    for at, (colour, text) in enumerate(
        ((_BIAS, "bounding and clamping bias"), (_NOISE, "what noise adds"))
    ):
        x = 12 + at * 200
        yield f'<rect x="{x}" y="36" width="12" height="12" fill="{colour}"/>'
        yield f'<text x="{x + 18}" y="46">{text}</text>'
    yield '<text x="412" y="46">bold: proposed; underlined: now</text>'


def _panel(profile: Profile, *, top: int) -> Iterator[str]:
    most = _scale(profile.points)
    yield f'<text x="12" y="{top + 26}" font-weight="bold">{escape(profile.title)}</text>'
    for at, one in enumerate(profile.points):
        y = top + _PANEL - 8 + at * (_BAR + _GAP)
        long = _RIGHT * min(one.total, most) / most
        dark = _RIGHT * min(one.bias, most) / most
        style = ' font-weight="bold"' if one.is_proposed else ""
        style += ' text-decoration="underline"' if one.is_now else ""
        base = y + _BAR - 4
        yield (
            f'<text x="{_LEFT - 8}" y="{base}" text-anchor="end"{style}>{escape(one.label)}</text>'
        )
        yield f'<rect x="{_LEFT}" y="{y}" width="{dark:.1f}" height="{_BAR}" fill="{_BIAS}"/>'
        yield (
            f'<rect x="{_LEFT + dark:.1f}" y="{y}" width="{max(long - dark, 0):.1f}"'
            f' height="{_BAR}" fill="{_NOISE}"/>'
        )
        cut = " (cut off)" if one.total > most else ""
        yield f'<text x="{_LEFT + long + 6:.1f}" y="{base}">{_percent(one.total)}{cut}</text>'
