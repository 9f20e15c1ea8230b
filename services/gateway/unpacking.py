"""Removes content encodings (gzip, deflate), with bounds on output, gzip members and copying."""

import zlib
from collections.abc import Iterator
from typing import Final

from schemas.validation import NotParseable

MOST_MEMBERS: Final = 1000
"""The most members of one gzip body. A client that compresses event by event sends fewer; a member
can be as small as 20 bytes, so without a bound a body could hold half a million."""

_GZIP: Final = 31
_ZLIB: Final = 15
_RAW: Final = -15
_PIECE_BYTES: Final = 16 * 1024
"""Bytes fed to zlib at once. Whatever follows the end of a member is copied out of its piece: with
the whole body as one piece, the rest of it would be copied once for each member."""


class UnsupportedMediaType(ValueError):
    """The content type or the content encoding is not supported."""


class TooLarge(ValueError):
    """The body, or the number of its events, exceeds the limit."""


def unpack(encoding: str, body: bytes, most_bytes: int) -> bytes:
    """Return a body with its content encoding removed. `most_bytes`: the limit of the result.

    For compressed bodies this runs in the decoder's thread; work and memory are bounded by the size
    of the body and `most_bytes`.
    Raises NotParseable (400), TooLarge (413), UnsupportedMediaType (415).
    """
    encoding = encoding.strip().lower()
    if encoding in ("", "identity"):
        return body
    if encoding == "gzip":
        return _gzip(body, most_bytes)
    if encoding == "deflate":
        return _deflate(body, most_bytes)
    raise UnsupportedMediaType(
        f"content encoding {encoding!r} is not supported; send gzip, deflate or none"
    )


def _gzip(body: bytes, most_bytes: int) -> bytes:
    # A gzip file may have several members (RFC 1952): those after the first must not be dropped.
    out = bytearray()
    pieces = _pieces(body)
    rest = b""
    for member in range(MOST_MEMBERS + 1):
        rest = rest or next(pieces, b"")
        if not rest:
            break
        if member == MOST_MEMBERS:
            raise TooLarge(f"the body has more than {MOST_MEMBERS} gzip files; pack it as one")
        rest = _member(_GZIP, rest, pieces, out, most_bytes, "gzip")
    return bytes(out)


def _deflate(body: bytes, most_bytes: int) -> bytes:
    # `deflate` means zlib's format (RFC 9110), but some clients send the bare stream without the
    # zlib header.
    zlib_header = len(body) >= 2 and body[0] & 15 == 8 and (body[0] * 256 + body[1]) % 31 == 0
    out = bytearray()
    pieces = _pieces(body)
    form = _ZLIB if zlib_header else _RAW
    rest = _member(form, next(pieces, b""), pieces, out, most_bytes, "deflate")
    if rest or next(pieces, b""):
        raise NotParseable("the body continues after the end of its deflate stream")
    return bytes(out)


def _pieces(body: bytes) -> Iterator[bytes]:
    for start in range(0, len(body), _PIECE_BYTES):
        yield body[start : start + _PIECE_BYTES]


def _member(  # noqa: PLR0913, PLR0917 - all of them change with each call
    form: int, piece: bytes, pieces: Iterator[bytes], out: bytearray, most_bytes: int, name: str
) -> bytes:
    """Decompress one stream into `out`; return the bytes that follow it in its last piece."""
    unpack = zlib.decompressobj(wbits=form)
    while piece:
        try:
            out += unpack.decompress(piece, most_bytes + 1 - len(out))
        except zlib.error:
            raise NotParseable(f"the body is not {name}, or is damaged") from None
        if len(out) > most_bytes:
            raise TooLarge(f"the body unpacks to more than {most_bytes} bytes")
        if unpack.eof:
            return unpack.unused_data
        piece = unpack.unconsumed_tail or next(pieces, b"")
    raise NotParseable(f"the {name} body ends too early")
