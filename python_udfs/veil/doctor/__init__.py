"""The doctor: insecure settings, permissions, versions and leftovers of an installation."""

from veil.doctor.check import Check, Outcome
from veil.doctor.checks import CHECKS, examine
from veil.doctor.place import Place

__all__ = ["CHECKS", "Check", "Outcome", "Place", "examine"]
