"""What is refused about expressions: violations of the field when they are configured, an error when they run."""

from __future__ import annotations

from domain.kernel.errors import Invalid, Refused, Violation

_SHOWN_MAX = 200


class ConditionFailed(Refused):
    """A condition or expression cannot be evaluated for these values."""

    reason = "CONDITION_FAILED"

    def __init__(self, field: str, text: str, cause: str) -> None:
        shown = text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"  # what is told must fit into an answer
        super().__init__(f"{field} ({shown}) cannot be evaluated: {cause}", field=field, expression=shown, cause=cause)


def malformed(field: str, sentence: str) -> Invalid:
    """It cannot be read."""
    return Invalid(Violation(field, "CONDITION_MALFORMED", sentence))


def too_long(field: str, length_max: int) -> Invalid:
    """It has too many characters."""
    return Invalid(Violation(field, "CONDITION_TOO_LONG", f"must have at most {length_max:,} characters"))


def too_complex(field: str, at: int) -> Invalid:
    """It is nested too deeply."""
    sentence = f"is nested too deeply (at position {at}); make several rows of it"
    return Invalid(Violation(field, "CONDITION_TOO_COMPLEX", sentence))


def has_double(field: str, what: str, at: int) -> Invalid:
    """It holds a floating-point number (PLT-01)."""
    sentence = f"must not hold the fraction {what} (at position {at}): numbers are integers, amounts in minor units"
    return Invalid(Violation(field, "CONDITION_HAS_DOUBLE", sentence))


def field_unknown(field: str, sentence: str) -> Invalid:
    """It reads what expressions here cannot see."""
    return Invalid(Violation(field, "CONDITION_FIELD_UNKNOWN", sentence))


def function_unknown(field: str, sentence: str) -> Invalid:
    """It calls what expressions cannot call."""
    return Invalid(Violation(field, "CONDITION_FUNCTION_UNKNOWN", sentence))


def kinds_differ(field: str, sentence: str) -> Invalid:
    """It combines what is not of the same kind, or not of the right one."""
    return Invalid(Violation(field, "CONDITION_KINDS_DIFFER", sentence))


def not_boolean(field: str, kind: str) -> Invalid:
    """It gives something else than true or false."""
    return Invalid(Violation(field, "CONDITION_NOT_BOOLEAN", f"must give true or false, not {kind}"))


def not_text(field: str, kind: str) -> Invalid:
    """It gives something else than a text."""
    return Invalid(Violation(field, "EXPRESSION_NOT_TEXT", f"must give a text, not {kind}"))
