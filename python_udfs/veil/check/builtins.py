"""The names that dbt gives every template, beside `ref`, `source` and what depends on the node."""

from __future__ import annotations

import datetime
import hashlib
import itertools
import json
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from functools import lru_cache
from typing import Any, NoReturn

import yaml

from veil.check.adapter import Unrenderable
from veil.check.namespace import MacroReturn
from veil.check.relations import NeedsWarehouse

_RAISING = (
    "raise_compiler_error raise_not_implemented raise_database_error raise_contract_error"
    " raise_dependency_error missing_config missing_materialization missing_relation"
    " raise_ambiguous_alias raise_ambiguous_catalog_match raise_cache_inconsistent"
    " raise_dataclass_not_dict raise_dep_not_found raise_duplicate_patch_name"
    " raise_duplicate_resource_name raise_invalid_property_yml_version raise_fail_fast_error"
    " relation_wrong_type column_type_missing"
).split()
_DATES = ("date", "datetime", "time", "timedelta", "tzinfo")
_ITERATORS = (
    "count cycle repeat accumulate chain compress islice starmap tee zip_longest product"
    " permutations combinations combinations_with_replacement"
).split()
_NOTHING = object()
SECRET = "DBT_ENV_SECRET"  # noqa: S105  # how the names begin that dbt hands to no template
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Refused(Exception):  # noqa: N818  # what the template says, not an error of this program
    """The template raises on purpose.

    Attributes:
        message: what it says.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Modules(dict[str, dict[str, Any]]):
    """dbt's `modules`; pytz is loaded by those who ask for it."""

    def __init__(self) -> None:
        super().__init__(
            datetime={name: getattr(datetime, name) for name in _DATES},
            re={name: getattr(re, name) for name in re.__all__},
            itertools={name: getattr(itertools, name) for name in _ITERATORS},
        )

    def __missing__(self, name: str) -> dict[str, Any]:
        if name != "pytz":
            raise KeyError(name)
        import pytz  # type: ignore[import-untyped]  # dbt brings it, without types

        self[name] = {key: getattr(pytz, key) for key in pytz.__all__}
        return self[name]


def _return(value: Any) -> NoReturn:
    raise MacroReturn(value)


def _raise(message: Any = "", *_args: Any, **_kwargs: Any) -> NoReturn:
    raise Refused(str(message))


def _silent(*_args: Any, **_kwargs: Any) -> str:
    return ""


def _unknown(*_args: Any, **_kwargs: Any) -> NoReturn:
    raise Unrenderable


def _tried(
    function: Callable[..., Any], wrong: type[Exception] | tuple[type[Exception], ...]
) -> Callable[..., Any]:
    def call(value: Any, default: Any = None, **more: Any) -> Any:
        try:
            return function(value, **more)
        except wrong:
            return default

    return call


