"""Column lineage with privacy classes: what every column of a model is made of, and what of it may
leave.

One parse and one walk over a model's compiled SQL carry the class of each source column through
every expression. Only a declassifier, a mask or a guarded aggregate, lowers a class; whatever
cannot be followed is refused.
"""

from veil.lineage.analysis import Analysis, ColumnLineage, analyse
from veil.lineage.classes import PrivacyClass
from veil.lineage.inputs import Column, Layer, Mask, Model, Relation, Waiver, Zone
from veil.lineage.refusals import Refusal, Rule

__all__ = [
    "Analysis",
    "Column",
    "ColumnLineage",
    "Layer",
    "Mask",
    "Model",
    "PrivacyClass",
    "Refusal",
    "Relation",
    "Rule",
    "Waiver",
    "Zone",
    "analyse",
]
