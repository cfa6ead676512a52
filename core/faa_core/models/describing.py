"""What a model is and takes, from its settings and the headers of its files, without loading it."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from transformers import AutoModel

from faa_core.errors import ModelError, UsageError
from faa_core.models import files
from faa_core.models.attention_kinds import expected_layers, key_heads
from faa_core.models.devices import choose_device, choose_dtype
from faa_core.models.fetching import look_up
from faa_core.models.footprint import Footprint, pass_footprint, stored_bytes
from faa_core.models.loading import DEMO_FOLDER, architecture_of, configuration, empty_model, quiet
from faa_core.models.tokens import positions_of
from faa_core.records import LayerInfo
from faa_core.reference import ModelReference


@dataclass(frozen=True)
class Description:
    """A model that is not loaded.

    Attributes:
        architecture: Class that its configuration names.
        layers: Its layers, see `faa_core.models.attention_kinds.expected_layers`.
        key_heads: Heads of keys and values; 0 where there are none.
        context: Longest text in tokens; ``None`` where no limit is named.
        parameters: Their number.
        dtype: Number format that it would have.
        needed: Bytes that it would take.
        download: Bytes that must be fetched first; ``None`` where that is not known.
        note: What would keep it from being loaded; "" for nothing.
    """

    architecture: str
    layers: tuple[LayerInfo, ...]
    key_heads: int
    context: int | None
    parameters: int
    dtype: str
    needed: Footprint
    download: int | None
    note: str


def describe(
    reference: ModelReference, device: str, dtype: str, tokens: int = 0, ask_hub: bool = False
) -> Description | None:
    """What a model is and takes.

    Args:
        reference: Bundled model, folder, or model of the hub; its host is not looked at.
        device: Name for `choose_device`.
        dtype: Name for `choose_dtype`.
        tokens: Length of the text that it is to read; 0 for none.
        ask_hub: Whether the hub may be asked of a model that is not here, and its ``config.json`` fetched.

    Returns:
        ``None`` for a model of the hub of which nothing is here, where the hub is not to be asked.

    Raises:
        UsageError: It is a file of attention, or the device or the format does not exist.
        ModelError: There is no such model, or transformers does not know it.
        NetworkError: The hub cannot be reached.
    """
    number_format = choose_dtype(dtype, choose_device(device))
    name, initialised, download = str(reference), reference.initialised, None
    if reference.source == "array":
        raise UsageError(f"{name} is a file of attention, not a model.", "Open it: it has no weights to load.")
    if reference.source == "hub":
        revision = None if initialised else reference.revision
        announced = look_up(reference.model, revision, not initialised, ask_hub)
        if announced is None:
            return None
        folder, download = announced.folder, announced.download
    else:
        folder, download = DEMO_FOLDER if reference.source == "demo" else Path(reference.model).expanduser(), 0
    if not folder.is_dir():
        raise ModelError(f"There is no folder {reference.model}.", "Check the path.")
    with quiet():
        config = configuration(folder, name)
        empty = empty_model(AutoModel, config, number_format)
    weights, note = sum(tensor.nbytes for tensor in empty.parameters()), ""
    if not initialised and download == 0:
        try:
            weights = stored_bytes(files.weight_files(folder, name), number_format)
        except ModelError as error:
            note = error.message
    if not note and not files.has_tokenizer(folder) and download == 0:
        note = "It has no tokenizer."
    layers = expected_layers(config, empty)
    beside = pass_footprint(config, min(tokens, positions_of(config) or tokens), empty.dtype)
    return Description(
        architecture=architecture_of(config),
        layers=layers,
        key_heads=key_heads(config) if layers else 0,
        context=positions_of(config, _longest(folder)),
        parameters=sum(parameter.numel() for parameter in empty.parameters()),
        dtype=str(empty.dtype).removeprefix("torch."),
        needed=replace(beside, weights=weights) if tokens else Footprint(weights),
        download=download,
        note=note if any(layer.heads for layer in layers) else "It has no attention, so there is nothing to show.",
    )


def _longest(folder: Path) -> int | None:
    """Longest text that the tokenizer names, in tokens; ``None`` where it names none."""
    try:
        named = json.loads((folder / "tokenizer_config.json").read_bytes()).get("model_max_length")
    except (OSError, ValueError, AttributeError):
        return None
    return int(named) if isinstance(named, int | float) and 0 < named < torch.iinfo(torch.int64).max else None
