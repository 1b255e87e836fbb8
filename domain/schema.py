"""Every table of the product: one line a room."""

from domain.data_files import tables as data_files
from domain.gl_extraction import tables as gl_extraction
from domain.kernel import tables as kernel
from domain.kernel.columns import metadata
from domain.operations import tables as operations

__all__ = ["data_files", "gl_extraction", "kernel", "metadata", "operations"]
