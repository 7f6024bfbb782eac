"""What a measurement found: one line per figure, with its aim and whether it was met."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Line:
    """A figure. `aim` is an upper bound, or the least there should be; without one the figure is only reported."""

    name: str
    value: float
    unit: str
    aim: float | None = None
    detail: str = ""
    least: bool = False

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        met = self.value >= self.aim if self.least else self.value <= self.aim
        return "ok" if met else "MISS"

    def as_dict(self) -> dict[str, object]:
        return asdict(self) | {"verdict": self.verdict}


def spread(name: str, values: Sequence[float], unit: str, *, aim: float | None = None) -> Line:
    """The median of several runs, with the least and the most beside it."""
    detail = f"min {min(values):.3f}  max {max(values):.3f}  of {len(values)}"
    return Line(name, statistics.median(values), unit, aim, detail)


def ratio(name: str, above: Sequence[float], below: Sequence[float], *, aim: float | None = None) -> Line:
    """Median over median; the ratio of the least beside it, which noise from other processes disturbs least."""
    detail = f"of the minima {min(above) / min(below):.2f}"
    return Line(name, statistics.median(above) / statistics.median(below), "x", aim, detail)


def table(lines: Sequence[Line]) -> str:
    wide = max((len(line.name) for line in lines), default=0)
    return "\n".join(_row(line, wide) for line in lines)


def _row(line: Line, wide: int) -> str:
    aim = "" if line.aim is None else f"{'>=' if line.least else '<='} {line.aim:g}"
    row = f"{line.name:<{wide}}  {line.value:>10.3f} {line.unit:<6} {aim:<9} {line.verdict:<5} {line.detail}"
    return row.rstrip()
