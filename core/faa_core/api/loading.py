"""`DeviceManager` and `ModelLoader` of 1.0.0: where a model runs, and how it gets there."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from faa_core import reference
from faa_core.errors import UsageError
from faa_core.models.devices import Place, choose_device
from faa_core.models.fetching import fetch
from faa_core.models.files import read_config
from faa_core.models.footprint import Footprint, held_bytes
from faa_core.models.loading import DEMO_FOLDER, LoadedModel, load
from faa_core.models.room import Room, free_room
from faa_core.reference import ModelReference

_GIB = 1024**3
_FLOAT32_BYTES = 4
_LOG = logging.getLogger("faa")

CHECKPOINT = "checkpoint"
"""The number format that a model is stored in, which 1.0.0 ran it in."""
_DTYPES = ("auto", CHECKPOINT, "float32", "bfloat16", "float16")
_WITHOUT_EFFECT = ("low_cpu_mem_usage", "use_safetensors", "use_cache", "output_attentions", "attn_implementation")
"""Arguments of transformers that a script may carry along; they change nothing about attention as it is had here."""


class _TooLarge(Exception):
    """The weights do not fit the memory that the device may give."""


class DeviceManager:
    """Where models run.

    Args:
        prefer_gpu: Whether an accelerator is used where there is one.
        max_gpu_memory_gb: Most that the weights of one model may take there, in GiB; a larger model runs on the CPU.

    Attributes:
        prefer_gpu: As given.
        max_gpu_memory_gb: As given.
        device: The device. It may be set to another, for example to the second card.

    Raises:
        UsageError: The limit is not above 0.
    """

    def __init__(self, prefer_gpu: bool = True, max_gpu_memory_gb: float = 20) -> None:
        if not max_gpu_memory_gb > 0:
            raise UsageError(f"A model cannot be given {max_gpu_memory_gb:g} GiB of memory.", "Give more than 0.")
        self.prefer_gpu = prefer_gpu
        self.max_gpu_memory_gb = max_gpu_memory_gb
        self.device = choose_device("auto" if prefer_gpu else "cpu")

    def get_device_config(self, model_size_params: int) -> dict[str, Any]:
        """Arguments with which transformers puts a model of this size on the device.

        Args:
            model_size_params: Number of its parameters.

        Returns:
            Nothing on the CPU. On an accelerator ``device_map``; where float32 weights do not fit the limit, also
            ``max_memory`` and half precision.
        """
        if self.device.type == "cpu":
            return {}
        if model_size_params * _FLOAT32_BYTES <= self.max_gpu_memory_gb * _GIB:
            return {"device_map": str(self.device)}
        limit = f"{self.max_gpu_memory_gb:g}GiB"
        place = self.device.index or 0
        return {"device_map": "auto", "max_memory": {place: limit, "cpu": "1TiB"}, "dtype": torch.float16}

    @staticmethod
    def log_memory_usage(stage: str = "") -> None:
        """Log, at the level ``info`` of the logger ``faa``, the memory that this process holds.

        Args:
            stage: What has just been done.
        """
        import psutil

        parts = [f"{psutil.Process().memory_info().rss / _GIB:.2f} GiB of main memory"]
        cards = torch.cuda.device_count() if torch.cuda.is_available() else 0
        parts += [f"{torch.cuda.memory_allocated(index) / _GIB:.2f} GiB of cuda:{index}" for index in range(cards)]
        _LOG.info("%s%s", f"{stage}: " if stage else "", ", ".join(parts))

    def check(self, place: Place, footprint: Footprint) -> Room:
        """What `ModelLoader` asks before it loads."""
        if place.devices[0].type != "cpu" and footprint.weights > self.max_gpu_memory_gb * _GIB:
            raise _TooLarge
        return free_room(place)


class ModelLoader:
    """Loads models and their tokenizers. No code from a model is run, and no pickle read.

    Args:
        device_manager: Where models go; by default to an accelerator where there is one.
    """

    def __init__(self, device_manager: DeviceManager | None = None) -> None:
        self.device_manager = DeviceManager() if device_manager is None else device_manager

    def load_model(
        self, model_name: str, force_eager_attention: bool = True, **kwargs: Any
    ) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
        """A model, in evaluation mode and on its device, and its tokenizer.

        It is the base model, without the layer that predicts tokens, which attention does not depend on.

        Args:
            model_name: ``demo``, a folder, or a name on the hub, with ``@revision`` if need be.
            force_eager_attention: Whether the model itself is to compute attention eagerly, so that it can return it
                with ``output_attentions=True``. faa has the maps either way.
            **kwargs: As `load`.

        Raises:
            FaaError: It cannot be found or loaded, or an argument is not known.
        """
        loaded = self.load(model_name, **kwargs)
        if force_eager_attention:
            loaded.model.set_attn_implementation("eager")
        return loaded.model, loaded.tokenizer

    def load(self, model_name: str, **kwargs: Any) -> LoadedModel:
        """The same with all that is known of it.

        Args:
            model_name: As in `load_model`.
            **kwargs: ``dtype`` (or ``torch_dtype``): number format, a name or a torch.dtype; ``checkpoint`` for the one
                that it is stored in, which a CPU may compute slowly; ``revision``: of the hub. ``trust_remote_code``
                may only be false.

        Raises:
            FaaError: It cannot be found or loaded, or an argument is not known.
        """
        parsed, dtype = _asked(model_name, kwargs)
        dtype = _stored_dtype(parsed) if dtype == CHECKPOINT else dtype
        manager = self.device_manager
        try:
            return load(parsed, str(manager.device), dtype, lambda *_: None, manager.check)
        except _TooLarge:
            limit = f"{manager.max_gpu_memory_gb:g}"
            _LOG.warning("%s takes more than %s GiB, and runs on the CPU", parsed, limit)
        found = load(parsed, "cpu", dtype, lambda *_: None)
        _LOG.info("%s: %.2f GiB of weights", parsed, held_bytes(found.model) / _GIB)
        return found


def _asked(model_name: str, arguments: dict[str, Any]) -> tuple[ModelReference, str]:
    """The model and the number format that the arguments mean.

    Raises:
        UsageError: One of them is not known.
    """
    left = dict(arguments)
    named = [left.pop(key) for key in ("dtype", "torch_dtype") if key in left]
    dtype = str(named[0] if named and named[0] is not None else "auto").removeprefix("torch.")
    if dtype not in _DTYPES:
        raise UsageError(f"There is no number format {dtype!r}.", f"Choose {', '.join(_DTYPES)}.")
    revision = left.pop("revision", None)
    if left.pop("trust_remote_code", False):
        raise UsageError("faa runs no code from a model.", "Leave trust_remote_code out.")
    unknown = sorted(set(left) - set(_WITHOUT_EFFECT))
    if unknown:
        raise UsageError(
            f"There is no argument {unknown[0]!r} for a model.",
            "dtype and revision are known; the device is that of the DeviceManager.",
        )
    parsed = reference.parse(model_name)
    if parsed.host is not None:
        raise UsageError(f"{parsed} is on another machine.", f"Name a model here, or use: faa analyze {parsed}")
    if revision is not None:
        parsed = reference.parse(f"{model_name.partition('@')[0]}@{revision}")
    return parsed, dtype


def _stored_dtype(parsed: ModelReference) -> str:
    """The number format that the configuration of a model names; float32 where it names none.

    Raises:
        FaaError: The model cannot be found.
    """
    if parsed.source == "hub":
        revision = None if parsed.initialised else parsed.revision
        folder = fetch(parsed.model, revision, not parsed.initialised, lambda *_: None).folder
    else:
        folder = DEMO_FOLDER if parsed.source == "demo" else Path(parsed.model).expanduser()
        if not folder.is_dir():
            return "auto"  # loading it will say what is wrong
    settings = read_config(folder, str(parsed))
    named = str(settings.get("dtype") or settings.get("torch_dtype") or "float32")
    return named if named in _DTYPES else "auto"
