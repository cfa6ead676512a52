from __future__ import annotations

import io
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import hypothesis.extra.numpy as hnp
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from faa_core.errors import UsageError, WorkerError
from faa_core.records import Statistics
from faa_core.worker import protocol, wire

Same = Callable[[Any, Any], bool]


class Holder(msgspec.Struct, frozen=True, tag="holder", tag_field="type"):
    first: NDArray[Any]
    second: NDArray[Any]


def received(frame: bytes, union: Any) -> Any:
    stream = io.BytesIO(frame)
    head = wire.read_head(stream)
    assert head is not None
    message = wire.Decoder[Any](union)(head.header, wire.read_payload(stream, head))
    assert wire.read_head(stream) is None
    return message


def test_every_message_survives_the_wire(messages: list[Any], same: Same) -> None:
    types = {type(message) for message in messages}
    assert types == {*protocol.Request.__args__, *protocol.Event.__args__}
    for message in messages:
        union = protocol.Request if isinstance(message, protocol.Request) else protocol.Event
        assert same(received(wire.encode(message), union), message)


DTYPES = st.sampled_from(sorted(wire.DTYPES | {">f8", ">i4", ">u2", ">f2"}))
ARRAYS = DTYPES.flatmap(lambda name: hnp.arrays(name, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)))
LAYOUTS: list[Callable[[NDArray[Any]], NDArray[Any]]] = [
    lambda a: a,
    np.asfortranarray,
    lambda a: a.T,
    lambda a: a[..., ::2] if a.ndim else a,
    lambda a: a[::-1] if a.ndim else a,
]


@given(ARRAYS, ARRAYS, st.sampled_from(LAYOUTS))
def test_arrays_of_every_kind_and_layout_arrive_bit_by_bit(
    first: NDArray[Any], second: NDArray[Any], layout: Callable[[NDArray[Any]], NDArray[Any]]
) -> None:
    sent = Holder(layout(first), layout(second))
    got = received(wire.encode(sent), Holder)
    for mine, theirs in ((sent.first, got.first), (sent.second, got.second)):
        assert theirs.shape == mine.shape
        assert theirs.dtype == mine.dtype.newbyteorder("<")
        assert theirs.tobytes() == mine.astype(theirs.dtype).tobytes()
        assert not theirs.flags.writeable
        assert theirs.flags.c_contiguous
        assert theirs.flags.aligned


def test_a_message_is_a_copy_of_its_arrays() -> None:
    array = np.zeros(3)
    frame = wire.encode(Holder(array, array))
    array[:] = 1
    assert received(frame, Holder).first.tolist() == [0, 0, 0]


def test_numpy_numbers_travel_as_numbers() -> None:
    sent = protocol.Beat(np.float64(1.5), np.int64(7), 0, 0)  # type: ignore[arg-type]
    assert received(wire.encode(sent), protocol.Event) == protocol.Beat(1.5, 7, 0, 0)


@pytest.mark.parametrize(
    "array",
    [
        np.array([object()]),
        np.array(["text"]),
        np.array([1j]),
        np.array(["2020-01-01"], "datetime64[D]"),
        np.zeros(2, [("a", "f4")]),
        np.zeros(2, np.longdouble),
    ],
    ids=lambda array: str(array.dtype),
)
def test_other_arrays_do_not_travel(array: NDArray[Any]) -> None:
    with pytest.raises(TypeError, match="cannot travel"):
        wire.encode(Holder(np.zeros(1), array))


def frame_of(fields: object, payload: bytes = b"") -> bytes:
    header = msgspec.msgpack.encode(fields)
    return struct.pack(">BII", wire.MESSAGE, len(header), len(payload)) + header + payload


GOOD_PLACE: list[Any] = ["<f8", [2], 0, 16]


@pytest.mark.parametrize(
    "place",
    [
        ["<f8", [3], 0, 24],  # past the payload
        ["<f8", [2], 8, 16],
        ["<f8", [2], -8, 16],
        ["<f8", [2], 2**63, 16],
        ["<f4", [2], 4, 8],  # unaligned
        ["<f8", [2], 0, 8],  # shape and bytes disagree
        ["<f8", [2**62, 4], 0, 0],  # a product that would overflow 64 bits to 0
        ["<f8", [-1, -2], 0, 16],
        ["<f8", [2**40, 0], 0, 0],
        ["<f8", [2**32, 2**32, 0], 0, 0],
        ["<f8", [1] * 9 + [2], 0, 16],
        ["|O", [2], 0, 16],
        ["O", [2], 0, 16],
        ["<U2", [2], 0, 16],
        [">f8", [2], 0, 16],
        ["float64", [2], 0, 16],
        ["<c16", [1], 0, 16],
        ["|b1", [16], 0, 16],  # bytes that are no booleans
        ["<f8", "2", 0, 16],
        ["<f8", [2.0], 0, 16],
        ["<f8", [2], 0],
        {"dtype": "<f8"},
        None,
        b"\x00" * 16,
    ],
    ids=repr,
)
def test_an_array_that_is_not_where_the_header_says_is_refused(place: object) -> None:
    payload = b"\x07" * 16
    assert received(frame_of({"type": "holder", "first": GOOD_PLACE, "second": GOOD_PLACE}, payload), Holder)
    with pytest.raises(wire.BadMessage):
        received(frame_of({"type": "holder", "first": GOOD_PLACE, "second": place}, payload), Holder)


