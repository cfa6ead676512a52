"""Packed frames: the same messages in fewer bytes, and nothing that a hostile worker packs does harm."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from faa_core.errors import WorkerError
from faa_core.worker import protocol, wire


def packed(kind: int, header: int, payload: int, data: bytes, stride: int = 8) -> bytes:
    inner = struct.pack(">BIIB", kind, header, payload, stride)
    return struct.pack(">BII", wire.PACKED, len(inner), len(data)) + inner + data


def read(frame: bytes) -> tuple[wire.Head, bytes]:
    stream = io.BytesIO(frame)
    head = wire.read_head(stream)
    assert head is not None
    payload = wire.read_payload(stream, head)
    assert wire.read_head(stream) is None
    return head, payload


def test_every_message_survives_being_packed(messages: list[Any]) -> None:
    for message in messages:
        frame = wire.encode(message)
        plain, unpacked = read(frame), read(wire.pack(frame))
        assert unpacked[0][:3] == plain[0][:3]
        assert unpacked[1] == plain[1]


@given(hnp.arrays("<f2", hnp.array_shapes(max_dims=2, max_side=64)), st.sampled_from([1, 2, 4, 8]))
def test_a_chunk_comes_to_its_place_packed_or_not(array: np.ndarray, stride: int) -> None:
    chunk = protocol.Chunk(3, "tile", "<f2", array.shape, 0, array.nbytes)
    parts = wire.encode_chunk(chunk, array.reshape(-1).view(np.uint8).data)
    for frame in (b"".join(parts), wire.pack(*parts, stride=stride)):
        stream, target = io.BytesIO(frame), bytearray(array.nbytes)
        head = wire.read_head(stream)
        assert head is not None
        assert (head.kind, head.payload) == (wire.CHUNK, array.nbytes)
        wire.read_into(stream, head, memoryview(target))
        assert bytes(target) == array.tobytes()


def test_numbers_that_resemble_each_other_pack_well_and_noise_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    alike = wire.encode(protocol.Fail(1, "error", "x" * 2000))
    assert len(wire.pack(alike)) < len(alike) / 10
    noise = wire.encode_chunk(protocol.Chunk(1, "tile", "<f2", (2000,), 0, 4000), memoryview(rng.bytes(4000)))
    assert wire.pack(*noise) == b"".join(noise)
    small = wire.encode(protocol.Pong(1))
    assert wire.pack(small) == small


BODY = b"\x81\xa4type\xa4pong" + bytes(100)


@pytest.mark.parametrize(
    "frame",
    [
        packed(wire.MESSAGE, 10, 100, zlib.compress(BODY)),  # shorter than what is there
        packed(wire.MESSAGE, 13, 100, zlib.compress(BODY)),  # longer
        packed(wire.MESSAGE, 11, 100, zlib.compress(BODY)[:-1]),  # cut short
        packed(wire.MESSAGE, 11, 100, zlib.compress(BODY) + b"more"),
        packed(wire.MESSAGE, 11, 100, b"no deflated data"),
        packed(wire.MESSAGE, 11, 100, zlib.compress(BODY), stride=0),
        packed(wire.MESSAGE, 11, 100, zlib.compress(BODY), stride=3),
        packed(wire.PACKED, 11, 100, zlib.compress(BODY)),  # packed twice
        packed(9, 11, 100, zlib.compress(BODY)),
        packed(wire.MESSAGE, protocol.HEADER_LIMIT + 1, 0, zlib.compress(bytes(protocol.HEADER_LIMIT + 1))),
        packed(wire.CHUNK, 1, 2**32 - 1, zlib.compress(bytes(100))),
        struct.pack(">BII", wire.PACKED, 0, 0),
        struct.pack(">BII", wire.PACKED, 10, protocol.PAYLOAD_LIMIT + 1) + bytes(10),
    ],
    ids=range(13),
)
def test_a_packed_frame_that_is_not_what_it_says_ends_the_connection(frame: bytes) -> None:
    with pytest.raises(WorkerError):
        read(frame)


def test_what_is_packed_small_is_not_let_grow_large() -> None:
    bomb = packed(wire.MESSAGE, 10, 10, zlib.compress(bytes(512 * 1024 * 1024), 9))
    tracemalloc.start()
    with pytest.raises(WorkerError, match="does not hold what it says"):
        read(bomb)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8 * len(bomb)


@given(st.binary(max_size=60), st.integers(0, 5), st.integers(0, 40), st.integers(0, 40), st.integers(0, 9))
def test_no_packed_frame_does_more_than_raise_a_worker_error(
    data: bytes, kind: int, header: int, payload: int, stride: int
) -> None:
    for body in (data, zlib.compress(data)):
        try:
            read(packed(kind, header, payload, body, stride))
        except WorkerError:
            continue
