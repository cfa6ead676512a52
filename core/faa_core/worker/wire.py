"""Frames and codec: how messages become bytes on a pipe, and bytes from an untrusted peer become messages.

A frame is ``>BII`` (kind, header length, payload length), the header in MessagePack, and raw payload. A `MESSAGE`
frame holds one tagged struct of `faa_core.worker.protocol`; its arrays lie in the payload, each at a multiple of
eight bytes, and the header says where. A `CHUNK` frame holds a `protocol.Chunk`; its payload is left on the stream,
so that a reader can take it straight into the array it belongs to.

A `PACKED` frame holds one of these: its header is ``>BIIB``, the other's kind and lengths and a stride, its payload the
rest of the other, deflated. Before that the bytes of the inner payload are regrouped, every stride-th together, because
the first bytes of numbers resemble each other more than the first and second of one. A reader of frames does not see
the difference.

Lengths are compared with the limits of the protocol before anything is allocated, dtypes with a list, and shapes
with the bytes that are there. Nothing on the wire can name a class or a function.
"""

from __future__ import annotations

import math
import struct
import zlib
from typing import IO, Any, Generic, NamedTuple, TypeVar, get_args

import msgspec
import numpy as np
from numpy.typing import NDArray

from faa_core.errors import UsageError, WorkerError
from faa_core.worker.protocol import HEADER_LIMIT, PAYLOAD_LIMIT, Chunk

MESSAGE = 1
CHUNK = 2
PACKED = 3

DTYPES = frozenset({"|b1", "|i1", "|u1", "<i2", "<u2", "<i4", "<u4", "<i8", "<u8", "<f2", "<f4", "<f8"})
"""Array types that may travel, by their NumPy names: booleans, integers and floats, little endian."""

_HEAD = struct.Struct(">BII")
_PACKED_HEAD = struct.Struct(">BIIB")
_STRIDES = (1, 2, 4, 8)
_DEFLATE_LEVEL = 3
_WORTH_PACKING = 512  # bytes
_ALIGNMENT = 8
_MOST_DIMENSIONS = 8
_LONGEST_DIMENSION = 2**32

M = TypeVar("M")


class Head(NamedTuple):
    """First part of a frame.

    Attributes:
        kind: `MESSAGE` or `CHUNK`.
        header: Its header.
        payload: Bytes of its payload.
        unpacked: The payload, where the frame was packed; else it follows on the stream.
    """

    kind: int
    header: bytes
    payload: int
    unpacked: bytes | None = None


class BadMessage(WorkerError):
    """A well-formed frame whose message this side does not understand.

    Attributes:
        tag: The message's ``type``; "" where it has none.
        id: The message's ``id``; 0 where it has none.
        fields: Everything readable in the header.
    """

    def __init__(self, reason: str, fields: dict[str, Any]) -> None:
        tag, id_ = fields.get("type"), fields.get("id")
        self.tag = tag if isinstance(tag, str) else ""
        self.id = id_ if isinstance(id_, int) and id_ >= 0 else 0
        self.fields = fields
        super().__init__(f"The message {self.tag!r} is not understood: {reason}.")


class _Place(msgspec.Struct, frozen=True, array_like=True):
    """What a header holds in place of an array."""

    dtype: str
    shape: tuple[int, ...]
    offset: int
    nbytes: int


# --- writing ------------------------------------------------------------------------------------------------------


def encode(message: msgspec.Struct) -> bytes:
    """Whole frame of ``message``, arrays included, as a copy that later changes to the arrays do not reach.

    Raises:
        UsageError: Header or payload are over the limits of the protocol.
        TypeError: A field has a type, or an array a dtype, that cannot travel.
    """
    header, payload = split(message)
    return _head(message, MESSAGE, header, len(payload)) + header + payload


def split(message: msgspec.Struct) -> tuple[bytes, bytearray]:
    """Header and payload of ``message``, of whatever length; a `Decoder` puts them together again.

    Raises:
        TypeError: A field has a type, or an array a dtype, that cannot travel.
    """
    payload = bytearray()

    def place(value: object) -> object:
        if isinstance(value, np.generic):
            return value.item()
        if not isinstance(value, np.ndarray):
            raise TypeError(f"{type(value).__name__} cannot travel")
        array = little_endian(value)
        payload.extend(bytes(-len(payload) % _ALIGNMENT))
        offset = len(payload)
        payload.extend(array.tobytes())
        return _Place(array.dtype.str, array.shape, offset, array.nbytes)

    return msgspec.msgpack.Encoder(enc_hook=place).encode(message), payload


