"""Checks of what a differential release needs: OpenDP, in a tested version, and its keys."""

from __future__ import annotations

from collections.abc import Iterator

from packaging.version import InvalidVersion, Version

from veil.doctor.check import Check, error, warning
from veil.doctor.place import Place
from veil.doctor.versions import DISTRIBUTION, declared
from veil.errors import VeilError
from veil.findings import Finding
from veil.keys import Keyring
from veil.policy.budgets import declared_budgets

EXTRA = "differential"
KEYS = ("ledger", "bounding")
"""Purposes of the keys that a release is drawn with."""
_INSTALL = f"pip install '{DISTRIBUTION}[{EXTRA}]'"


def noise_can_be_drawn(place: Place) -> Iterator[Finding]:
    """Only a project that declares budgets releases anything with noise."""
    if not declared_budgets(place.config):
        return
    for requirement in declared(EXTRA)[0]:
        installed = place.version_of(requirement.name)
        if installed is None:
            yield error(
                f"`{requirement.name}` is not installed, and budgets are declared: no differential"
                " release can be drawn.",
                _INSTALL,
            )
            return
        try:
            is_tested = requirement.specifier.contains(Version(installed), prereleases=True)
        except InvalidVersion:
            is_tested = False
        if not is_tested:
            yield warning(
                f"`{requirement.name}` {installed} is outside of what veil was tested with"
                f" ({requirement.specifier}).",
                _INSTALL,
            )
    try:
        from veil.differential.noise import require_opendp

        require_opendp()
    except VeilError as problem:
        yield error(problem.message, _INSTALL)


def release_keys_are_there(place: Place) -> Iterator[Finding]:
    """A keyring of an earlier version lacks them until `veil init` adds them."""
    if not declared_budgets(place.config):
        return
    try:
        ring = Keyring.load(place.project.keyring)
    except VeilError:
        return  # said by the check of the record, or there is none
    for purpose in KEYS:
        try:
            ring.primary(purpose, "*")
        except VeilError:
            yield error(
                f"the keyring has no key for `{purpose}`: no differential release can be drawn.",
                "Run `veil init`; where one is disabled, see `veil keys list`.",
                file="state/keyring.json",
            )


CHECKS = (
    Check("noise", "OpenDP draws the noise of differential releases", noise_can_be_drawn),
    Check("release_keys", "the keys of differential releases are there", release_keys_are_there),
)
