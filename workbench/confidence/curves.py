"""Cost and quality of sending prompts, in the order of a score, to the strong model.

Quality is told as the share of the gap between weak and strong that is recovered: PGR of Ong et al., RouteLLM
(arXiv 2406.18665, eq. 6-8); APGR is its area over the share of prompts sent on, 0.5 at random. Prompts with the same
score are one block entered along a straight line, which is the expectation over random ties.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise


@dataclass(frozen=True)
class Outcome:
    """What one prompt comes to, kept with the weak model's reply or sent on. Quality 0..1, cost in micro-dollars."""

    weak: float
    strong: float
    kept_microusd: float
    sent_microusd: float


@dataclass(frozen=True)
class Point:
    """Means over the prompts. ``sent``: their share that the strong model works on."""

    sent: float
    quality: float
    cost_microusd: float


@dataclass(frozen=True)
class Curve:
    """From nothing sent to all sent, with straight lines in between."""

    points: tuple[Point, ...]

    @property
    def weak(self) -> float:
        return self.points[0].quality

    @property
    def strong(self) -> float:
        return self.points[-1].quality

    def recovered(self, point: Point) -> float:
        """Of the gap: 0 at the weak model's quality, 1 at the strong one's."""
        return (point.quality - self.weak) / (self.strong - self.weak)

    @property
    def apgr(self) -> float:
        """The area under the recovered share over the share sent."""
        return _area([(point.sent, self.recovered(point)) for point in self.points])

    def cost_at(self, target: float) -> float:
        """Micro-dollars a prompt where ``target`` (0..1) of the gap is first recovered."""
        before = self.points[0]
        for point in self.points:
            low, high = self.recovered(before), self.recovered(point)
            if high >= target - 1e-12:
                part = (target - low) / (high - low) if high > low else 0.0
                return before.cost_microusd + max(0.0, part) * (point.cost_microusd - before.cost_microusd)
            before = point
        return self.points[-1].cost_microusd

    def recovered_at(self, cost_microusd: float) -> float:
        """Of the gap, for at most so much a prompt. Costs rise along a curve."""
        after = bisect_right(self.points, cost_microusd, key=lambda point: point.cost_microusd)
        if after in (0, len(self.points)):
            return self.recovered(self.points[max(0, after - 1)])
        before, behind = self.points[after - 1 : after + 1]
        part = (cost_microusd - before.cost_microusd) / (behind.cost_microusd - before.cost_microusd)
        return self.recovered(before) + part * (self.recovered(behind) - self.recovered(before))

    def cost_area(self, most_microusd: float) -> float:
        """The area under the recovered share over the cost, from nothing sent to ``most_microusd`` a prompt, 0..1."""
        least = self.points[0].cost_microusd
        inside = [(one.cost_microusd, self.recovered(one)) for one in self.points if one.cost_microusd < most_microusd]
        return _area([*inside, (most_microusd, self.recovered_at(most_microusd))]) / (most_microusd - least)


def curve(outcomes: Sequence[Outcome], scores: Sequence[float]) -> Curve:
    """Those with the highest score are sent first. Raises ``ValueError`` where the strong model is no better."""
    count = len(outcomes)
    quality = sum(one.weak for one in outcomes) / count if count else 0.0
    cost = sum(one.kept_microusd for one in outcomes) / count if count else 0.0
    if not sum(one.strong for one in outcomes) / max(1, count) > quality:
        raise ValueError("the strong model is no better here: there is no gap to recover")
    points, sent = [Point(0.0, quality, cost)], 0
    ranked = sorted(zip(scores, outcomes, strict=True), key=lambda pair: -pair[0])
    for _, block in groupby(ranked, key=lambda pair: pair[0]):
        for _, one in block:
            sent += 1
            quality += (one.strong - one.weak) / count
            cost += (one.sent_microusd - one.kept_microusd) / count
        points.append(Point(sent / count, quality, cost))
    return Curve(tuple(points))


def _area(points: Sequence[tuple[float, float]]) -> float:
    return sum((x1 - x0) * (y0 + y1) / 2 for (x0, y0), (x1, y1) in pairwise(points))
