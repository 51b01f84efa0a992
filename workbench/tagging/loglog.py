"""A chart with logarithmic axes as SVG text; colours and margins are those of ``workbench.confidence.svg``."""

from collections.abc import Sequence
from math import ceil, floor, log10

from workbench.confidence.svg import BOTTOM, COLOURS, HEIGHT, LEFT, RIGHT, TOP, WIDTH, Line, framed, text

_DASHES = ("", "6 4", "2 3")
_KEY_HEIGHT = 22


def drawn(lines: Sequence[Line], *, title: str, across: str, upwards: str) -> str:
    """Both axes over whole decades that hold every point; all coordinates are above 0."""
    scale = _Scale([point for line in lines for point in line.points])
    curves = (_line(line, place, scale) for place, line in enumerate(lines))
    return framed([*scale.axes(), *curves], title=title, across=across, upwards=upwards)


class _Scale:
    """From values to pixels."""

    def __init__(self, points: Sequence[tuple[float, float]]) -> None:
        self._across = _decades([x for x, _ in points])
        self._upwards = _decades([y for _, y in points])

    def x(self, value: float) -> float:
        low, high = self._across
        return LEFT + (log10(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(self, value: float) -> float:
        low, high = self._upwards
        return HEIGHT - BOTTOM - (log10(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    def axes(self) -> list[str]:
        parts = []
        for decade in range(self._across[0], self._across[1] + 1):
            x = self.x(10.0**decade)
            parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e5e5e5"/>')
            parts.append(text(x, HEIGHT - BOTTOM + 16, _number(decade), anchor="middle"))
        for decade in range(self._upwards[0], self._upwards[1] + 1):
            y = self.y(10.0**decade)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e5e5e5"/>')
            parts.append(text(LEFT - 6, y + 4, _number(decade), anchor="end"))
        return parts


def _number(decade: int) -> str:
    return f"{10**decade:,}" if decade >= 0 else f"{10.0**decade:g}"


def _decades(values: Sequence[float]) -> tuple[int, int]:
    low, high = floor(log10(min(values))), ceil(log10(max(values)))
    return low, max(high, low + 1)


def _line(line: Line, place: int, scale: _Scale) -> str:
    dash = _DASHES[place // len(COLOURS) % len(_DASHES)]
    stroke = f'fill="none" stroke="{COLOURS[place % len(COLOURS)]}" stroke-width="2"'
    stroke += f' stroke-dasharray="{dash}"' if dash else ""
    path = " ".join(f"{scale.x(x):.1f},{scale.y(y):.1f}" for x, y in line.points)
    key = TOP + 8 + _KEY_HEIGHT * place
    return (
        f'<polyline points="{path}" {stroke}/>'
        f'<path d="M{WIDTH - RIGHT + 16} {key}h28" {stroke}/>{text(WIDTH - RIGHT + 52, key + 4, line.name)}'
    )
