"""Bounds for a differential mart: what they cost in error, and which cost least.

Data flows one way: `grids` are public bins, `look` says what a private look at them costs and draws
it, `shape` is what is known of the contributions then, `errors` is what bounds do to them, `search`
picks the bounds, `show` and `plot` print them. Nothing here knows DuckDB or dbt; `veil.warehouse`
fills the bins.
"""

from veil.tuning.errors import Error, Judge
from veil.tuning.grids import Grids
from veil.tuning.look import Look, plan_look
from veil.tuning.search import Choice, Proposal, propose
from veil.tuning.shape import Shape

__all__ = [
    "Choice",
    "Error",
    "Grids",
    "Judge",
    "Look",
    "Proposal",
    "Shape",
    "plan_look",
    "propose",
]