def test_an_array_of_another_dtype_than_the_record_declares_is_refused(layer_result: Any) -> None:
    statistics = layer_result.statistics
    wrong = msgspec.structs.replace(statistics, null=statistics.null.astype(np.float32))
    with pytest.raises(wire.BadMessage, match="expected float64, got float32"):
        received(wire.encode(wrong), Statistics)


@given(st.binary(max_size=200), st.binary(max_size=32))
def test_no_header_does_more_than_raise_a_worker_error(header: bytes, payload: bytes) -> None:
    for union in (protocol.Request, protocol.Event, Holder):
        try:
            wire.Decoder[Any](union)(header, payload)
        except WorkerError:
            continue


@pytest.mark.parametrize("header", [b"\x91" * 100_000, b"\x81\xa1a" * 30_000, b"", b"\xc1", b"\x81\xa4type\xa1\xff"])
def test_deep_empty_and_broken_headers_are_refused(header: bytes) -> None:
    with pytest.raises(WorkerError):
        wire.Decoder[Any](protocol.Request)(header)


@given(st.binary(min_size=1, max_size=64))
def test_no_stream_does_more_than_raise_a_worker_error(data: bytes) -> None:
    stream = io.BytesIO(data)
    try:
        while (head := wire.read_head(stream)) is not None:
            wire.read_payload(stream, head)
    except WorkerError:
        pass


@pytest.mark.parametrize(
    ("kind", "header", "payload"),
    [
        (wire.MESSAGE, protocol.HEADER_LIMIT + 1, 0),
        (wire.MESSAGE, 1, protocol.PAYLOAD_LIMIT + 1),
        (wire.CHUNK, 1, 2**32 - 1),
        (0, 1, 1),
        (ord("H"), 1, 1),
    ],
)
def test_lengths_and_kinds_are_refused_before_anything_is_read(kind: int, header: int, payload: int) -> None:
    stream = io.BytesIO(struct.pack(">BII", kind, header, payload) + b"x" * 100)
    with pytest.raises(WorkerError):
        wire.read_head(stream)
    assert stream.tell() == 9


def test_a_frame_cut_short_anywhere_is_an_error_and_a_clean_end_is_not() -> None:
    frame = wire.encode(Holder(np.arange(4), np.arange(4)))
    assert wire.read_head(io.BytesIO(b"")) is None
    for length in range(1, len(frame)):
        with pytest.raises(WorkerError, match="inside a frame"):
            received(frame[:length], Holder)


def test_unknown_fields_are_ignored() -> None:
    sent = {"type": "ping", "token": 5, "urgency": {"deep": [1, 2]}}
    assert received(frame_of(sent), protocol.Request) == protocol.Ping(5)


def test_an_unknown_message_is_told_with_its_tag_and_id() -> None:
    with pytest.raises(wire.BadMessage, match="survey") as caught:
        received(frame_of({"type": "survey", "id": 12}), protocol.Request)
    assert (caught.value.tag, caught.value.id) == ("survey", 12)


@pytest.mark.parametrize("fields", [{"type": 7, "id": "x"}, {"id": -1}, {}, [1], "ping", {"type": "ping"}, {1: 2}])
def test_a_message_without_sense_is_a_bad_message(fields: object) -> None:
    with pytest.raises(wire.BadMessage) as caught:
        received(frame_of(fields), protocol.Request)
    assert caught.value.id == 0


def test_messages_over_the_limits_are_not_sent() -> None:
    with pytest.raises(UsageError, match="header of a Run"):
        wire.encode(protocol.Run(1, "demo", "x" * protocol.HEADER_LIMIT))
    with pytest.raises(UsageError, match="payload of a Holder"):
        wire.encode(Holder(np.zeros(protocol.PAYLOAD_LIMIT, np.uint8), np.zeros(1)))


def test_a_chunk_is_sent_without_a_copy_of_its_data() -> None:
    array = np.arange(6, dtype=np.float16).reshape(2, 3)
    chunk = protocol.Chunk(3, "tile", "<f2", (2, 3), 4, 12)
    head, data = wire.encode_chunk(chunk, array.reshape(-1).view(np.uint8).data[4:8])
    assert np.shares_memory(np.frombuffer(data, np.uint8), array)

    stream, target = io.BytesIO(head + data), bytearray(4)
    read = wire.read_head(stream)
    assert read is not None
    assert (read.kind, read.payload) == (wire.CHUNK, 4)
    assert wire.Decoder[protocol.Chunk](protocol.Chunk)(read.header) == chunk
    wire.read_into(stream, read, memoryview(target))
    assert bytes(target) == array.tobytes()[4:8]


@pytest.mark.parametrize("module", ["client", "wire", "protocol", "process", "greeting", "__main__", "server"])
def test_nothing_but_the_engine_imports_torch(module: str) -> None:
    heavy = {"torch", "transformers", "textual"}
    code = f"import sys, faa_core.worker.{module}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
