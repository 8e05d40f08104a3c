"""Timing of requests that several clients send side by side."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass
class Times:
    """Milliseconds of requests, by kind."""

    by_kind: dict[str, list[float]] = field(default_factory=dict)

    def add(self, kind: str, seconds: float) -> None:
        """Keep one time."""
        self.by_kind.setdefault(kind, []).append(seconds * 1000)

    def p50(self, kind: str) -> float:
        """The median, in milliseconds."""
        return statistics.median(self.by_kind[kind])

    def p95(self, kind: str) -> float:
        """The 95th percentile, in milliseconds."""
        return statistics.quantiles(self.by_kind[kind], n=20)[-1]

    def p99(self, kind: str) -> float:
        """The 99th percentile, in milliseconds."""
        return statistics.quantiles(self.by_kind[kind], n=100)[-1]


async def side_by_side(jobs: int, clients: int, job: Callable[[int], Awaitable[None]]) -> float:
    """Do `job(0) … job(jobs - 1)` with so many clients at once; return the seconds it took in all."""
    numbers = iter(range(jobs))

    async def client() -> None:
        for number in numbers:
            await job(number)

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - began
