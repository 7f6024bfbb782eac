"""Content encodings, for reading a copy of what passes: the bytes themselves go on as they came."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import brotli
import zstandard

Decode = Callable[[bytes], bytes]


class UnknownEncoding(Exception):
    """The bytes are in an encoding that memproxy cannot read, or are not in the one they claim."""


def decoder(encoding: str) -> Decode:
    """A function that decodes piece by piece; it raises `UnknownEncoding` on broken data. Raises it at once for an
    encoding nobody taught us."""
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return bytes
    if name in ("gzip", "x-gzip", "deflate"):
        return _guarded(_zlib(name))
    if name == "br":
        return _guarded(brotli.Decompressor().process)
    if name == "zstd":
        return _guarded(zstandard.ZstdDecompressor().decompressobj().decompress)
    raise UnknownEncoding(f"content-encoding {encoding!r}")


def decode(body: bytes, encoding: str) -> bytes:
    """A whole body, or as much of one as arrived."""
    return decoder(encoding)(body)


def _zlib(name: str) -> Decode:
    # `deflate` is sent with and without the zlib header; the first byte tells.
    state: list[Callable[[bytes], bytes]] = []

    def decompress(piece: bytes) -> bytes:
        if not state:
            raw = name == "deflate" and bool(piece) and piece[0] & 0x0F != 8
            state.append(zlib.decompressobj(-15 if raw else 47).decompress)
        return state[0](piece)

    return decompress


def _guarded(decompress: Decode) -> Decode:
    def guarded(piece: bytes) -> bytes:
        try:
            return decompress(piece)
        except (zlib.error, brotli.error, zstandard.ZstdError) as exc:
            raise UnknownEncoding(str(exc)) from exc

    return guarded