def encode_chunk(chunk: Chunk, data: memoryview) -> tuple[bytes, memoryview]:
    """Frame of ``chunk`` in two parts, of which the second is ``data`` itself, not copied.

    Raises:
        UsageError: The data are over the limit of the protocol.
    """
    header = msgspec.msgpack.encode(chunk)
    return _head(chunk, CHUNK, header, data.nbytes) + header, data


def pack(*frame: bytes | memoryview, stride: int = _ALIGNMENT) -> bytes:
    """A frame packed; as it is where that makes it no shorter.

    Args:
        frame: The parts of a whole frame, of which the first holds at least its lengths and header.
        stride: 1, 2, 4 or 8: how many bytes the numbers of its payload have, as far as they are alike.
    """
    whole = b"".join(frame)
    kind, header, payload = _HEAD.unpack_from(whole)
    if len(whole) < _WORTH_PACKING:
        return whole
    begin = _HEAD.size + header
    grouped = whole[_HEAD.size : begin] + regrouped(whole[begin:], stride)
    data = zlib.compress(grouped, _DEFLATE_LEVEL)
    inner = _PACKED_HEAD.pack(kind, header, payload, stride)
    packed = _HEAD.pack(PACKED, len(inner), len(data)) + inner + data
    return packed if len(packed) < len(whole) and len(data) <= PAYLOAD_LIMIT else whole


def little_endian(array: NDArray[Any]) -> NDArray[Any]:
    """``array`` itself, or a copy, in C order and little endian.

    Raises:
        TypeError: Its dtype cannot travel.
    """
    result = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    if result.dtype.str not in DTYPES:
        raise TypeError(f"arrays of {array.dtype} cannot travel")
    return result


def _head(message: msgspec.Struct, kind: int, header: bytes, payload: int) -> bytes:
    for part, size, limit in (("header", len(header), HEADER_LIMIT), ("payload", payload, PAYLOAD_LIMIT)):
        if size > limit:
            raise UsageError(
                f"The {part} of a {type(message).__name__} message has {size:,} bytes; the protocol allows {limit:,}.",
                "Use a shorter text.",
            )
    return _HEAD.pack(kind, len(header), payload)


# --- reading ------------------------------------------------------------------------------------------------------


def read_head(stream: IO[bytes]) -> Head | None:
    """Next frame of a blocking stream up to its payload; ``None`` where the stream ends between two frames.

    Raises:
        WorkerError: The bytes are no frame, a length is over its limit, or the stream ends inside the frame.
    """
    first = stream.read(_HEAD.size)
    if not first:
        return None
    if len(first) < _HEAD.size:
        raise WorkerError("The stream ended inside a frame.")
    kind, header, payload = _HEAD.unpack(first)
    _check_head(kind, (MESSAGE, CHUNK, PACKED), header, payload)
    head = Head(kind, _exactly(stream, header), payload)
    return _unpacked(head.header, _exactly(stream, payload)) if kind == PACKED else head


def _check_head(kind: int, kinds: tuple[int, ...], header: int, payload: int) -> None:
    if kind not in kinds:
        raise WorkerError(f"A frame of unknown kind {kind} came: something else was written to the stream.")
    if header > HEADER_LIMIT or payload > PAYLOAD_LIMIT:
        raise WorkerError(
            f"A frame of {header:,} + {payload:,} bytes came; at most {HEADER_LIMIT:,} + {PAYLOAD_LIMIT:,} are allowed."
        )


def _unpacked(inner: bytes, data: bytes) -> Head:
    """The frame that a packed one holds; nothing longer than it says is ever inflated."""
    if len(inner) != _PACKED_HEAD.size:
        raise WorkerError("A packed frame does not say what it holds.")
    kind, header, payload, stride = _PACKED_HEAD.unpack(inner)
    _check_head(kind, (MESSAGE, CHUNK), header, payload)
    inflating = zlib.decompressobj()
    try:
        whole = inflating.decompress(data, header + payload + 1)
    except zlib.error as error:
        raise WorkerError(f"A packed frame cannot be unpacked: {error}.") from None
    if len(whole) != header + payload or not inflating.eof or inflating.unused_data or stride not in _STRIDES:
        raise WorkerError("A packed frame does not hold what it says.")
    return Head(kind, whole[:header], payload, regrouped(whole[header:], stride, back=True))


