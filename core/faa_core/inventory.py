"""What is known of models before they are loaded: which lie on a machine, and what each would be and take.

Plain records, without torch and without the screen.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from faa_core.records import LayerInfo

Shelf = Literal["cache", "folder"]
"""Where a model was found: in the cache of the Hugging Face hub, or in a folder of its own."""

Outlook = Literal["fits", "after-unloading", "spread", "no"]
"""Whether a model would fit: now, once others are given up, only over several devices, or not at all."""

MOST_FOUND = 2000
"""Models of one machine that are told."""
LONGEST_REFERENCE = 400
"""Characters of a reference that is told; longer paths are left out."""


class FoundPath(msgspec.Struct, frozen=True):
    """A file or folder that continues a path to a model.

    Attributes:
        name: Its name.
        folder: Whether it is a folder.
        model: Whether it can be opened: a folder with a model, or a file of attention.
        nbytes: Bytes of a file.
    """

    name: str
    folder: bool
    model: bool
    nbytes: int | None = None


class FoundModel(msgspec.Struct, frozen=True):
    """A model that lies on a machine.

    Attributes:
        reference: What to call it, without the machine.
        shelf: Where it was found.
        nbytes: Bytes of its files.
        used: When it was last used, in seconds since 1970: read in the cache, written in a folder.
        lacking: Why it would not load as it is, for example ``incomplete``; "" where all seems to be there.
    """

    reference: str
    shelf: Shelf
    nbytes: int
    used: float
    lacking: str = ""


class Inventory(msgspec.Struct, frozen=True):
    """The models of a machine.

    Attributes:
        models: Those of the cache, then those of folders; the one used last first.
        cache: Folder of the cache.
        incomplete: Whether there were more folders than were looked into, or more models than are told.
    """

    models: tuple[FoundModel, ...]
    cache: str
    incomplete: bool = False


class DeviceRoom(msgspec.Struct, frozen=True):
    """The memory of a device, in bytes.

    Attributes:
        name: For example ``cuda:0``.
        free: What a model could be given now.
        total: All of it, whoever holds it.
    """

    name: str
    free: int
    total: int


class ModelDetails(msgspec.Struct, frozen=True):
    """What a model is and takes, told without its weights.

    Attributes:
        reference: The model.
        architecture: Class name, for example ``LlamaForCausalLM``; ``array`` for a file of attention.
        layers: Layers in the order of the forward pass, as the configuration has them; those without maps have no
            heads. A pass may show more, for example a learned sink.
        key_heads: Heads of keys and values, fewer than those of queries where several share one; 0 where unknown.
        context: Longest text in tokens, where the configuration names one.
        parameters: Number of parameters.
        dtype: Number format that it would have in memory.
        weights: Bytes of its weights in that format.
        beside: Bytes that a pass over ``tokens`` tokens takes beside them, counted low.
        tokens: Tokens of the text that was asked for; 0 for none.
        download: Bytes that must be fetched from the hub first; 0 for none, ``None`` where the hub was not asked.
        devices: Memory of the devices that it would go to.
        outlook: Whether it would fit there.
        note: What else the reader should know: that it has no attention, that a package is missing; "" for nothing.
    """

    reference: str
    architecture: str
    layers: tuple[LayerInfo, ...]
    key_heads: int
    context: int | None
    parameters: int
    dtype: str
    weights: int
    beside: int
    tokens: int
    download: int | None
    devices: tuple[DeviceRoom, ...]
    outlook: Outlook
    note: str = ""

    @property
    def has_attention(self) -> bool:
        """Whether any layer has maps."""
        return any(layer.heads for layer in self.layers)
