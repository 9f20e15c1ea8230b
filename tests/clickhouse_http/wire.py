"""Decoding of requests and encoding of answers: chunks, compression, multipart forms."""

from __future__ import annotations

import gzip
import importlib
import re
import zlib
from typing import Any, BinaryIO

_BOUNDARY = re.compile(r'boundary="?([^";]+)"?', re.IGNORECASE)
_FIELD = re.compile(rb'(?:^|[;\s])name="([^"]*)"', re.IGNORECASE)
_FILE = re.compile(rb'(?:^|[;\s])filename="', re.IGNORECASE)


class WireError(Exception):
    """The request is malformed, or encoded in a way that this server does not support."""


def read_chunked(stream: BinaryIO) -> bytes:
    """Read a chunked body, as clickhouse-connect sends its inserts. Raises WireError."""
    chunks: list[bytes] = []
    while True:
        header = stream.readline()
        try:
            size = int(header.split(b";", 1)[0], 16)
        except ValueError as error:
            raise WireError("malformed chunk in the request body") from error
        if size == 0:
            break
        chunk = stream.read(size)
        if len(chunk) != size:
            raise WireError("the request body ended in the middle of a chunk")
        chunks.append(chunk)
        stream.readline()
    while stream.readline().strip():
        pass  # trailers
    return b"".join(chunks)


def decompress(data: bytes, encoding: str) -> bytes:
    """Undo the Content-Encoding. A body may have several frames: one for each block of an insert.

    Raises WireError.
    """
    if not data or encoding in ("", "identity"):
        return data
    try:
        if encoding == "gzip":
            return gzip.decompress(data)
        if encoding == "deflate":
            return zlib.decompress(data)
        if encoding == "lz4":
            return _lz4_frames(data)
        if encoding == "zstd":
            return bytes(_zstd().decompress(data))
    except WireError:
        raise
    except Exception as error:  # each codec raises its own errors
        raise WireError(f"the body is not valid {encoding}: {error}") from error
    raise WireError(f"unknown Content-Encoding {encoding}")


def _lz4_frames(data: bytes) -> bytes:
    out = bytearray()
    while data:
        frame = _lz4().LZ4FrameDecompressor()
        out += frame.decompress(data)
        if not frame.eof:
            raise WireError("the lz4 body ends in the middle of a frame")
        data = frame.unused_data or b""
    return bytes(out)


def compress(data: bytes, accepted: str) -> tuple[bytes, str | None]:
    """Compress an answer by the first supported encoding of an Accept-Encoding header.

    Return the body and the encoding, or the unchanged body and None.
    """
    for name in (part.split(";", 1)[0].strip().lower() for part in accepted.split(",")):
        if name == "gzip":
            return gzip.compress(data, compresslevel=1), name
        if name == "deflate":
            return zlib.compress(data, level=1), name
        if name == "lz4":
            return bytes(_lz4().compress(data)), name
        if name == "zstd":
            return bytes(_zstd().compress(data)), name
    return data, None


# Both come with clickhouse-connect. Imported on first use: plain requests need neither.
def _lz4() -> Any:
    return importlib.import_module("lz4.frame")


def _zstd() -> Any:
    try:
        return importlib.import_module("compression.zstd")
    except ModuleNotFoundError:  # before Python 3.14
        return importlib.import_module("backports.zstd")


def form_fields(body: bytes, content_type: str) -> dict[str, bytes]:
    """Return the fields of a multipart form: clickhouse-connect sends long parameters this way.

    Raises WireError if the form is malformed or contains a file.
    """
    boundary = _BOUNDARY.search(content_type)
    if boundary is None:
        raise WireError("the Content-Type of the multipart body has no boundary")
    fields: dict[str, bytes] = {}
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.group(1).encode())[1:]:
        if part.startswith(b"--"):
            break
        head, _, value = part.partition(b"\r\n\r\n")
        name = _FIELD.search(head)
        if name is None:
            continue
        if _FILE.search(head):
            raise WireError("external tables are not supported")
        fields[name.group(1).decode()] = value
    return fields
