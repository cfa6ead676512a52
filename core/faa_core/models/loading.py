"""Models and tokenizers in memory."""

from __future__ import annotations

import contextlib
import importlib.metadata
import logging as stdlib_logging
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging

import faa_core
from faa_core import _compat
from faa_core.errors import FaaError, ModelError, OutOfMemoryError
from faa_core.models import files
from faa_core.models.devices import Place, choose_device, choose_dtype, place_of, widest_place
from faa_core.models.fetching import Progress, fetch
from faa_core.models.footprint import Footprint, pass_footprint, stored_bytes
from faa_core.models.layout import VOCABULARIES
from faa_core.models.memory import out_of_memory
from faa_core.models.reading import TOLD_FROM, told
from faa_core.models.room import MakeRoom, fits, make_sure, shortage, whole_room
from faa_core.models.spreading import DeviceMap, need_accelerate, plan, spread
from faa_core.models.tokens import context_of
from faa_core.reference import ModelReference
from faa_core.worker.faults import is_out_of_memory

DEMO_FOLDER = Path(__file__).parent / "demo"
SEED = 0
"""Seed of random weights."""

Put = Callable[[PreTrainedModel], DeviceMap]
"""Where the parts of a model go, told from the model on the device ``meta``."""

# Parts that read what attention has produced and never feed it; a base model may lack them.
_HARMLESS = re.compile(r"(^|\.)pooler\.")
_PACKAGES = ("torch", "transformers", "numpy", "tokenizers", "safetensors")


@dataclass(frozen=True)
class LoadedModel:
    """A model with its tokenizer, ready to run.

    Attributes:
        model: In evaluation mode, on its devices. It is the base model: maps are the same without the layer that
            predicts tokens, which for a long text costs more than all the rest.
        tokenizer: Its tokenizer.
        architecture: Class that the checkpoint names.
        revision: Commit, digest of the weights, or the seed.
        device: Where it reads its inputs.
        notes: What the reader should know about the weights.
    """

    model: PreTrainedModel
    tokenizer: PreTrainedTokenizerBase
    architecture: str
    revision: str
    device: torch.device
    notes: tuple[str, ...]


def load(
    reference: ModelReference,
    device: str,
    dtype: str,
    progress: Progress,
    make_room: MakeRoom = make_sure,
    text: str = "",
) -> LoadedModel:
    """Load the bundled model, a folder, or a model of the hub.

    No code from a model is ever run, and no pickle read.

    Args:
        reference: Which model; its host is not looked at.
        device: Name for `choose_device`. With ``auto`` a model that does not fit there is spread over `widest_place`.
        dtype: Name for `choose_dtype`.
        progress: Told what is going on, downloads and large weights in bytes; what it raises ends it.
        make_room: Told the devices and what the model will take, before it is loaded; may raise. Says what is free.
        text: What it will read first, so that the memory for that is counted, too.

    Raises:
        ModelError: The model cannot be found or loaded, or can only be spread and accelerate is not installed.
        NetworkError: The hub cannot be reached.
        OutOfMemoryError: It does not fit.
    """
    where = choose_device(device)
    number_format = choose_dtype(dtype, where)
    commit = None
    if reference.source == "demo":
        folder = DEMO_FOLDER
        if reference.revision is not None and not reference.initialised:
            raise ModelError(f"The bundled model has no revision {reference.revision!r}.", "Write demo or demo@init.")
    elif reference.source == "folder":
        folder = Path(reference.model).expanduser()
        if not folder.is_dir():
            raise ModelError(f"There is no folder {reference.model}.", "Check the path.")
    else:
        revision = None if reference.initialised else reference.revision
        snapshot = fetch(reference.model, revision, not reference.initialised, progress)
        folder, commit = snapshot.folder, snapshot.commit

    progress("load", f"Loading {reference}", 0, 0, "")
    with quiet():
        needed = _footprint(folder, str(reference), reference.initialised, number_format, text)
    place, put = _find_room(str(reference), Place((where,)), widest_place(device), needed, make_room)
    with out_of_memory(f"loading {reference}", lambda: shortage(place, needed)), quiet():
        loaded = _load_folder(
            folder, str(reference), reference.initialised, commit, number_format, put, needed.weights, progress
        )
    return loaded


