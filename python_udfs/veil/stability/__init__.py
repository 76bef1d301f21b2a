"""Whether each row of a query is one privacy unit's own, so that a person who comes or goes changes
no row of anybody else.

A differential release bounds, sums up and adds noise to the rows of such a query; its guarantee
stands on this one property. What is not known to keep it is refused.
"""

from veil.stability.check import check_stable
from veil.stability.relations import Personal, Public
from veil.stability.rules import Rule, Unstable

__all__ = ["Personal", "Public", "Rule", "Unstable", "check_stable"]
