"""What data are created for an account, in the order of its agreements; pure (BIL-03, BIL-22).

One that cannot be made is an error, and so is what would be created from it; the others go on. Nothing is created from
data that are missing, that are in error, or that are created later. What is asked over the network is asked before the
transaction: a turn whose answer is missing says so, and is decided again with it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from domain.billing.accounts.model import Profile
from domain.billing.creation import derivations
from domain.billing.creation.algorithms.model import Asked, CannotCreate, CreationAlgorithm, ProfileView
from domain.billing.creation.derivations import Configured, Key, Series
from domain.billing.creation.errors import (
    CreationFault,
    DerivationFaulty,
    IntervalDataNotCreated,
    SourceCreatedLater,
    SourceDataChanged,
    SourceDataInError,
    SourceDataMissing,
)
from domain.billing.names import profile_name
from domain.billing.usage import clock
from domain.kernel.documents import to_text
from domain.kernel.errors import DomainError, Violation
from domain.kernel.quantities import ATTOS, UNITS_MAX
from domain.kernel.structures import document_of
from domain.kernel.time import iso_of

Values = dict[int, tuple[int, bool]]
"""By the instant at which an interval begins: attos, and whether they are an estimate."""

Report = Callable[[str, Exception], None]
"""Is told what nobody foresaw of a profile, by its name, for the log."""

Answers = Mapping[str, Sequence[int] | DomainError]
"""What algorithms over the network have answered, or why they have not, by the key of what they were asked."""

_LIMIT = UNITS_MAX * ATTOS


@dataclass(frozen=True, slots=True)
class Turn:
    """A profile whose data are created for the days [start, end); `position` is its place in the order."""

    position: int
    profile: Profile
    start: int
    end: int

    @property
    def key(self) -> Key:
        """Account and profile."""
        return self.profile.account_id, self.profile.profile_id

    @property
    def start_us(self) -> int:
        """When the first day begins."""
        return clock.begin_us(self.profile.time_zone, self.start)

    @property
    def end_us(self) -> int:
        """When the last day is over."""
        return clock.begin_us(self.profile.time_zone, self.end)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of an account before data are created.

    `positions` are the places of all its profiles that are created, due or not. `series` are the sources that there are
    for the caller, `kept` their data, and `broken` those with data in error within the time that is asked of them;
    `stopped` are in error from an earlier pass on. `more`: later days are to be created in another pass.
    """

    configured: Configured
    turns: Sequence[Turn]
    positions: Mapping[Key, int]
    series: Mapping[Key, Series]
    kept: Mapping[Key, Values]
    broken: Mapping[Key, Sequence[tuple[int, int]]]
    report: Report
    answers: Answers = field(default_factory=dict)
    stopped: Collection[Key] = ()
    more: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """An algorithm has to be asked over the network; `key` is what its answer is known by."""

    algorithm: str
    asked: Asked
    key: str


@dataclass(frozen=True, slots=True)
class Made:
    """What became of a turn: a value for each interval, or why there is none and on which profiles it waits.

    `missing` is what would have to be asked first.
    """

    turn: Turn
    values: Values = field(default_factory=dict)
    fault: DomainError | None = None
    waits_on: tuple[str, ...] = ()
    missing: Missing | None = None


def decide(known: Known) -> list[Made]:
    """What becomes of each turn, in their order: what is created is seen by those after it."""
    made: dict[Key, Made] = {}
    for turn in known.turns:
        made[turn.key] = _made(known, turn, made)
    return list(made.values())


def _made(known: Known, turn: Turn, before: Mapping[Key, Made]) -> Made:
    settings = known.configured.profile_types[turn.profile.type_code].settings
    sources = turn.profile.derivation.sources
    if fault := _unsound(known, turn):
        return Made(turn, fault=fault)
    waits_on = [profile_name(*key) for key in sources if _is_broken(known, turn, before, key)]
    if waits_on:
        text = f"{', '.join(waits_on)}: the data are in error, and these are created from them"
        return Made(turn, fault=SourceDataInError(text), waits_on=tuple(waits_on))
    begins = clock.begins(turn.profile.time_zone, settings.interval_s, turn.start, turn.end)
    found = [_values(known, before, key) for key in sources]
    for key, values in zip(sources, found, strict=True):
        if missing := [at for at in begins if at not in values]:
            text = f"{profile_name(*key)} has no data for {len(missing)} of {len(begins)} intervals,"
            return Made(
                turn, fault=SourceDataMissing(f"{text} the first at {clock.told(turn.profile.time_zone, missing[0])}")
            )
    algorithm = known.configured.creations[settings.creation]
    asked = Asked(
        begins,
        [[values[at][0] for at in begins] for values in found],
        turn.profile.derivation.parameters,
        _view(known, turn.key, Series(turn.profile.type_code, turn.profile.time_zone)),
        [_view(known, key, known.series[key]) for key in sources],
    )
    created = _created(known, algorithm, asked)
    if isinstance(created, Missing):
        return Made(turn, fault=SourceDataChanged(), missing=created)
    if isinstance(created, DomainError):
        return Made(turn, fault=created)
    estimated = [any(values[at][1] for values in found) for at in begins]
    return Made(turn, dict(zip(begins, zip(created, estimated, strict=True), strict=True)))


