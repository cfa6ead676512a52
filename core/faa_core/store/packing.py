"""Records as bytes: as they travel between processes, deflated, of whatever length.

A blob is ``>II``, the lengths of header and payload of `faa_core.worker.wire`, and both deflated; the bytes of the
payload are regrouped before, every eighth together. Arrays come back bit for bit, of the same type.
"""

from __future__ import annotations

import struct
import zlib
from typing import TypeVar

import msgspec

from faa_core.errors import WorkerError
from faa_core.worker import wire

R = TypeVar("R", bound=msgspec.Struct)

_LENGTHS = struct.Struct(">II")
_STRIDE = 8
_DEFLATE_LEVEL = 3


def pack(record: msgspec.Struct) -> bytes:
    """Bytes of a frozen struct over arrays."""
    header, payload = wire.split(record)
    grouped = header + wire.regrouped(bytes(payload), _STRIDE)
    return _LENGTHS.pack(len(header), len(payload)) + zlib.compress(grouped, _DEFLATE_LEVEL)


def unpack(blob: bytes, type_: type[R]) -> R:
    """The struct of ``type_`` that `pack` made ``blob`` from; its arrays are read-only.

    Raises:
        ValueError: The bytes are not those of such a struct.
    """
    try:
        header, payload = _LENGTHS.unpack_from(blob)
        whole = zlib.decompress(blob[_LENGTHS.size :])
        if len(whole) != header + payload:
            raise ValueError("it does not have the length that it says")
        plain = wire.regrouped(whole[header:], _STRIDE, back=True)
        return wire.Decoder[R](type_)(whole[:header], plain)
    except (struct.error, zlib.error, WorkerError) as error:
        raise ValueError(str(error)) from None