def _find_room(
    name: str, place: Place, wider: Place, needed: Footprint, make_room: MakeRoom
) -> tuple[Place, torch.device | Put]:
    """The place where a model fits: ``place``, or if need be ``wider``, and what puts it there."""
    try:
        make_room(place, needed)
    except OutOfMemoryError:
        if wider == place:
            raise
    else:
        return place, place.devices[0]
    if fits(wider, needed, whole_room(wider)):
        need_accelerate(name, wider)
    room = make_room(wider, needed)
    return wider, lambda empty: plan(empty, wider, room, needed)


def _footprint(folder: Path, name: str, initialised: bool, dtype: torch.dtype | None, text: str) -> Footprint:
    """What the model will take, for its weights and for a pass over the text."""
    config = configuration(folder, name)
    weights = weight_bytes(folder, name, initialised, dtype, config)
    if not text:
        return Footprint(weights)
    tokenizer = _tokenizer(folder, name)
    tokens = len(tokenizer(text)["input_ids"])
    context = context_of(config, tokenizer)
    needed = pass_footprint(config, min(tokens, context or tokens), dtype or config.dtype or torch.float32)
    return replace(needed, weights=weights)


def weight_bytes(folder: Path, name: str, initialised: bool, dtype: torch.dtype | None, config: Any) -> int:
    """Bytes of the weights: from the headers of their files, or from the configuration where there are none."""
    if not initialised:
        return stored_bytes(files.weight_files(folder, name), dtype)
    return sum(tensor.nbytes for tensor in empty_model(AutoModel, config, dtype).parameters())


def empty_model(cls: Any, config: Any, dtype: torch.dtype | None) -> PreTrainedModel:
    """The architecture without memory for its weights, in the number format that it is going to have."""
    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        build = cls.from_config if cls is AutoModel else cls
        model: PreTrainedModel = build(config)
    return model.to(dtype or config.dtype or torch.float32)


def _load_folder(
    folder: Path,
    name: str,
    initialised: bool,
    commit: str | None,
    dtype: torch.dtype | None,
    put: torch.device | Put,
    nbytes: int = 0,
    progress: Progress = lambda *amount: None,
) -> LoadedModel:
    """The model with its tokenizer, put on one device, or spread as ``put`` says."""
    config = configuration(folder, name)
    weights = [] if initialised else files.weight_files(folder, name)
    tokenizer = _tokenizer(folder, name)
    architecture = architecture_of(config)
    if initialised:
        model = _initialised(config, dtype)
        if not isinstance(put, torch.device):
            model = spread(model, put(empty_model(AutoModel, config, dtype)))
        revision, notes = f"init seed {SEED}", list[str]()
    else:
        model, notes = _pretrained(
            folder, name, config, architecture, dtype, None if isinstance(put, torch.device) else put, nbytes, progress
        )
        revision = commit or files.digest(weights)
    model.eval()
    notes += _broken_weights(model)
    if isinstance(put, torch.device):
        model.to(put)
    device = place_of(model).computing[0]
    return LoadedModel(model, tokenizer, architecture, revision, device, tuple(notes))


def configuration(folder: Path, name: str) -> Any:
    """The configuration of a model in a folder, as transformers knows it.

    Args:
        folder: Folder of the model.
        name: What the user calls it.

    Raises:
        ModelError: There is none, it asks for code of its own, or transformers does not know the model.
    """
    settings = files.read_config(folder, name)
    kind = settings.get("model_type")
    if kind not in transformers.CONFIG_MAPPING:
        if "auto_map" in settings:
            raise ModelError(
                f"{name} brings its own model code ({kind or 'no model type'}), and faa runs no code from a model.",
                "Choose a model that transformers implements itself.",
            )
        raise ModelError(
            f"transformers {transformers.__version__} does not know the model type {kind!r} of {name}.",
            "A newer transformers may know it.",
        )
    with _explained(name, "its configuration"):
        return AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)


def architecture_of(config: Any) -> str:
    """Class that a configuration names."""
    return str(next(iter(getattr(config, "architectures", None) or ()), type(config).__name__.removesuffix("Config")))