def _unsound(known: Known, turn: Turn) -> CreationFault | None:
    """What is wrong with the derivation as things are now, whatever they were when it was given."""
    profile, sources = turn.profile, turn.profile.derivation.sources
    own = Series(profile.type_code, profile.time_zone)
    faults: list[Violation] = list(
        derivations.violations("derivation", own, profile.derivation, known.series, known.configured)
    )
    if faults:
        return DerivationFaulty("; ".join(f"{each.field}: {each.description}" for each in faults))
    if unknown := [profile_name(*key) for key in sources if key not in known.series]:
        return DerivationFaulty(f"there is no profile {', '.join(unknown)}")
    if problem := _empty(known.configured, profile):
        return DerivationFaulty(problem)
    if later := [profile_name(*key) for key in sources if known.positions.get(key, 0) >= turn.position]:
        return SourceCreatedLater(f"{', '.join(later)}: created after these, which are created from them")
    return None


def _empty(configured: Configured, profile: Profile) -> str:
    settings = configured.profile_types[profile.type_code].settings
    algorithm = configured.creations.get(settings.creation)
    if algorithm is None:
        return f"there is no algorithm {settings.creation} that creates data"
    needs = algorithm.sources_min or any(each.required for each in algorithm.parameters)
    given = profile.derivation.sources or profile.derivation.parameters
    return f"it does not say what {algorithm.code} creates the data from" if needs and not given else ""


def _is_broken(known: Known, turn: Turn, before: Mapping[Key, Made], key: Key) -> bool:
    """Whether a source is in error: in this turn's account as it has just been made, elsewhere as it was left."""
    if key in known.stopped:
        return True
    if key in before:
        return before[key].fault is not None
    return any(start < turn.end_us and turn.start_us < end for start, end in known.broken.get(key, ()))


def _values(known: Known, before: Mapping[Key, Made], key: Key) -> Mapping[int, tuple[int, bool]]:
    kept = known.kept.get(key, {})
    return {**kept, **before[key].values} if key in before else kept


def _view(known: Known, key: Key, series: Series) -> ProfileView:
    settings = known.configured.profile_types[series.type_code].settings
    return ProfileView(*key, settings.unit, settings.interval_s, series.zone)


def _created(known: Known, algorithm: CreationAlgorithm, asked: Asked) -> Sequence[int] | Missing | DomainError:
    """A plug-in that fails takes nobody else with it."""
    created: Sequence[int] | DomainError
    if algorithm.create is None:
        key = _key_of(algorithm.code, asked)
        if key not in known.answers:
            return Missing(algorithm.code, asked, key)
        created = known.answers[key]
    else:
        created = _asked_here(known, algorithm, asked)
    if isinstance(created, DomainError):
        return created
    if len(created) != len(asked.begins):
        return IntervalDataNotCreated(f"{algorithm.code} gave {len(created)} values for {len(asked.begins)} intervals")
    return _storable(algorithm, asked.begins, created)


def _asked_here(known: Known, algorithm: CreationAlgorithm, asked: Asked) -> Sequence[int] | CreationFault:
    assert algorithm.create is not None
    try:
        return algorithm.create(asked)
    except CannotCreate as why:
        return IntervalDataNotCreated(f"{algorithm.code}: {why}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is of this profile alone
        known.report(profile_name(asked.profile.account_id, asked.profile.profile_id), error)
        return IntervalDataNotCreated(f"{algorithm.code} met something unexpected; the log of the server says what")


def _key_of(algorithm: str, asked: Asked) -> str:
    """What an answer is known by: all that was asked, so that other data are another question."""
    return sha256(f"{algorithm}\0{to_text(document_of(asked))}".encode()).hexdigest()


def _storable(
    algorithm: CreationAlgorithm, begins: Sequence[int], created: Sequence[int]
) -> Sequence[int] | CreationFault:
    beyond: Collection[int] = [at for at, value in zip(begins, created, strict=True) if abs(value) > _LIMIT]
    if beyond:
        text = f"{algorithm.code} gives more than {UNITS_MAX:,} units at {iso_of(min(beyond))}"
        return IntervalDataNotCreated(text)
    return created
