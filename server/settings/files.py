"""Where data files are kept when a folder of the machine will not do."""

from __future__ import annotations

import importlib.util
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, Field

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")


def _bucket_url(url: str) -> str:
    """s3://bucket or s3://bucket/prefix, or nothing."""
    if not url:
        return ""
    scheme, _, rest = url.partition("://")
    bucket, _, prefix = rest.partition("/")
    prefix = prefix.rstrip("/")
    if scheme != "s3" or not _BUCKET.fullmatch(bucket) or (prefix and not _is_prefix(prefix)):
        raise ValueError("is not s3://bucket or s3://bucket/prefix; credentials do not stand in it")
    return f"s3://{bucket}/{prefix}" if prefix else f"s3://{bucket}"


def _is_prefix(text: str) -> bool:
    return _PREFIX.fullmatch(text) is not None and not {".", ".."} & set(text.split("/"))


def _endpoint(url: str) -> str:
    """A web address of a host, or nothing."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_one = urlsplit(""), False
    plain = not (parts.query or parts.fragment or parts.path.strip("/") or "@" in parts.netloc)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not port_is_one or not plain:
        raise ValueError("is not https://host or https://host:port; credentials do not stand in it")
    return url.rstrip("/")


class DataFiles(BaseModel):
    """Where data files are kept when a folder of the machine will not do."""

    data_files_url: Annotated[str, AfterValidator(_bucket_url)] = Field(
        "", description="s3://bucket or s3://bucket/prefix for data files; empty keeps them in data_files_folder"
    )
    data_files_endpoint_url: Annotated[str, AfterValidator(_endpoint)] = Field(
        "", description="https://host of the store behind data_files_url; empty for Amazon's own"
    )


def contradictions(settings: DataFiles, prefix: str) -> list[str]:
    """What these settings say against each other, or ask for and do not find."""
    lines = []
    if settings.data_files_endpoint_url and not settings.data_files_url:
        lines.append(f"{prefix}DATA_FILES_ENDPOINT_URL: needs {prefix}DATA_FILES_URL, such as s3://bucket/prefix")
    if settings.data_files_url and importlib.util.find_spec("s3fs") is None:
        lines.append(f"{prefix}DATA_FILES_URL: needs the extra s3: pip install 'countinghouse-server[s3]'")
    return lines
