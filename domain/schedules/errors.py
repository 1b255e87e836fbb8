"""What schedules refuse."""

from __future__ import annotations

from domain.kernel.errors import AlreadyExists, IllegalTransition, NotFound, Refused
from domain.schedules.model import SCHEDULE_TYPE, schedule_name


class ScheduleExists(AlreadyExists):
    """There is a schedule with this code already."""

    reason = "SCHEDULE_EXISTS"

    def __init__(self, code: str) -> None:
        name = schedule_name(code)
        super().__init__(f"{name} exists already", resource_type=SCHEDULE_TYPE, resource_name=name)


class ScheduleNotFound(NotFound):
    """There is no such schedule."""

    reason = "SCHEDULE_NOT_FOUND"

    def __init__(self, code: str) -> None:
        super().__init__(SCHEDULE_TYPE, schedule_name(code))


class ScheduleStateKept(IllegalTransition):
    """Only an active schedule can be paused, and only a paused one resumed."""

    reason = "SCHEDULE_STATE"


class KindUnknown(Refused):
    """This version of the program cannot start what the schedule asks for."""

    reason = "SCHEDULE_KIND_UNKNOWN"

    def __init__(self, code: str, kind: str) -> None:
        super().__init__(
            f"this version of the program cannot start {kind}", resource_name=schedule_name(code), kind=kind
        )