def regrouped(data: bytes, stride: int, back: bool = False) -> bytes:
    """The first bytes of every ``stride`` together, then the second ones ...; or, ``back``, as they were before."""
    count = len(data) // stride
    rows, columns = (stride, count) if back else (count, stride)
    regular = np.frombuffer(data, np.uint8, count * stride).reshape(rows, columns)
    return regular.T.tobytes() + data[count * stride :]


def read_payload(stream: IO[bytes], head: Head) -> bytes:
    """Payload of the frame that ``head`` began.

    Raises:
        WorkerError: The stream ended inside the frame.
    """
    return _exactly(stream, head.payload) if head.unpacked is None else head.unpacked


def read_into(stream: IO[bytes], head: Head, target: memoryview) -> None:
    """Take the payload of the frame that ``head`` began straight to its place.

    Args:
        stream: The stream.
        head: First part of the frame.
        target: A view of bytes, as long as the payload.

    Raises:
        WorkerError: The stream ended inside the frame.
    """
    if head.unpacked is not None:
        target[:] = head.unpacked
        return
    filled = 0
    while filled < target.nbytes:
        count = stream.readinto(target[filled:])  # type: ignore[attr-defined]
        if not count:
            raise WorkerError("The stream ended inside a frame.")
        filled += count


class Decoder(Generic[M]):
    """Decodes messages of one union of structs. Not shared between threads: a reader owns its decoder."""

    def __init__(self, union: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[M] = msgspec.msgpack.Decoder(union, dec_hook=self._array)
        self._payload = b""

    def __call__(self, header: bytes, payload: bytes = b"") -> M:
        """The message; its arrays are read-only views of ``payload``, which belongs to this message alone.

        Raises:
            BadMessage: The header is MessagePack, but no message of the union, or its arrays are not as announced.
            WorkerError: The header is not MessagePack.
        """
        self._payload = payload
        try:
            return self._decoder.decode(header)
        except msgspec.ValidationError as error:
            raise BadMessage(str(error), _fields(header)) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise WorkerError(f"A header is not MessagePack: {error}.") from None
        finally:
            self._payload = b""

    def _array(self, annotation: Any, value: object) -> NDArray[Any]:
        """Array that the header places at ``value``. msgspec turns a ValueError into a ValidationError."""
        place = msgspec.convert(value, _Place)
        if place.dtype not in DTYPES:
            raise ValueError(f"dtype {place.dtype!r} is not allowed")
        dtype = np.dtype(place.dtype)
        expected = _scalar_type(annotation)
        if expected is not None and np.dtype(expected) != dtype:
            raise ValueError(f"expected {np.dtype(expected)}, got {dtype}")
        if len(place.shape) > _MOST_DIMENSIONS or not all(0 <= n <= _LONGEST_DIMENSION for n in place.shape):
            raise ValueError(f"shape {place.shape} is not allowed")
        if math.prod(place.shape) * dtype.itemsize != place.nbytes:
            raise ValueError(f"shape {place.shape} of {dtype} does not have {place.nbytes} bytes")
        if place.offset < 0 or place.offset % _ALIGNMENT or place.offset + place.nbytes > len(self._payload):
            raise ValueError(f"{place.nbytes} bytes at {place.offset} are not inside the payload")
        array: NDArray[Any] = np.ndarray(place.shape, dtype, self._payload, place.offset)
        if dtype == np.bool_ and array.size and int(array.view(np.uint8).max()) > 1:
            raise ValueError("a boolean is neither 0 nor 1")
        return array


def _scalar_type(annotation: Any) -> type[np.generic] | None:
    """``np.float64`` for the annotation ``NDArray[np.float64]``; ``None`` where it names no concrete dtype."""
    arguments = get_args(annotation)
    inner = get_args(arguments[1]) if len(arguments) == 2 else ()
    scalar = inner[0] if inner else None
    if isinstance(scalar, type) and issubclass(scalar, np.generic) and np.dtype(scalar).newbyteorder("<").str in DTYPES:
        return scalar
    return None


def _fields(header: bytes) -> dict[str, Any]:
    """All fields of a header of unknown type, for the error message; empty where it is not a map."""
    try:
        return msgspec.msgpack.decode(header, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _exactly(stream: IO[bytes], size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise WorkerError("The stream ended inside a frame.")
    return data
