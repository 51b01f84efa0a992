"""A line chart as SVG text, from nothing but strings."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 760, 440
LEFT, RIGHT, TOP, BOTTOM = 60, 220, 40, 50
# Okabe and Ito's, which colour-blind people tell apart, and a grey.
COLOURS = ("#777777", "#E69F00", "#0072B2", "#56B4E9", "#009E73", "#D55E00", "#CC79A7", "#000000")
_TICKS = 5


@dataclass(frozen=True)
class Line:
    """Points by x. Modelled ones are dashed."""

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


def drawn(lines: Sequence[Line], *, title: str, across: str, upwards: str, widest: float) -> str:
    """x from 0 to ``widest``, y from 0 to the highest point, 1 at least."""
    highest = max(1.0, *(y for line in lines for _, y in line.points))
    curves = (_line(line, place, widest, highest) for place, line in enumerate(lines))
    return framed([*_axes(widest, highest), *curves], title=title, across=across, upwards=upwards)


def framed(parts: Sequence[str], *, title: str, across: str, upwards: str) -> str:
    """A whole picture of ``parts``, with its title and what stands along the axes."""
    frame = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" font-family="sans-serif" '
        f'font-size="12" role="img"><title>{escape(title)}</title><rect width="100%" height="100%" fill="white"/>',
        text(LEFT, 22, title, size=14),
        text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, across, anchor="middle"),
        f'<g transform="rotate(-90 16 {HEIGHT / 2:.0f})">{text(16, HEIGHT / 2, upwards, anchor="middle")}</g>',
    ]
    return "\n".join([*frame, *parts, "</svg>"]) + "\n"


def _axes(widest: float, highest: float) -> list[str]:
    ticks = [place / _TICKS for place in range(int(max(widest, highest) * _TICKS) + 1)]
    parts = []
    for tick in ticks:
        if tick <= widest:
            x = _x(tick, widest)
            parts.append(f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#e5e5e5"/>')
            parts.append(text(x, HEIGHT - BOTTOM + 16, f"{tick:.0%}", anchor="middle"))
        if tick <= highest:
            y = _y(tick, highest)
            parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#e5e5e5"/>')
            parts.append(text(LEFT - 6, y + 4, f"{tick:.0%}", anchor="end"))
    return parts


def _line(line: Line, place: int, widest: float, highest: float) -> str:
    colour, dash = COLOURS[place % len(COLOURS)], ' stroke-dasharray="6 4"' if line.dashed else ""
    stroke = f'fill="none" stroke="{colour}" stroke-width="2"{dash}'
    path = " ".join(f"{_x(x, widest):.1f},{_y(y, highest):.1f}" for x, y in line.points)
    key = TOP + 12 + 22 * place
    return (
        f'<polyline points="{path}" {stroke}/>'
        f'<path d="M{WIDTH - RIGHT + 16} {key}h28" {stroke}/>{text(WIDTH - RIGHT + 52, key + 4, line.name)}'
    )


def _x(x: float, widest: float) -> float:
    return LEFT + x / widest * (WIDTH - LEFT - RIGHT)


def _y(y: float, highest: float) -> float:
    return HEIGHT - BOTTOM - y / highest * (HEIGHT - TOP - BOTTOM)


def text(x: float, y: float, words: str, anchor: str = "start", size: int = 12) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" fill="#222">{escape(words)}</text>'
