"""The smallest PNG there is for a map: one byte a pixel and a palette. ISO/IEC 15948, by zlib alone."""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from faa_core.colours import RGB


def png(pixels: NDArray[np.uint8], palette: Sequence[RGB], transparent: int | None = None) -> bytes:
    """An image of palette indices.

    Args:
        pixels: uint8 [rows, columns]: indices into ``palette``.
        palette: At most 256 colours.
        transparent: The index that shows what is behind the image.
    """
    height, width = pixels.shape
    lines = np.zeros((height, width + 1), np.uint8)  # each line begins with its filter, 0 for none
    lines[:, 1:] = pixels
    chunks = [
        _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        _chunk(b"PLTE", bytes(channel for colour in palette for channel in colour)),
    ]
    if transparent is not None:
        chunks.append(_chunk(b"tRNS", bytes(255 if index != transparent else 0 for index in range(transparent + 1))))
    chunks += [_chunk(b"IDAT", zlib.compress(lines.tobytes(), 9)), _chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def data_uri(kind: str, content: bytes) -> str:
    """``content`` as an address that needs no network."""
    return f"data:{kind};base64,{b64encode(content).decode()}"


def _chunk(name: bytes, content: bytes) -> bytes:
    body = name + content
    return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))
