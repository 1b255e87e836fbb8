"""Letters beyond Latin, Greek and Cyrillic: drawn by other fonts, shaped and in their direction, or told of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import reportlab

from domain.invoicing.configuration.model import Format
from domain.invoicing.documents import pdf
from domain.invoicing.documents.printing import fonts, letters
from domain.invoicing.documents.printing.checking import undrawable
from domain.invoicing.documents.printing.letters import BOLD, REGULAR
from domain.invoicing.export.rendering import Unsound, rendered
from tests.invoicing.documents.printed import texts, words
from tests.invoicing.documents.samples import BUYER, document, line

HEBREW, ARABIC, HINDI, THAI, GEORGIAN = "חברת החשמל", "شركة الكهرباء", "बिजली", "ค่าไฟฟ้า", "ელექტრო"


@pytest.fixture
def vera() -> Iterator[None]:
    """One font more, which has what those of the product have not."""
    path = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
    caches = (letters.load, letters._names, letters._letters, letters.pieces)
    for used in ([path], []):
        fonts.use(used)
        for cache in caches:
            cache.cache_clear()
        if used:
            yield


@pytest.mark.rule("INV-15")
@pytest.mark.parametrize("name", [HEBREW, ARABIC, HINDI, THAI, GEORGIAN])
def test_letters_of_other_scripts_are_drawn(name: str) -> None:
    """None is lacking, in both weights; each stands in the font that has it."""
    given = document(line(1, 100, description=f"Straße {name} 12"), buyer=replace(BUYER, name=name))
    assert undrawable(given) == []
    for font, other in ((REGULAR, "World"), (BOLD, "World-Bold")):
        assert {piece.font for piece in letters.pieces(f"Straße {name}", font)} == {font, other}
    assert pdf.rendered(given) == pdf.rendered(given)


@pytest.mark.rule("INV-15")
def test_hebrew_runs_leftward_and_numbers_in_it_do_not() -> None:
    """The last letter stands leftmost; a Latin line has its Hebrew words turned where they are."""
    shown = [str(piece.text) for piece in letters.pieces("אב 12", REGULAR)]
    assert "".join(shown).replace(" ", "") == "12בא"
    assert "".join(str(piece.text) for piece in letters.pieces("to אב, 12 now", REGULAR)) == "to 12 ,בא now"


@pytest.mark.rule("INV-15")
def test_brackets_in_hebrew_are_mirrored() -> None:
    """Around a number, and before Latin letters."""
    assert "".join(str(piece.text) for piece in letters.pieces("אב (12) Ltd", REGULAR)) == "Ltd (12) בא"


@pytest.mark.rule("INV-15")
def test_arabic_letters_are_joined() -> None:
    """Joined letters are other glyphs than those that stand alone, and take less room."""
    alone = sum(letters.width_of(char, REGULAR, 10) for char in ARABIC)
    assert letters.width_of(ARABIC, REGULAR, 10) < alone * 0.9


@pytest.mark.rule("INV-15")
def test_the_same_document_is_the_same_bytes_whatever_was_drawn_before() -> None:
    """Glyphs that only shaping leads to have their numbers from the font, not by their use."""
    arabic, hindi = (document(buyer=replace(BUYER, name=name)) for name in (ARABIC, HINDI))
    first = pdf.rendered(hindi)
    pdf.rendered(arabic)
    letters.pieces.cache_clear()
    assert pdf.rendered(hindi) == first


@pytest.mark.rule("INV-15", "PLT-07")
def test_a_letter_without_a_font_is_told_and_no_file_is_made() -> None:
    """With its field, in all formats; without PDF nothing is to be drawn."""
    given = document(
        line(1, 100, description="Water \N{CJK UNIFIED IDEOGRAPH-6C34}"), buyer=replace(BUYER, name="漢字")
    )
    with pytest.raises(Unsound) as refused:
        rendered(given, [Format.PDF, Format.UBL])
    assert refused.value.rule == "LETTER_WITHOUT_FONT"
    assert (
        "buyer.name has '漢' (U+6F22, CJK UNIFIED IDEOGRAPH-6F22), for which there is no font" in refused.value.message
    )
    assert "lines[0].description has '水'" in refused.value.message
    assert rendered(given, [Format.UBL])


@pytest.mark.rule("INV-15")
@pytest.mark.usefixtures("vera")
def test_fonts_of_the_installation_are_asked_for_what_is_lacking() -> None:
    """After those of the product, in both weights."""
    given = document(buyer=replace(BUYER, name="Sum ∑"))
    assert undrawable(given) == []
    assert [piece.font for piece in letters.pieces("Sum ∑", BOLD)] == [BOLD, "More-0"]
    assert "∑" in texts(pdf.rendered(given))[0]


def test_without_that_font_the_letter_is_lacking() -> None:
    """So that the test above says something."""
    assert [each.letter for each in undrawable(document(buyer=replace(BUYER, name="Sum ∑")))] == ["∑"]


@pytest.mark.rule("INV-15")
def test_long_words_of_any_script_stay_on_the_page() -> None:
    """Cut where they must, letters with their marks."""
    name = f"{THAI * 12} {ARABIC * 8} {HINDI * 20}"
    given = document(line(1, 100, description=name * 3), buyer=replace(BUYER, name=name))
    assert all(word.right < 549 for page in words(pdf.rendered(given)) for word in page)
