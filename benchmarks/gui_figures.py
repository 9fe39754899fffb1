"""Rows of the table of `gui_live.py`: percentiles against a target."""

from dataclasses import dataclass, field

import numpy as np

HEADER = "| quantity | target | p50 | p95 | p99 | max | n | |\n|---|---|---|---|---|---|---|---|"


@dataclass
class Row:
    """One measured quantity.

    Attributes:
        name: what was measured.
        values: one a measurement.
        statistic: which of p50, p95, p99 or max the target is for; "" where there is none.
        target: largest value that is good enough, or smallest for `at_least`.
        unit: of all of them.
        at_least: larger is better.
    """

    name: str
    values: list[float] = field(default_factory=list)
    statistic: str = ""
    target: float = 0.0
    unit: str = "ms"
    at_least: bool = False

    def figures(self):
        p50, p95, p99 = np.percentile(self.values, [50, 95, 99])
        return {"p50": p50, "p95": p95, "p99": p99, "max": max(self.values)}

    @property
    def verdict(self):
        if not self.statistic or not self.values:
            return ""
        value = self.figures()[self.statistic]
        return (
            "pass" if (value >= self.target if self.at_least else value <= self.target) else "MISS"
        )

    def line(self):
        if not self.values:
            return f"| {self.name} | | | | | | 0 | not measured |"
        sign = ">=" if self.at_least else "<="
        target = f"{sign} {self.target:g} {self.unit} {self.statistic}" if self.statistic else ""
        digits = 3 if self.unit == "" else 1
        numbers = " | ".join(f"{value:.{digits}f}" for value in self.figures().values())
        return f"| {self.name} | {target} | {numbers} | {len(self.values)} | {self.verdict} |"

    def as_json(self):
        keys = ("name", "statistic", "target", "unit", "at_least", "values")
        return {**{key: getattr(self, key) for key in keys}, "verdict": self.verdict}
