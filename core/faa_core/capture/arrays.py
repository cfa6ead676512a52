"""Attention from files of other tools: ``.npy``, ``.npz`` and ``.safetensors``."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open

from faa_core.capture.calls import RowBudget
from faa_core.capture.strips import StripSink, strip_rows
from faa_core.errors import ArrayFileError, UsageError
from faa_core.geometry.support import Support
from faa_core.models.devices import for_sums
from faa_core.models.footprint import Footprint
from faa_core.models.loading import versions
from faa_core.models.tokens import Encoded
from faa_core.records import LayerInfo, MapKind, ModelInfo, Pattern, Tokens

_SHAPES = "Wanted are [n, m], [heads, n, m] or [layers, heads, n, m], or one array of [heads, n, m] for each layer."
_TOKENS = "tokens"
_FLOATS = ("float16", "bfloat16", "float32", "float64")


@dataclass(frozen=True)
class _Stored:
    """One array of a file.

    Attributes:
        name: Name in the file, or the file's own.
        dtype: Name of its number format.
        shape: Its shape.
        read: ``read(index)`` returns the part that ``index`` picks, as a tensor.
        nbytes: Memory that keeping it readable takes; 0 where rows come from the disk.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    read: Callable[[tuple[Any, ...]], torch.Tensor]
    nbytes: int


@dataclass(frozen=True)
class _Layer:
    """The maps of one layer, somewhere inside a stored array."""

    stored: _Stored
    before: tuple[int, ...]  # index of the layer in front of [heads, n, m] or [n, m]
    heads: int
    queries: int
    keys: int

    @property
    def nbytes(self) -> int:
        return self.stored.nbytes

    def rows(self, start: int, stop: int) -> torch.Tensor:
        heads = () if len(self.stored.shape) - len(self.before) == 2 else (slice(None),)
        part = self.stored.read((*self.before, *heads, slice(start, stop)))
        # A copy, because a sink may overwrite it, and the file may be mapped.
        return part.reshape(self.heads, stop - start, self.keys).to(torch.float32, copy=True)


