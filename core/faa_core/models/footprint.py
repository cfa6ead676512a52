"""How much memory a model takes, before and after it is loaded, and how much there is."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import nn

from faa_core.reference import ModelReference

MakeRoom = Callable[[torch.device, int], None]
"""``make_room(device, nbytes)``: called before so many bytes of weights are put on a device."""

_HEADER_LIMIT = 100 * 1024 * 1024
"""What safetensors allows for the header of a file."""
_BITS = {"F64": 64, "I64": 64, "U64": 64, "F32": 32, "I32": 32, "U32": 32, "F16": 16, "BF16": 16, "I16": 16, "U16": 16}
"""Width of the number formats of safetensors; all others are at most eight bits wide."""
_FLOATS = ("F64", "F32", "F16", "BF16")


def stored_bytes(paths: Sequence[Path], dtype: torch.dtype | None) -> int:
    """Memory that the tensors of safetensors files will take, from their headers.

    A base model leaves the layer that predicts tokens out, so this is rather too much than too little.

    Args:
        paths: The files.
        dtype: What floating-point tensors are converted to; ``None`` leaves them as they are stored.
    """
    return sum(
        _elements(tensor) * (dtype.itemsize * 8 if dtype and tensor["dtype"] in _FLOATS else _bits(tensor)) // 8
        for path in paths
        for tensor in _tensors(path)
    )


def held_bytes(model: nn.Module) -> int:
    """Memory of the parameters and buffers of a model; storage that several share counts once."""
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in (*model.parameters(), *model.buffers())
    }
    return sum(storages.values())


def free_bytes(device: torch.device) -> int:
    """Memory that a model can be given on a device: what the system has left, and what torch keeps for later use."""
    if device.type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + int(idle)
    return int(psutil.virtual_memory().available)


def stamp(reference: ModelReference) -> tuple[tuple[str, int, int], ...]:
    """Name, size and modification time of the files that a reference names on this machine.

    Two stamps differ when a checkpoint was written again. Empty for the bundled model and for models of the hub,
    whose files do not change.
    """
    path = Path(reference.model).expanduser()
    if reference.source == "array":
        paths = [path]
    elif reference.source == "folder":
        paths = sorted([*path.glob("*.safetensors"), *path.glob("*.json")])
    else:
        return ()
    return tuple((file.name, file.stat().st_size, file.stat().st_mtime_ns) for file in paths if file.is_file())


def _tensors(path: Path) -> list[dict[str, Any]]:
    """Entries of the header of a safetensors file; none where it is damaged, which loading will tell."""
    with path.open("rb") as stream:
        length = int.from_bytes(stream.read(8), "little")
        try:
            header = json.loads(stream.read(length)) if length <= _HEADER_LIMIT else {}
        except ValueError:
            header = {}
    if not isinstance(header, dict):
        return []
    return [entry for name, entry in header.items() if name != "__metadata__" and {"shape", "dtype"} <= entry.keys()]


def _elements(tensor: dict[str, Any]) -> int:
    count = 1
    for side in tensor["shape"]:
        count *= int(side)
    return count


def _bits(tensor: dict[str, Any]) -> int:
    return _BITS.get(tensor["dtype"], 8)