def _tokenizer(folder: Path, name: str) -> PreTrainedTokenizerBase:
    if not files.has_tokenizer(folder):
        raise ModelError(
            f"{name} has no tokenizer: none of {', '.join(VOCABULARIES[:4])} is there.",
            "Save the tokenizer into the same folder with tokenizer.save_pretrained.",
        )
    with _explained(name, "its tokenizer"):
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
        if len(tokenizer) == 0 or not tokenizer("a b")["input_ids"]:
            raise ModelError(f"The tokenizer of {name} makes no tokens.", "Save or download the tokenizer again.")
        return tokenizer


def _initialised(config: Any, dtype: torch.dtype | None) -> PreTrainedModel:
    """The architecture with random weights: always the same ones, and the state of the generators left alone."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(SEED)
        model = AutoModel.from_config(config, trust_remote_code=False, dtype=torch.float32)
    return model.to(dtype or config.dtype or torch.float32)


def _pretrained(
    folder: Path,
    name: str,
    config: Any,
    architecture: str,
    dtype: torch.dtype | None,
    put: Put | None,
    nbytes: int,
    progress: Progress,
) -> tuple[PreTrainedModel, list[str]]:
    """The base model; where the checkpoint does not fill it, the class that the checkpoint names."""
    own = getattr(transformers, architecture, None)
    classes = [AutoModel] if type(config) in transformers.MODEL_MAPPING else []
    classes += [own] if isinstance(own, type) and issubclass(own, PreTrainedModel) else []
    missing: set[str] = set()
    for cls in classes:
        empty = empty_model(cls, config, dtype) if put is not None or nbytes >= TOLD_FROM else None
        sizes = {} if empty is None else {key: tensor.nbytes for key, tensor in empty.state_dict().items()}
        reading = told(f"Loading {name}", sizes, progress)
        with _explained(name, "its weights"), torch.random.fork_rng(devices=[]), reading:
            model, report = cls.from_pretrained(
                folder,
                config=config,
                dtype=dtype or "auto",
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
                **({} if put is None or empty is None else {"device_map": put(empty)}),
            )
        missing = set(report["missing_keys"])
        serious = sorted(key for key in missing if not _HARMLESS.search(key))
        if not serious:
            note = (
                f"Not in the checkpoint and random here, without influence on attention: {', '.join(sorted(missing))}."
            )
            return model, [note] if missing else []
    if not classes:
        raise ModelError(f"transformers has no model for {type(config).__name__} of {name}.", "Choose another model.")
    raise ModelError(
        f"The weights of {name} lack {len(serious)} of the tensors of {type(model).__name__}, first {serious[0]}.",
        "They would be random, and so would the attention; check that weights and config.json belong together.",
    )


def _broken_weights(model: PreTrainedModel) -> list[str]:
    """A note that names the first tensor that holds NaN or infinity."""
    for prefix, module in model.named_modules():
        with _compat.weights_present(module):
            for own, tensor in module.named_parameters(prefix, recurse=False):
                if tensor.is_floating_point() and not _finite(tensor):
                    return [
                        f"The weights hold NaN or infinity, first in {own}. What depends on it is undefined; "
                        "train or download the model again."
                    ]
    return []


def _finite(tensor: torch.Tensor) -> bool:
    return not tensor.numel() or bool(torch.isfinite(torch.stack(tensor.aminmax())).all())


@contextlib.contextmanager
def _explained(name: str, what: str) -> Iterator[None]:
    """Tell what transformers raises as a fault of the model, in one line."""
    try:
        yield
    except Exception as error:  # loading runs the code of several hundred families
        if isinstance(error, FaaError) or is_out_of_memory(error):
            raise
        text = str(error).strip()
        first_line = text.splitlines()[0] if text else type(error).__name__
        raise ModelError(
            f"{name} could not be loaded, because of {what}: {first_line}",
            "Check that the files are complete and belong together.",
        ) from error


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keep the progress bars and reports of transformers off the screen, and leave its settings as they were."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    accelerate = stdlib_logging.getLogger("accelerate")
    level = accelerate.level
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    accelerate.setLevel(stdlib_logging.ERROR)
    try:
        yield
    finally:
        accelerate.setLevel(level)
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def versions() -> dict[str, str]:
    """Package name to version, for everything that takes part in producing a number."""
    found = {"faa": faa_core.__version__, "python": platform.python_version()}
    return found | {name: importlib.metadata.version(name) for name in _PACKAGES}