class ArraySource:
    """A file of attention as a source: the same maps whatever the text.

    A map is taken for causal where it is square and exactly 0 above the diagonal, otherwise for bidirectional; more
    cannot be known from numbers alone. Values are not judged here.

    Args:
        path: The file.
        reference: The reference as it was asked for.
        device: Where strips are handed over.

    Raises:
        ArrayFileError: The file is not there, cannot be read, or does not hold attention.
    """

    def __init__(self, path: Path, reference: str, device: torch.device) -> None:
        if not path.is_file():
            raise ArrayFileError(f"There is no file {path}.", "Check the path.")
        stored, pieces = _READERS[path.suffix.lower()](path)
        self._layers = [layer for one in stored for layer in _layers_of(one)]
        first = self._layers[0]
        for layer in self._layers:
            if (layer.queries, layer.keys) != (first.queries, first.keys):
                raise ArrayFileError(
                    f"{layer.stored.name} has maps of {layer.queries} x {layer.keys}, but {first.stored.name} of "
                    f"{first.queries} x {first.keys}.",
                    "All layers of a file belong to one text, so their maps have one size.",
                )
        self._device = device
        self._queries, self._keys = first.queries, first.keys
        self._pieces = _checked_pieces(pieces, self._keys)
        causal = [self._is_causal(layer) for layer in self._layers]
        kind: MapKind = "decoder" if all(causal) else "encoder" if self._queries == self._keys else "cross"

        def pattern(is_causal: bool) -> Pattern:
            return "causal" if is_causal else "cross" if kind == "cross" else "bidirectional"

        dtypes = dict.fromkeys(layer.stored.dtype for layer in self._layers)
        self.info = ModelInfo(
            reference=reference,
            architecture="array",
            revision=_digest(path),
            device=str(device),
            dtype=", ".join(dtypes),
            attention="file",
            route="file",
            parameters=0,
            context=None,
            tokenizer_hash="",
            layers=tuple(
                LayerInfo(kind, index, layer.heads, pattern(is_causal))
                for index, (layer, is_causal) in enumerate(zip(self._layers, causal, strict=True))
            ),
            versions=versions(),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of the arrays that are in memory; 0 for a file that is mapped."""
        return sum(stored.nbytes for stored in {id(layer.stored): layer.stored for layer in self._layers}.values())

    def encode(self, text: str, truncate: bool) -> Encoded:
        """Tokens of the file: its ``tokens``, or the numbers of the keys. The text plays no part."""
        tokens = _tokens(self._pieces)
        if self._queries == self._keys:
            return Encoded(tokens)
        return Encoded(tokens, _tokens(tuple(str(index) for index in range(self._queries))))

    def repeats(self, length: int, draws: int, seed: int) -> list[Encoded]:
        """A file has no model that could read other tokens.

        Raises:
            UsageError: Always.
        """
        raise UsageError(
            f"{self.info.reference} is a file of attention; the random-repeat probe needs a model.",
            "Leave the probe out.",
        )

    def capture(self, encoded: Encoded, sink: StripSink, budget: RowBudget | None = None) -> tuple[str, ...]:
        """Hand every layer to ``sink``, strip by strip. Rows are read again from the file, outside of any budget."""
        for info, layer in zip(self.info.layers, self._layers, strict=True):
            causal = info.pattern == "causal"
            sink.begin(info, Support.causal(self._queries) if causal else Support.full(self._queries, self._keys))
            step = strip_rows(layer.heads, layer.keys)
            for start in range(0, layer.queries, step):
                rows = layer.rows(start, min(start + step, layer.queries))
                sink.strip(start, for_sums(rows.to(self._device)))
            sink.end(layer)
        return ()

    def footprint(self, encoded: Encoded) -> Footprint:
        """Nothing beside the file but one strip, which is small."""
        return Footprint(0)

    def shrink(self, encoded: Encoded) -> bool:
        """Strips of a file do not shrink."""
        return False

    def close(self) -> None:
        """Let go of the file."""
        self._layers = []

    def _is_causal(self, layer: _Layer) -> bool:
        if layer.queries != layer.keys:
            return False
        step = strip_rows(layer.heads, layer.keys)
        for start in range(0, layer.queries, step):
            rows = layer.rows(start, min(start + step, layer.queries))
            if bool((rows.triu(start + 1) != 0).any()):
                return False
        return True


def _layers_of(stored: _Stored) -> list[_Layer]:
    """The layers inside one array, with a batch of one left out.

    Raises:
        ArrayFileError: Its shape or number format is not that of attention.
    """
    shape = stored.shape
    if stored.dtype not in _FLOATS:
        raise ArrayFileError(
            f"The array {stored.name} {list(shape)} holds {stored.dtype}, which is no attention.",
            f"Save the weights as one of {', '.join(_FLOATS)}.",
        )
    if not 2 <= len(shape) <= 5 or 0 in shape:
        raise ArrayFileError(f"The array {stored.name} has the shape {list(shape)}.", _SHAPES)
    *outer, queries, keys = shape
    if len(outer) < 2:
        return [_Layer(stored, (), outer[0] if outer else 1, queries, keys)]
    heads = outer.pop()
    if len(outer) == 2:
        # [layers, 1, heads, n, m] as a stacked `attentions` tuple is, or [1, layers, heads, n, m].
        if 1 not in outer:
            raise ArrayFileError(
                f"The array {stored.name} {list(shape)} holds a batch of several texts.", "Save one text. " + _SHAPES
            )
        if outer[1] == 1:
            return [_Layer(stored, (index, 0), heads, queries, keys) for index in range(outer[0])]
        return [_Layer(stored, (0, index), heads, queries, keys) for index in range(outer[1])]
    return [_Layer(stored, (index,), heads, queries, keys) for index in range(outer[0])]


def _of_numpy(name: str, array: np.ndarray[Any, Any], nbytes: int) -> _Stored:
    def read(index: tuple[Any, ...]) -> torch.Tensor:
        part = np.array(array[index])  # a copy, because torch takes no read-only array
        return torch.from_numpy(part.astype(part.dtype.newbyteorder("="), copy=False))

    return _Stored(name, array.dtype.name, array.shape, read, nbytes)


def _read_npy(path: Path) -> tuple[list[_Stored], list[str] | None]:
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise ArrayFileError(f"{path} cannot be read as an array: {error}", "Save it again with numpy.save.") from None
    return [_of_numpy(path.name, array, 0)], None


def _read_npz(path: Path) -> tuple[list[_Stored], list[str] | None]:
    stored: list[_Stored] = []
    pieces: list[str] | None = None
    name = ""
    try:
        with np.load(path, allow_pickle=False) as archive:
            for name in sorted(archive.files, key=_natural):
                array = archive[name]
                if name == _TOKENS:
                    pieces = _strings(array)
                else:
                    stored.append(_of_numpy(name, array, array.nbytes))
    except ArrayFileError:
        raise
    except Exception as error:  # zipfile and numpy raise a dozen kinds for damaged archives
        where = f" (array {name})" if name else ""
        hint = "Arrays of objects are pickles and are not read; save plain numbers with numpy.savez."
        raise ArrayFileError(f"{path}{where} cannot be read: {error}", hint) from None
    return _some(path, stored), pieces


def _strings(array: np.ndarray[Any, Any]) -> list[str]:
    if array.ndim != 1 or array.dtype.kind not in "US":
        raise ArrayFileError(
            f"The array {_TOKENS} {list(array.shape)} holds {array.dtype.name}, not a row of strings.",
            "Save it as numpy.array of str.",
        )
    return [str(piece) for piece in (np.char.decode(array, "utf-8", "replace") if array.dtype.kind == "S" else array)]


def _read_safetensors(path: Path) -> tuple[list[_Stored], list[str] | None]:
    try:
        archive: Any = safe_open(path, framework="pt")
        stored = [_of_safetensors(archive, name) for name in sorted(archive.keys(), key=_natural)]
    except (SafetensorError, OSError, ValueError) as error:
        raise ArrayFileError(f"{path} cannot be read: {error}", "Save it again with safetensors.") from None
    return _some(path, stored), None


def _of_safetensors(archive: Any, name: str) -> _Stored:
    piece = archive.get_slice(name)
    shape = tuple(piece.get_shape())
    names = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}

    def read(index: tuple[Any, ...]) -> torch.Tensor:
        # A slice of the file takes ranges only; a lone index would do, but keeps the dimension in some versions.
        ranges = tuple(slice(part, part + 1) if isinstance(part, int) else part for part in index)
        part: torch.Tensor = piece[ranges]
        return part

    return _Stored(name, names.get(piece.get_dtype(), piece.get_dtype()), shape, read, 0)


_READERS: dict[str, Callable[[Path], tuple[list[_Stored], list[str] | None]]] = {
    ".npy": _read_npy,
    ".npz": _read_npz,
    ".safetensors": _read_safetensors,
}


def _some(path: Path, stored: list[_Stored]) -> list[_Stored]:
    if not stored:
        raise ArrayFileError(f"{path} holds no attention.", _SHAPES)
    return stored


def _natural(name: str) -> list[tuple[int, str]]:
    """Sort key that puts ``layer_10`` behind ``layer_9``."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _checked_pieces(pieces: list[str] | None, keys: int) -> tuple[str, ...]:
    if pieces is None:
        return tuple(str(index) for index in range(keys))
    if len(pieces) != keys:
        raise ArrayFileError(
            f"The array tokens names {len(pieces)} tokens, but the maps have {keys} keys.", "Save one for each key."
        )
    return tuple(pieces)


def _tokens(pieces: tuple[str, ...]) -> Tokens:
    return Tokens((), pieces, ((0, 0),) * len(pieces), (False,) * len(pieces))


def _digest(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            sha.update(block)
    return f"sha256:{sha.hexdigest()[:16]}"
