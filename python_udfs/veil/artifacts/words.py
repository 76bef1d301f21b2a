"""Words that are nobody's: they stand in files whoever the data is about.

Names are words too (Mason, Virginia, Page). A single word counts by itself only where it belongs
neither to the language of programs nor to the project's own text.
"""

from __future__ import annotations

import importlib.metadata
import itertools
import os
from collections.abc import Iterator
from pathlib import Path

from veil.project import Project

_LETTERS = bytes(code if chr(code).isascii() and chr(code).islower() else 32 for code in range(256))
_LIMIT = 4 << 20
_MOST_FILES = 5000
_SOURCES = (".sql", ".yml", ".yaml", ".md", ".py", ".txt")
_NOT_SOURCES = (
    "target",
    "logs",
    "published",
    "warehouse",
    "state",
    "seeds",
    "data",
    "node_modules",
)
_VENDORS = {
    "dbt-core": ("dbt/task/docs/index.html", "dbt/include"),
    "dbt-adapters": ("dbt/include",),
    "dbt-duckdb": ("dbt/include",),
}

LANGUAGE = frozenset(
    b"""
    about above account action active address after against agent alpha amber analysis analyst
    angel answer april archer array artist august austin author autumn avenue baker banks barber
    barker baron basic batch beach before begin below berlin berry bishop black blanch block bloom
    board bonds boston bottom branch brand bridge bright broad brook brooks brown buffer build
    burden butcher butler button cannon canon canton carbon carolina carpenter carter case cash
    castle center chain chance channel chapel chapman charity charlotte chase chelsea cherry child
    china christian church circle citizen city clark class clay clear clerk close coast cobb coffee
    cole collar college column comfort commit common congress constant contract cook cooper corn
    corner cotton counter county court cover crane create cross crystal custom daily daisy dakota
    dallas dance date dawn dean delta denver desert destiny diamond dollar domain double drake
    driver duke eagle early earnest east eastern easter eden engine english event export faith
    falcon false farmer father field filter finish first fisher flag florence flower foreman forest
    forth foster frame france frank franklin free freeman french friend frost gallery gamma garden
    garner gates general german ghost gold golden good grace grand grant graph gray green group
    grove guide hammer harbor harmony head heart heaven henry heritage hidden hill history holiday
    holland holly honor hope house houston hunter iceland import index input israel issue ivory
    jackson jasmine java jersey jewel joiner jordan journal joy judge june justice kansas kernel
    keys king kings knight label lake lambda land landing lane laplace law leader league learn level
    liberty lily lincoln little local london long love lucky machine madison major manager mann
    marina mark market marker marks marshal martin mason master max may meadow melody mercer mercy
    merge merit message mexico miami michael middle miles mill miller mine miner mission model
    money moon moore morning moses mother mountain nelson network never nevada newman newton noble
    normal north norman number ocean oliver olive open orange order output oxford page painter
    palmer paradise paris parish park parker parks parsons pascal patience patient pearl pepper
    person phoenix pierce pike piper place plant point pole pool pope porter potter power precious
    price prince private profile project prosper public pure queen race ranger ready reason record
    reed region render report reserve rich rider right ring river rivers robin rock rogue roman
    root rose round royal ruby running russian rust sage saint sample sandy scott script search
    season second senior serenity series server session shepherd short signal silver singer single
    skinner sky small smart smith snow solid sparks spring stack stafford standard star state
    steele stone storm story street string strong summer sunday swan swift sydney table tanner
    target taylor teacher temple tester texas thread tiger timber token tower trace travel trinity
    true trust tucker turner union unique unity update user valley value vector victor victoria
    view violet virginia vista walker wall walls ward warner washington water waters weaver webster
    welcome west western wheeler white wilder will william wilson window winter wise wolf wood woods
    word work world worth wright writer yard york young
    """.split()
)
"""Words of English and of programs that are names as well."""


def ordinary_words(project: Project) -> frozenset[bytes]:
    """`LANGUAGE`, the project's own text, what dbt ships into target/, and the path to it all.

    Reads models, macros, YAML and documents, never seeds or built files: a word is ordinary
    because a person wrote it, not because it leaked often.
    """
    found = set(LANGUAGE)
    here = f"{project.root} {os.environ.get('HOME')} {os.environ.get('USER')} {os.uname().nodename}"
    found.update(_words(here.encode()))
    for path in (*itertools.islice(_own(project.root), _MOST_FILES), *_vendors()):
        try:
            with path.open("rb") as file:
                found.update(_words(file.read(_LIMIT)))
        except OSError:
            continue
    return frozenset(found)


def _words(text: bytes) -> list[bytes]:
    return text.lower().translate(_LETTERS).split()


def _own(root: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(root):
        if "pyvenv.cfg" in files:
            names.clear()
            continue
        top = Path(folder) == root
        names[:] = [
            name
            for name in names
            if not name.startswith(".") and not (top and name in _NOT_SOURCES)
        ]
        yield from (Path(folder, name) for name in files if name.endswith(_SOURCES))


def _vendors() -> Iterator[Path]:
    for name, places in _VENDORS.items():
        try:
            installed = importlib.metadata.distribution(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        for place in places:
            path = Path(str(installed.locate_file(place)))
            if path.is_file():
                yield path
            else:
                yield from (one for one in path.rglob("*") if one.suffix in _SOURCES)