@lru_cache(maxsize=64)
def _loaded(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506  # safe, in C where it is there


def _from_yaml(text: str) -> Any:
    """A catalogue is read by every model that a macro makes: parsed once, copied each time."""
    return deepcopy(_loaded(text))


def _set(value: Iterable[Any], default: Any = None) -> Any:
    try:
        return set(value)
    except TypeError:
        return default


def _zip(*values: Iterable[Any], default: Any = None) -> Any:
    try:
        return zip(*values)  # noqa: B905  # as dbt does it
    except TypeError:
        return default


def _diff(one: Mapping[str, list[str]], other: Mapping[str, list[str]]) -> dict[str, list[str]]:
    folded = {key.casefold(): [x.casefold() for x in texts] for key, texts in other.items()}
    found = {
        key: [x for x in texts if x.casefold() not in folded.get(key.casefold(), [])]
        for key, texts in one.items()
    }
    return {key: texts for key, texts in found.items() if texts}


def _try_or_error(message: str, function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    try:
        return function(*args, **kwargs)
    except (NeedsWarehouse, Unrenderable, MacroReturn):
        raise
    except Exception:
        raise Refused(message) from None


def env_var(environ: Mapping[str, str]) -> Callable[..., str]:
    """dbt's `env_var` over an environment; names of secrets are refused."""

    def read(name: str, default: str | None = None) -> str:
        if name.startswith(SECRET):
            raise Unrenderable
        found = environ.get(name, default)
        if found is None:
            raise Unrenderable
        return found

    return read


def variable(known: Mapping[str, Any], render: Callable[[str], str]) -> Any:
    """dbt's `var`: a mapping of the variables of a package that is called."""

    class Var:
        def __call__(self, name: str, default: Any = _NOTHING) -> Any:
            if name in known:
                value = known[name]
                return render(value) if isinstance(value, str) else value
            if default is _NOTHING:
                raise Unrenderable
            return default

        def has_var(self, name: str) -> bool:
            return name in known

    return Var()


class Config:
    """dbt's `config` while a model is compiled: what the parse has found, ready to be asked."""

    def __init__(self, config: Mapping[str, Any], called: Callable[[Any], None]) -> None:
        self._config = config
        self._called = called

    def __call__(self, *args: Any, **kwargs: Any) -> str:
        self._called(args[0] if args else kwargs)
        return ""

    def set(self, name: str, value: Any) -> str:
        return self({name: value})

    def get(self, name: str, default: Any = None, validator: Any = None) -> Any:
        for key in (name, name.replace("_", "-")):
            if key in self._config:
                return self._config[key]
        return default

    def require(self, name: str, validator: Any = None) -> Any:
        found = self.get(name, _NOTHING)
        if found is _NOTHING:
            raise Unrenderable
        return found

    def meta_get(self, name: str, default: Any = None, validator: Any = None) -> Any:
        return (self._config.get("meta") or {}).get(name, default)

    def meta_require(self, name: str, validator: Any = None) -> Any:
        found = self.meta_get(name, _NOTHING)
        if found is _NOTHING:
            raise Unrenderable
        return found

    def persist_relation_docs(self) -> bool:
        return bool((self._config.get("persist_docs") or {}).get("relation", False))

    def persist_column_docs(self) -> bool:
        return bool((self._config.get("persist_docs") or {}).get("columns", False))


class Flags(dict[str, Any]):
    """The flags of `dbt build`; what is not among them is false."""

    def __missing__(self, name: str) -> bool:
        return False

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self[name]


def common(dbt_version: str) -> dict[str, Any]:
    """Names that are the same in every template."""
    return {
        "dbt_version": dbt_version,
        "return": _return,
        "fromjson": _tried(json.loads, ValueError),
        "tojson": _tried(json.dumps, ValueError),
        "fromyaml": _tried(_from_yaml, (AttributeError, ValueError, yaml.YAMLError)),
        "toyaml": _tried(
            lambda value, sort_keys=False: yaml.safe_dump(data=value, sort_keys=sort_keys),
            (ValueError, yaml.YAMLError),
        ),
        "set": _set,
        "set_strict": set,
        "zip": _zip,
        "zip_strict": lambda *values: zip(*values),  # noqa: B905  # as dbt does it
        "log": _silent,
        "print": _silent,
        "run_started_at": datetime.datetime.now(datetime.UTC),
        "invocation_id": str(uuid.uuid4()),
        "thread_id": "Thread-1",
        "modules": Modules(),
        "flags": Flags(WHICH="build", FULL_REFRESH=False),
        "diff_of_two_dicts": _diff,
        "local_md5": lambda value: hashlib.md5(  # noqa: S324  # dbt's, no protection rests on it
            value.encode("utf-8")
        ).hexdigest(),
        "execute": True,
        "exceptions": {"warn": _silent, **dict.fromkeys(_RAISING, _raise)},
        "validation": {"any": lambda *_args: _silent},
        "dbt_metadata_envs": {},
        "invocation_args_dict": {},
        "load_result": lambda _name: None,
        "store_result": _silent,
        "store_raw_result": _silent,
        "write": _silent,
        "try_or_compiler_error": _try_or_error,
        "pre_hooks": [],
        "post_hooks": [],
        "sql": None,
        "compiled_code": None,
        "sql_now": "now()",
        "metric": _unknown,
        "function": _unknown,
        "load_agate_table": _unknown,
        "submit_python_job": _unknown,
        "adapter_macro": _unknown,
    }
