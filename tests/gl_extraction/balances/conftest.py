"""What the tests of balances share."""

from tests.gl_extraction.extraction.conftest import desk

__all__ = ["desk"]
