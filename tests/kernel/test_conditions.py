"""Conditions and text expressions: what is refused when configured, what they mean, and how they fail."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Thread

import pytest

from domain.kernel.conditions.decisions import DecisionTable
from domain.kernel.conditions.errors import ConditionFailed
from domain.kernel.conditions.expressions import LENGTH_MAX, Expression, compile_condition, compile_text
from domain.kernel.conditions.shapes import Kind, Shape, Value, Values
from domain.kernel.conditions.syntax import NESTING_MAX, STEPS_MAX
from domain.kernel.errors import Invalid, Violation

SHAPE = Shape(
    {
        "claim": {"code": Kind.TEXT, "attributes": Kind.TEXT_MAP},
        "dispute": {"amount_minor": Kind.INTEGER, "currency": Kind.TEXT, "amounts_minor": Kind.INTEGER_MAP},
        "client": {"code": Kind.TEXT, "service_configured": Kind.BOOLEAN},
    }
)
VALUES: Values = {
    "claim": {"code": "C-7", "attributes": {"brand": "VISA", "issuer's": 'Müller & "Söhne" 😀'}},
    "dispute": {"amount_minor": 2**53 + 1, "currency": "USD", "amounts_minor": {"fee": -250}},
    "client": {"code": "acme", "service_configured": True},
}
PATH = "rows[3].condition"


def condition(text: str) -> Expression[bool]:
    return compile_condition(text, SHAPE, path=PATH)


def refusal(text: str) -> Violation:
    with pytest.raises(Invalid) as caught:
        condition(text)
    (violation,) = caught.value.violations
    assert violation.field == PATH
    return violation


def changed(root: str, field: str, value: Value) -> Values:
    return {**VALUES, root: {**VALUES[root], field: value}}


@pytest.mark.rule("ACC-02", "ACC-10")
@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ("claim.code == 'C-7'", True),
        ('claim.code != "C-7"', False),
        ("claim.attributes.brand == 'VISA' && claim.attributes['brand'] != 'Visa'", True),
        ('claim.attributes["issuer\'s"].endsWith(\'"Söhne" 😀\')', True),
        (r"claim.attributes['issuer\'s'].startsWith('M\u00fcller') && 'a\tb\\' == 'a\x09b\134'", True),
        ("dispute.currency in ['EUR', 'USD'] // a comment", True),
        ("dispute.currency in []", False),
        ("'fee' in dispute.amounts_minor && !('late' in dispute.amounts_minor)", True),
        ("has(dispute.amounts_minor.fee) && has(claim.code) && !has(claim.attributes.late)", True),
        ("dispute.amounts_minor.fee == -250 || false", True),
        ("client.service_configured ? claim.code.contains('-') : 1 > 2", True),
        ("1 + 2 * 3 - 8 / 2 % 3 == 6 && -7 / 2 == -3 && -7 % 2 == -1 && 0x10 == 16", True),
        ("1 + 2 == 3 == true", None),
        ("(1 + 2 == 3) == true", True),
        ("!client.service_configured || 'a' < 'b' && 2 >= 2 && !(2 > 2) && 1 <= 2", True),
        ("string(dispute.amount_minor) + '.' == '9007199254740993.'", True),
        ("int('9007199254740993') == dispute.amount_minor", True),
        ("- dispute.amount_minor < 0 && -(-9223372036854775807) > 0 && -9223372036854775808 < 0", True),
    ],
)
def test_a_condition_means_what_cel_says(text: str, *, holds: bool | None) -> None:
    """With the usual precedence; a chain of comparisons, which people misread, is refused."""
    if holds is None:
        assert refusal(text).reason == "CONDITION_MALFORMED"
    else:
        assert condition(text).evaluate(VALUES) is holds


@pytest.mark.rule("ACC-02", "PLT-07")
@pytest.mark.parametrize(
    ("text", "reason", "told"),
    [
        ("", "CONDITION_MALFORMED", "the end"),
        ("claim.code ==", "CONDITION_MALFORMED", "position 13"),
        ("claim.code == 'C-7' claim", "CONDITION_MALFORMED", "'claim'"),
        ("claim.code = 'C-7'", "CONDITION_MALFORMED", "position 11"),
        ("claim.code == 'C-7", "CONDITION_MALFORMED", "position 14"),
        ("claim.code == '\0'", "CONDITION_MALFORMED", "U+0000"),
        (r"claim.code == '\x00'", "CONDITION_MALFORMED", "U+0000"),
        (r"claim.code == '\ud800'", "CONDITION_MALFORMED", "U+D800"),
        (r"claim.code == '\U00110000'", "CONDITION_MALFORMED", "escape"),
        (r"claim.code == '\q'", "CONDITION_MALFORMED", "escape"),
        ("claim.code == null", "CONDITION_MALFORMED", "null"),
        ("1u == 1u", "CONDITION_MALFORMED", "'u'"),
        ("9223372036854775808 > 1", "CONDITION_MALFORMED", "64 bits"),
        ("[1] == [1]", "CONDITION_MALFORMED", "list"),
        ("{'a': 1}.a == 1", "CONDITION_MALFORMED", "position 0"),
        ("has(claim['code'])", "CONDITION_MALFORMED", "has"),
        ("claim.code.contains('a', 'b')", "CONDITION_MALFORMED", "one argument"),
        ("claim.`code` == 'a'", "CONDITION_MALFORMED", "position 6"),
        ("claim.?code == 'a'", "CONDITION_MALFORMED", "'?'"),
        ("claim.(1)", "CONDITION_MALFORMED", "a name was expected"),
        ("(true", "CONDITION_MALFORMED", "')' was expected"),
        ("dispute.amount_minor > 100.50", "CONDITION_HAS_DOUBLE", "100.50"),
        ("dispute.amount_minor > 1e3", "CONDITION_HAS_DOUBLE", "1e3"),
        ("dispute.amount_minor > .5", "CONDITION_HAS_DOUBLE", ".5"),
        ("double(dispute.amount_minor) > 1", "CONDITION_HAS_DOUBLE", "double()"),
        ("claims.code == 'a'", "CONDITION_FIELD_UNKNOWN", "none of claim, client, dispute"),
        ("claim.kode == 'a'", "CONDITION_FIELD_UNKNOWN", "attributes, code"),
        ("has(claim.kode)", "CONDITION_FIELD_UNKNOWN", "kode"),
        ("claim == claim", "CONDITION_FIELD_UNKNOWN", "by its fields"),
        ("true || secret", "CONDITION_FIELD_UNKNOWN", "secret"),
        ("nothing(claim.code)", "CONDITION_FUNCTION_UNKNOWN", "nothing"),
        ("claim.code.matches('(a+)+$')", "CONDITION_FUNCTION_UNKNOWN", "startsWith"),
        ("claim.code.int() == 1", "CONDITION_FUNCTION_UNKNOWN", "int"),
        ("[1, 2].all(x, x > 0)", "CONDITION_FUNCTION_UNKNOWN", "all"),
        ("claim.attributes.exists(k, k == 'a')", "CONDITION_FUNCTION_UNKNOWN", "exists"),
        ("dispute.amount_minor == '100'", "CONDITION_KINDS_DIFFER", "an integer at position 24, where a text"),
        ("dispute.amount_minor + 'a' == 'b'", "CONDITION_KINDS_DIFFER", "position 23"),
        ("'a' - 'b' == ''", "CONDITION_KINDS_DIFFER", "position 0"),
        ("true < false", "CONDITION_KINDS_DIFFER", "an integer or a text"),
        ("1 in ['a']", "CONDITION_KINDS_DIFFER", "position 6"),
        ("1 in claim.attributes", "CONDITION_KINDS_DIFFER", "a text"),
        ("'a' in claim.code", "CONDITION_KINDS_DIFFER", "no keys"),
        ("'a' in 'abc'", "CONDITION_KINDS_DIFFER", "maps"),
        ("claim.attributes[1] == 'a'", "CONDITION_KINDS_DIFFER", "a text"),
        ("claim.code.length == 3", "CONDITION_KINDS_DIFFER", "no keys"),
        ("claim.attributes == claim.attributes", "CONDITION_KINDS_DIFFER", "a map of texts"),
        ("claim.code && true", "CONDITION_KINDS_DIFFER", "a boolean"),
        ("!claim.code", "CONDITION_KINDS_DIFFER", "a boolean"),
        ("-claim.code == 1", "CONDITION_KINDS_DIFFER", "an integer"),
        ("true ? 1 == 1 : 'a'", "CONDITION_KINDS_DIFFER", "a boolean"),
        ("'a' ? true : true", "CONDITION_KINDS_DIFFER", "a boolean"),
        ("claim.code", "CONDITION_NOT_BOOLEAN", "a text"),
        ("dispute.amount_minor", "CONDITION_NOT_BOOLEAN", "an integer"),
        ("claim.attributes", "CONDITION_NOT_BOOLEAN", "a map of texts"),
    ],
)
def test_what_does_not_fit_is_refused_when_it_is_configured(text: str, reason: str, told: str) -> None:
    """With the field that it stands in, a reason, and what is wrong; nothing is left to be found out when it runs."""
    violation = refusal(text)
    assert violation.reason == reason
    assert told in violation.description


@pytest.mark.rule("PLT-44")
def test_expressions_have_bounds() -> None:
    """Of length and nesting; up to them, everything works."""
    deepest = "(" * (NESTING_MAX - 1) + "true" + ")" * (NESTING_MAX - 1)
    assert condition(deepest).evaluate(VALUES)
    assert refusal(f"({deepest})").reason == "CONDITION_TOO_COMPLEX"
    assert condition("!" * (NESTING_MAX - 1) + "true").evaluate(VALUES) is False
    assert refusal("!" * NESTING_MAX + "true").reason == "CONDITION_TOO_COMPLEX"
    assert refusal("claim" + ".a" * (STEPS_MAX + 1)).reason == "CONDITION_TOO_COMPLEX"
    longest = "true".ljust(LENGTH_MAX)
    assert condition(longest).evaluate(VALUES)
    assert refusal(longest + " ").reason == "CONDITION_TOO_LONG"
    wide = " && ".join(["claim.code == 'C-7'"] * 170)
    assert condition(wide).evaluate(VALUES)
    assert condition("claim.code in [" + ", ".join(["'C-7'"] * 500) + "]").evaluate(VALUES)
    assert condition(" ? true : ".join(["claim.code == ''"] * NESTING_MAX) + " || true").evaluate(VALUES)


@pytest.mark.rule("ACC-02")
def test_a_text_expression_gives_a_text() -> None:
    """Such as an account made of several fields; anything else is refused."""
    account = compile_text("client.code + ':' + claim.attributes.brand", SHAPE, path="rows[0].account_expression")
    assert account.evaluate(VALUES) == "acme:VISA"
    long = "é😀'\"\\" * 20_000
    values = {**VALUES, "client": {"code": long}}
    assert account.evaluate(values) == f"{long}:VISA"
    with pytest.raises(Invalid) as caught:
        compile_text("dispute.amount_minor + 1", SHAPE, path="rows[0].account_expression")
    assert [(each.field, each.reason) for each in caught.value.violations] == [
        ("rows[0].account_expression", "EXPRESSION_NOT_TEXT")
    ]


@pytest.mark.rule("PLT-01")
def test_amounts_are_compared_exactly() -> None:
    """Next to each other beyond 2^53, where floats cannot tell them apart, and at the ends of 64 bits."""
    for amount in (2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63)):
        exactly = condition(f"dispute.amount_minor == {amount}")
        assert exactly.evaluate(changed("dispute", "amount_minor", amount))
        beside = amount - 1 if amount > 0 else amount + 1
        assert not exactly.evaluate(changed("dispute", "amount_minor", beside))


@pytest.mark.rule("PLT-01", "PLT-07")
@pytest.mark.parametrize(
    ("text", "values", "cause"),
    [
        ("claim.attributes.late == 'y'", VALUES, "there is no late"),
        ("claim.attributes.late != 'y'", VALUES, "there is no late"),
        ("claim.attributes[claim.code] == 'y'", VALUES, "a key is missing"),
        ("dispute.currency == 'USD'", {"claim": VALUES["claim"]}, "there is no currency"),
        ("dispute.amount_minor / (dispute.amount_minor - dispute.amount_minor) == 1", VALUES, "it divides by zero"),
        ("dispute.amount_minor % 0 == 1", VALUES, "it divides by zero"),
        ("dispute.amount_minor * dispute.amount_minor > 0", VALUES, "a number is beyond 64 bits"),
        (
            "-(-dispute.amount_minor - 1) > 0",
            changed("dispute", "amount_minor", 2**63 - 1),
            "a number is beyond 64 bits",
        ),
        ("dispute.amount_minor > 0", changed("dispute", "amount_minor", 2**63), "a number is beyond 64 bits"),
        ("dispute.amounts_minor.fee > 0", changed("dispute", "amounts_minor", {"fee": -(2**63) - 1}), "64 bits"),
        ("int(claim.code) == 7", VALUES, "a text is no number"),
        ("claim.code == 'a'", changed("claim", "code", 7), "not of the kind"),
        ("claim.code == 'a'", changed("claim", "code", "\ud800"), "not what expressions can take"),
        ("dispute.amount_minor > 0", changed("dispute", "amount_minor", True), "not of the kind"),
        ("dispute.amount_minor > 0", {"dispute": {"amount_minor": 1.5}}, "not of the kind"),
        ("claim.attributes.brand == 'a'", {"claim": {"attributes": "VISA"}}, "not of the kind"),
    ],
)
def test_what_cannot_be_evaluated_fails_and_names_the_expression(text: str, values: Values, cause: str) -> None:
    """A missing key is neither equal nor unequal to anything: money goes nowhere on a guess. No value is told."""
    with pytest.raises(ConditionFailed) as caught:
        condition(text).evaluate(values)
    assert caught.value.reason == "CONDITION_FAILED"
    assert caught.value.details["field"] == PATH
    assert caught.value.details["expression"] == text
    assert cause in caught.value.details["cause"]
    assert str(2**53 + 1) not in caught.value.message


@pytest.mark.rule("PLT-07")
def test_the_error_of_a_long_expression_is_short() -> None:
    """So that it fits beside the rest of an answer."""
    text = "claim.attributes.late == '" + "x" * 3_000 + "'"
    with pytest.raises(ConditionFailed) as caught:
        condition(text).evaluate(VALUES)
    assert len(caught.value.message) < 400
    assert caught.value.details["expression"].endswith("…")


@pytest.mark.rule("ACC-02")
def test_and_and_or_need_not_know_what_the_other_side_decides() -> None:
    """Whichever side the missing key stands on."""
    assert condition("claim.attributes.late == 'y' || true").evaluate(VALUES)
    assert not condition("claim.attributes.late == 'y' && false").evaluate(VALUES)
    assert not condition("has(dispute.currency) && dispute.currency == 'USD'").evaluate({})


@pytest.mark.rule("ACC-02")
def test_an_expression_tells_what_it_reads() -> None:
    """Whether it has(), looks up or compares; so that what does not read the request is evaluated once."""
    text = "has(claim.attributes.brand) && client.service_configured && 'claim.code' != dispute.currency"
    reading = condition(text)
    assert reading.reads == {"claim.attributes", "client.service_configured", "dispute.currency"}
    assert reading.reads_only({"claim", "client", "dispute"})
    assert not reading.reads_only({"claim", "client"})
    assert condition("1 < 2").reads_only(())
    assert condition("client.service_configured").evaluate({"client": {"service_configured": True}})


@pytest.mark.rule("ACC-02", "ACC-10")
def test_the_first_row_that_holds_wins() -> None:
    """Rows behind it are not even evaluated; where none holds, there is no outcome."""
    texts = {"dispute.currency == 'EUR'": 1, "claim.attributes.brand == 'VISA'": 2, "claim.attributes.late == 'y'": 3}
    table = DecisionTable(tuple((condition(text), outcome) for text, outcome in texts.items()))
    assert table.first_match(VALUES) == 2
    assert table.first_match(changed("dispute", "currency", "EUR")) == 1
    assert table.first_match(changed("claim", "attributes", {"brand": "MC", "late": "y"})) == 3
    assert table.first_match(changed("claim", "attributes", {"brand": "MC", "late": "n"})) is None
    assert DecisionTable(()).first_match(VALUES) is None
    assert table.reads_only({"claim", "dispute"})
    assert not table.reads_only({"claim"})


@pytest.mark.rule("ACC-02")
def test_a_row_that_cannot_be_evaluated_stops_the_table() -> None:
    """It might have won; the error names the row, whether a key is missing or a value cannot be handed over."""
    rows = [compile_condition(f"dispute.amount_minor == {n}", SHAPE, path=f"rows[{n}]") for n in range(2)]
    failing = compile_condition("claim.attributes[claim.code] == 'y'", SHAPE, path="rows[2]")
    table = DecisionTable(tuple((row, row.path) for row in (*rows, failing)))
    assert table.first_match(changed("dispute", "amount_minor", 1)) == "rows[1]"
    with pytest.raises(ConditionFailed) as caught:
        table.first_match(VALUES)
    assert caught.value.details["field"] == "rows[2]"
    wrong: Mapping[str, str] = {"C-7": "\ud800"}
    assert table.first_match({**changed("dispute", "amount_minor", 0), "claim": {"attributes": wrong}}) == "rows[0]"
    with pytest.raises(ConditionFailed) as caught:
        table.first_match(changed("dispute", "amount_minor", 2**63))
    assert caught.value.details["field"] == "rows[0]"


@pytest.mark.rule("ACC-02")
def test_an_expression_is_shared_by_threads() -> None:
    """Compiled once, evaluated by whichever thread serves a call."""
    shared, found = condition("claim.attributes.brand == 'VISA'"), []
    threads = [Thread(target=lambda: found.append(shared.evaluate(VALUES))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == [True] * 8
