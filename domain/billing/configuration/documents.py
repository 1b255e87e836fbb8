"""What a version of a rate says, as a document: components by their kinds, conditions as they were written."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from domain.billing.configuration import vocabulary
from domain.billing.names import rate_version_name
from domain.billing.rating.model import (
    Component,
    Demand,
    Discount,
    Fixed,
    Kind,
    Minimum,
    Percentage,
    Stepped,
    Tax,
    TimeOfUse,
    Version,
)
from domain.kernel.conditions.expressions import Expression, compile_condition
from domain.kernel.documents import Document, WrittenByNewer
from domain.kernel.structures import new_converter, value_from

_TYPES: dict[str, type[Component]] = {
    Kind.FIXED: Fixed,
    Kind.STEP: Stepped,
    Kind.TIME_OF_USE: TimeOfUse,
    Kind.DEMAND: Demand,
    Kind.MINIMUM: Minimum,
    Kind.PERCENTAGE: Percentage,
    Kind.TAX: Tax,
    Kind.DISCOUNT: Discount,
}
_KINDS = {kind: word for word, kind in _TYPES.items()}


def components_document(components: tuple[Component, ...]) -> Document:
    """Components in their order; prices as text."""
    return {"components": [{"kind": _KINDS[type(each)], **_converter.unstructure(each)} for each in components]}


def version_from(document: Document, *, code: str, number: int, effective_day: int, currency: str) -> Version:
    """What a version of a rate says, its conditions compiled. Raises: WrittenByNewer."""
    name = rate_version_name(code, number)
    components = (
        _component(component, f"{name}.components[{at}].condition")
        for at, component in enumerate(document["components"])
    )
    return Version(effective_day, currency, tuple(components))


def _component(document: Document, path: str) -> Component:
    fields = dict(document)
    word, text = fields.pop("kind"), fields.pop("condition", None)
    if (kind := _TYPES.get(word)) is None:
        raise WrittenByNewer(fields=word)
    component = value_from(kind, fields, _converter)
    return component if text is None else replace(component, condition=_compiled(text, path))


def _compiled(text: str, path: str) -> Expression[bool]:
    return compile_condition(text, vocabulary.SEGMENTS, path=path)


def _is_expression(kind: Any) -> bool:  # noqa: ANN401 - a type, or what stands for one
    return getattr(kind, "__origin__", kind) is Expression


_converter = new_converter()
_converter.register_unstructure_hook_func(_is_expression, lambda expression: expression.text)
_converter.register_structure_hook_func(_is_expression, lambda text, _: text)
