"""How much memory a model takes, before and after it is loaded, and how much there is."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import nn

from faa_core.reference import ModelReference

GIB = 1024**3
LEAST_ROWS = 64
"""Rows of the smallest strip; see `faa_core.capture.strips.STRIP_ALIGN`."""


@dataclass(frozen=True)
class Footprint:
    """What a model takes, in bytes. It is counted low rather than high: what it says does not fit, does not.

    Attributes:
        weights: Its weights.
        layer: Activations of one layer, for the tokens of a text.
        strip: The smallest strip of its attention.
        tokens: Tokens of the text; 0 where there is none yet.
        whole: The model that computes the maps of a layer whole, so that ``strip`` cannot be smaller; "" for others.
    """

    weights: int
    layer: int = 0
    strip: int = 0
    tokens: int = 0
    whole: str = ""

    @property
    def total(self) -> int:
        """All of it."""
        return self.weights + self.layer + self.strip

    def told(self) -> str:
        """``13.4 GiB (13.1 of weights, 0.3 for 4,096 tokens)``."""
        beside = self.layer + self.strip
        if not beside:
            return f"{in_gib(self.weights)} GiB of weights"
        text = f"{in_gib(beside)} for {self.tokens:,} tokens"
        told = f"{in_gib(self.total)} GiB ({in_gib(self.weights)} of weights, {text})"
        if not self.weights:
            told = f"{in_gib(beside)} GiB for {self.tokens:,} tokens beside the weights"
        return f"{told}, because {self.whole} computes the maps of a layer whole" if self.whole else told


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
    """Memory of the parameters and buffers of a model; storage that several share counts once.

    Where layers are spread over devices it is that of all of them together. A weight that accelerate keeps in the
    memory of the host for now is an empty tensor in the model, and counts as what it will be.
    """
    tensors = [*model.parameters(), *model.buffers()]
    away = sum(tensor.nbytes for tensor in tensors if tensor.device.type == "meta")
    storages = [tensor.untyped_storage() for tensor in tensors if tensor.device.type != "meta"]
    return away + sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def pass_footprint(config: Any, tokens: int, dtype: torch.dtype, whole: str = "") -> Footprint:
    """What a forward pass over a text takes beside the weights, from the configuration of the model.

    Args:
        config: Configuration of the model; what it does not say counts as nothing.
        tokens: Length of the text.
        dtype: Number format of the activations.
        whole: The model, where its own code computes the maps of a layer whole: then the scores of all heads, and what
            the softmax makes of them, exist at once. By default attention is computed in strips.
    """
    text = config.get_text_config()
    hidden, heads = (int(getattr(text, name, 0) or 0) for name in ("hidden_size", "num_attention_heads"))
    head = int(getattr(text, "head_dim", 0) or (hidden // heads if heads else 0))
    key_heads = int(getattr(text, "num_key_value_heads", 0) or heads)
    inner = int(getattr(text, "intermediate_size", 0) or 0)
    attention = hidden + (heads + 2 * key_heads) * head
    wide = hidden + max(attention, 2 * inner)  # the residual stream, and the wider half of the layer
    if whole:
        strip = 2 * heads * tokens * tokens * dtype.itemsize
    else:
        strip = heads * min(LEAST_ROWS, tokens) * tokens * torch.float32.itemsize
    return Footprint(0, tokens * wide * dtype.itemsize, strip, tokens, whole)


def free_bytes(device: torch.device) -> int:
    """Memory that a model can be given on a device: what the system has left, and what torch keeps for later use."""
    if device.type == "cuda":
        idle = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
        return int(torch.cuda.mem_get_info(device)[0]) + int(idle)
    if device.type == "mps":  # a part of the memory of the host, and never more than is left there
        return min(total_bytes(device) - int(torch.mps.driver_allocated_memory()), _host_free())
    return _host_free()


def total_bytes(device: torch.device) -> int:
    """Memory of a device, whoever holds it."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[1])
    if device.type == "mps":
        return int(torch.mps.recommended_max_memory())
    limit, _ = _group_memory()
    return min(int(psutil.virtual_memory().total), limit or 1 << 62)


def taken_bytes(device: torch.device) -> int | None:
    """Memory of an accelerator that tensors of this process hold; ``None`` on the CPU, where nobody counts it."""
    if device.type == "cuda":
        return int(torch.cuda.memory_allocated(device))
    if device.type == "mps":
        return int(torch.mps.current_allocated_memory())
    return None


def in_gib(nbytes: int) -> str:
    """``0.4``, ``13.1``; as many digits as matter below a tenth."""
    return f"{nbytes / GIB:.1f}" if nbytes >= GIB / 10 else f"{max(nbytes, 0) / GIB:.2g}"


def _host_free() -> int:
    """What this process may still take: of the machine, of its control group, and of its own address space."""
    free = int(psutil.virtual_memory().available)
    limit, used = _group_memory()
    if limit is not None:
        free = min(free, limit - used)
    if os.name == "posix":
        import resource

        soft = resource.getrlimit(resource.RLIMIT_AS)[0]
        if soft != resource.RLIM_INFINITY:
            free = min(free, soft - psutil.Process().memory_info().vms)
    return max(free, 0)


def _group_memory(
    root: Path = Path("/sys/fs/cgroup"), membership: Path = Path("/proc/self/cgroup")
) -> tuple[int | None, int]:
    """Limit of the control group that a scheduler or a container put this process in, and what is used of it.

    Groups lie in each other, and each may have a limit; that one counts which leaves least.
    """
    try:
        lines = membership.read_text().splitlines()
    except OSError:
        lines = []
    # Version 2 has one line, with an empty list of controllers; the path is as seen from the root that is mounted.
    own = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    parts = Path(own).parts
    found = [limit for depth in range(len(parts) + 1) if (limit := _limit_of(root.joinpath(*parts[:depth])))]
    return min(found, key=lambda pair: pair[0] - pair[1], default=(None, 0))


def _limit_of(folder: Path) -> tuple[int, int] | None:
    """Limit and use of one control group; ``None`` where it has no limit."""
    try:
        limit = (folder / "memory.max").read_text().strip()
        used = int((folder / "memory.current").read_text())
        fields = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
    except (OSError, ValueError):
        return None
    # Pages of files that were read are given up when they are needed.
    return (int(limit), used - int(fields.get("inactive_file", 0))) if limit.isdigit() else None


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
