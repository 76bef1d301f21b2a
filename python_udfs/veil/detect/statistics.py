"""How much a number of hits says.

A check that a random text passes with probability `chance` (the Luhn digit: 1 in 10) leaves, of
`hits` among `candidates`, some that passed by luck. What is stated here is the lower end: Wilson's
interval for a proportion (Wilson 1927, JASA 22), then the share of luck taken out.
"""

from __future__ import annotations

from math import sqrt

Z = 1.959964
"""Two-sided 95 %."""


def wilson(hits: int, candidates: int) -> tuple[float, float]:
    """Wilson's 95 % interval for a proportion; (0, 1) where there is nothing to count."""
    if candidates <= 0:
        return 0.0, 1.0
    share = hits / candidates
    square = Z * Z
    middle = share + square / (2 * candidates)
    spread = Z * sqrt(share * (1 - share) / candidates + square / (4 * candidates * candidates))
    scale = 1 + square / candidates
    return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)


def real_share(hits: int, candidates: int, *, chance: float) -> float:
    """Lower bound of the share of candidates that are what the check looks for.

    With a true share s, a share s + (1 - s) * chance passes; solved for s at Wilson's lower end.
    """
    if chance >= 1:
        return 0.0
    return max(0.0, (wilson(hits, candidates)[0] - chance) / (1 - chance))


def precision(hits: int, candidates: int, *, chance: float) -> float:
    """Lower bound of the share of hits that are what the check looks for."""
    real = real_share(hits, candidates, chance=chance)
    return real / (real + (1 - real) * chance) if real else 0.0
