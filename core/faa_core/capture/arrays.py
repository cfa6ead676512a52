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

from faa_core.capture.whole import WholeMaps
from faa_core.errors import ArrayFileError

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

    layer: int
    stored: _Stored
    before: tuple[int, ...]  # index of the layer in front of [heads, n, m] or [n, m]
    shape: tuple[int, int, int]

    @property
    def dtype(self) -> str:
        return self.stored.dtype

    @property
    def nbytes(self) -> int:
        return self.stored.nbytes

    def rows(self, start: int, stop: int) -> torch.Tensor:
        count, _, keys = self.shape
        heads = () if len(self.stored.shape) - len(self.before) == 2 else (slice(None),)
        part = self.stored.read((*self.before, *heads, slice(start, stop)))
        # A copy, because a sink may overwrite it, and the file may be mapped.
        return part.reshape(count, stop - start, keys).to(torch.float32, copy=True)


def open_maps(path: Path, reference: str, device: torch.device) -> WholeMaps:
    """A file of attention as a source.

    Args:
        path: The file.
        reference: The reference as it was asked for.
        device: Where strips are handed over.

    Raises:
        ArrayFileError: The file is not there, cannot be read, or does not hold attention.
    """
    if not path.is_file():
        raise ArrayFileError(f"There is no file {path}.", "Check the path.")
    arrays, pieces = _READERS[path.suffix.lower()](path)
    places = [(stored, before, shape) for stored in arrays for before, shape in _places_in(stored)]
    layers = [_Layer(index, *place) for index, place in enumerate(places)]
    first = layers[0]
    _, queries, keys = first.shape
    for layer in layers:
        if layer.shape[1:] != (queries, keys):
            raise ArrayFileError(
                f"{layer.stored.name} has maps of {layer.shape[1]} x {layer.shape[2]}, but {first.stored.name} of "
                f"{queries} x {keys}.",
                "All layers of a file belong to one text, so their maps have one size.",
            )
    if pieces is not None and len(pieces) != keys:
        raise ArrayFileError(
            f"The array tokens names {len(pieces)} tokens, but the maps have {keys} keys.", "Save one for each key."
        )
    return WholeMaps(layers, pieces, reference, _digest(path), device, sum(stored.nbytes for stored in arrays))


def _places_in(stored: _Stored) -> list[tuple[tuple[int, ...], tuple[int, int, int]]]:
    """Where the layers are inside one array, with a batch of one left out, and heads, queries and keys of each.

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
    heads = outer.pop() if outer else 1
    places: list[tuple[int, ...]] = [()]
    if len(outer) == 1:
        places = [(layer,) for layer in range(outer[0])]
    elif outer:
        # [layers, 1, heads, n, m] as a stacked `attentions` tuple is, or [1, layers, heads, n, m].
        if 1 not in outer:
            raise ArrayFileError(
                f"The array {stored.name} {list(shape)} holds a batch of several texts.", "Save one text. " + _SHAPES
            )
        places = [(layer, 0) if outer[1] == 1 else (0, layer) for layer in range(max(outer))]
    return [(place, (heads, queries, keys)) for place in places]


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


def _digest(path: Path) -> str:
    sha = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            sha.update(block)
    return f"sha256:{sha.hexdigest()[:16]}"
