"""The words that simulated people are named and housed with; the first ones occur more often.

Made up for this project from common names. A few carry accents, apostrophes and hyphens, because
real names do and a normaliser has to cope with them.
"""

from __future__ import annotations

from typing import Final


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FEMALE: Final = _words(
    "Mary Patricia Jennifer Linda Elizabeth Barbara Susan Jessica Karen Sarah Lisa Nancy Sandra "
    "Ashley Emily Kimberly Margaret Donna Michelle Carol Amanda Melissa Deborah Stephanie Rebecca "
    "Laura Sharon Cynthia Dorothy Amy Kathleen Angela Shirley Zoë Brenda María Sofía Aiko Fatima"
)

MALE: Final = _words(
    "James Robert John Michael David William Richard Joseph Thomas Charles Christopher Daniel "
    "Matthew Anthony Mark Donald Steven Andrew Paul Joshua Kenneth Kevin Brian George Timothy "
    "Ronald Jason Edward Jeffrey Ryan Jacob Gary Nicholas José Jonathan Łukasz Omar Hiroshi Wei"
)

LAST: Final = _words(
    "Smith Johnson Williams Brown Jones Garcia Miller Davis Rodriguez Martinez Hernandez Lopez "
    "Gonzalez Wilson Anderson Thomas Taylor Moore Jackson Martin Lee Perez Thompson White Harris "
    "Sanchez Clark Ramirez Lewis Robinson Walker Young Allen King Wright Scott Torres Nguyen Hill "
    "Flores Green Adams Nelson Baker Hall Rivera Campbell Mitchell Carter Roberts Gómez Phillips "
    "Evans Turner Díaz Parker Cruz Edwards Collins Reyes Stewart Morris Morales Murphy Cook Rogers "
    "Gutiérrez Ortiz Morgan Cooper Peterson Bailey Reed Kelly Howard Ramos Kim Cox Ward O'Brien "
    "Núñez Müller Nakamura Okafor Haddad Ivanova Kowalska Öztürk D'Angelo Smith-Jones"
)

STREETS: Final = _words(
    "Main Oak Pine Maple Cedar Elm Washington Lake Hill Walnut Spring North Ridge Church Park "
    "Willow Mill River Sunset Railroad Jackson Cherry West South Highland Forest College Center"
)

STREET_KINDS: Final = _words("St Ave Rd Ln Dr")

# In thousandths, after the shares in the census sample (hierarchy_race.csv holds the levels).
RACES: Final = {
    "White": 576,
    "Latino": 192,
    "Black": 127,
    "Asian": 62,
    "Multiracial or Other": 34,
    "AIAN": 7,
    "NHOPI": 2,
}
