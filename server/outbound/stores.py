"""The store of files that the settings name."""

from __future__ import annotations

from domain.data_files.storage import FileStore
from server.outbound.files import LocalFiles
from server.outbound.s3 import Place, S3Files
from server.settings import Settings


def file_store(settings: Settings) -> FileStore:
    """Where data files are kept: the bucket that is named, else the folder."""
    if not settings.data_files_url:
        return LocalFiles(settings.data_files_folder)
    bucket, _, prefix = settings.data_files_url.removeprefix("s3://").partition("/")
    return S3Files(Place(bucket, prefix, settings.data_files_endpoint_url))
