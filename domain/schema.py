"""Every table of the product, and what a violated constraint means to a caller: one line a room each."""

from collections.abc import Callable, Mapping

from domain.data_files import tables as data_files
from domain.gl_extraction import tables as gl_extraction
from domain.kernel import tables as kernel
from domain.kernel.columns import metadata
from domain.kernel.errors import DomainError
from domain.operations import tables as operations

__all__ = ["CONSTRAINTS", "data_files", "gl_extraction", "kernel", "metadata", "operations"]

CONSTRAINTS: Mapping[str, Callable[[], DomainError]] = {}
"""By the constraint's name, the refusal that a violation of it becomes."""
