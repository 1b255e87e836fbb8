"""Which hooks there are, and which algorithms each serves: the entries of their file (BIL-23, PLT-44)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from domain.billing.algorithms.model import Algorithm, Parameter
from domain.billing.configuration.model import Moment
from domain.billing.creation.algorithms.model import CreationAlgorithm
from server.outbound.addresses import Reach
from server.outbound.connections import (
    FILES,
    BadConnections,
    Connection,
    Entry,
    connection_from,
    file_mistakes,
    grpc_mistakes,
    read_entries,
    unknown,
)

TIMEOUT_S = 5.0
"""How long an answer may take, all attempts together, where the file does not say."""

_TABLE = "hooks"
_SERVED = {"timeout_s", "algorithms", "hookpoints"}
_KNOWN = {"name", "target", "tls", *FILES, *_SERVED}
_STRICT = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

_SOURCES_MAX = 20
_OF_PROFILE_TYPES = frozenset({"sources_min", "sources_max", "one_unit"})

_Code = Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")]
_Text = Annotated[str, Field(min_length=1, max_length=512)]


@dataclass(frozen=True, slots=True)
class Hook:
    """Whom to ask, how long an answer may take, all attempts together, and what is asked there."""

    connection: Connection
    timeout_s: float
    algorithms: tuple[Algorithm | CreationAlgorithm, ...]
    hookpoints: tuple[str, ...] = ()


def read_hooks(path: Path, reach: Reach) -> tuple[Hook, ...]:
    """The hooks of a file.

    It holds a table for each, `[[hooks]]`: `name`; `target` (host:port); `tls`, `ca_file`, `certificate_file`,
    `key_file` and `token_file` as systems of record have them; `timeout_s`; `hookpoints`, keys by which billing cycles
    have it decide whether batches of invoices go on; and `[[hooks.algorithms]]`, each with
    `code`, `description`, `of` (`customer_classes`, `service_agreement_types` or `profile_types`), `moments` (of
    `profile_types` instead `sources_min` and `sources_max`, 1 each where they are not given, and `one_unit`), and
    `[[hooks.algorithms.parameters]]` with `name`, `description`, `required` (true unless it says otherwise) and
    `is_code` (it names a distribution code).

    Raises: BadConnections with every mistake; none shows a secret.
    """
    entries = read_entries(path, _TABLE, "hook", partial(_mistakes, reach=reach))
    hooks = tuple(map(_hook, entries))
    codes = [each.code for hook in hooks for each in hook.algorithms]
    if twice := sorted({code for code in codes if codes.count(code) > 1}):
        raise BadConnections([f"{path}: two algorithms are called {code}" for code in twice])
    keys = [each for hook in hooks for each in hook.hookpoints]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise BadConnections([f"{path}: the hookpoint {key} is there twice" for key in twice])
    return hooks


class _Parameter(BaseModel):
    """A parameter as the file has it."""

    model_config = _STRICT

    name: _Code
    description: _Text
    required: bool = True
    is_code: bool = False


class _Algorithm(BaseModel):
    """An algorithm as the file has it."""

    model_config = _STRICT

    code: _Code
    description: _Text
    of: Literal["customer_classes", "service_agreement_types", "profile_types"]
    moments: frozenset[Moment] = frozenset()
    sources_min: Annotated[int, Field(ge=0, le=_SOURCES_MAX)] = 1
    sources_max: Annotated[int, Field(ge=0, le=_SOURCES_MAX)] = 1
    one_unit: bool = False
    parameters: Annotated[tuple[_Parameter, ...], Field(max_length=50)] = ()

    @model_validator(mode="after")
    def _is_possible(self) -> _Algorithm:
        if self.of == "profile_types":
            if self.moments:
                raise ValueError("profile_types have no moments")
            if self.sources_max < self.sources_min:
                raise ValueError("sources_max is less than sources_min")
            if any(each.is_code for each in self.parameters):
                raise ValueError("what creates data posts nothing: no parameter of profile_types is_code")
        elif not self.moments:
            raise ValueError(f"an algorithm of {self.of} needs moments")
        elif self.model_fields_set & _OF_PROFILE_TYPES:
            raise ValueError("sources are of profile_types alone")
        if self.of == "service_agreement_types" and Moment.POST_COMPLETION in self.moments:
            raise ValueError("POST_COMPLETION is a moment of customer_classes alone")
        if len({each.name for each in self.parameters}) < len(self.parameters):
            raise ValueError("two parameters have one name")
        return self


class _Served(BaseModel):
    """What an entry says beside the connection."""

    model_config = _STRICT

    timeout_s: Annotated[float, Field(ge=0.1, le=60)] = TIMEOUT_S
    algorithms: Annotated[tuple[_Algorithm, ...], Field(max_length=100)] = ()
    hookpoints: Annotated[tuple[_Code, ...], Field(max_length=100)] = ()

    @model_validator(mode="after")
    def _serves_something(self) -> _Served:
        if not self.algorithms and not self.hookpoints:
            raise ValueError("serves neither algorithms nor hookpoints")
        return self


def _served(entry: Entry) -> _Served:
    return _Served.model_validate({name: entry[name] for name in _SERVED & entry.keys()})


def _hook(entry: Entry) -> Hook:
    served = _served(entry)
    algorithms = tuple(map(_algorithm, served.algorithms))
    return Hook(connection_from(entry, "grpc"), served.timeout_s, algorithms, served.hookpoints)


def _algorithm(given: _Algorithm) -> Algorithm | CreationAlgorithm:
    parameters = tuple(Parameter(**dict(each)) for each in given.parameters)
    if given.of == "profile_types":
        return CreationAlgorithm(
            code=given.code,
            description=given.description,
            sources_min=given.sources_min,
            sources_max=given.sources_max,
            one_unit=given.one_unit,
            create=None,
            parameters=parameters,
        )
    return Algorithm(
        code=given.code,
        description=given.description,
        moments=given.moments,
        of_agreements=given.of == "service_agreement_types",
        decide=None,
        parameters=parameters,
    )


def _mistakes(entry: Entry, reach: Reach) -> Iterator[str]:
    yield from unknown(entry, _KNOWN)
    yield from grpc_mistakes(entry, reach, loopback="hooks_loopback")
    yield from file_mistakes(entry)
    try:
        _served(entry)
    except ValidationError as error:
        yield from (f"{_path(each['loc']) or 'algorithms'}: {each['msg']}" for each in error.errors())


def _path(location: Sequence[str | int]) -> str:
    """The place of a mistake, counted from 1 as the entries are: `algorithms 1 code`."""
    return " ".join(str(part + 1) if isinstance(part, int) else part for part in location)
