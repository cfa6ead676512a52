"""Sources of attention: a loaded model, or a file."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from faa_core import _compat
from faa_core.capture.arrays import open_maps
from faa_core.capture.calls import LayerCall, RowBudget
from faa_core.capture.coverage import Coverage, accepted, find_coverage
from faa_core.capture.masks import RowMask
from faa_core.capture.strips import StripSink, StripSize
from faa_core.errors import ModelError, UsageError
from faa_core.heads.probe import repeat_sequences
from faa_core.models.devices import choose_device, for_sums, place_of
from faa_core.models.fetching import Progress
from faa_core.models.footprint import Footprint, held_bytes, pass_footprint
from faa_core.models.loading import LoadedModel, load, versions
from faa_core.models.memory import give_back, out_of_memory
from faa_core.models.room import MakeRoom, make_sure, shortage
from faa_core.models.tokens import Encoded, context_of, encode, encode_ids, hash_of
from faa_core.records import LayerInfo, ModelInfo
from faa_core.reference import ModelReference


class Source(Protocol):
    """Where attention comes from."""

    info: ModelInfo

    @property
    def nbytes(self) -> int:
        """Memory that it holds, in bytes: parameters and buffers, or the arrays of a file that are not mapped."""

    def encode(self, text: str, truncate: bool) -> Encoded:
        """Tokenise ``text``.

        Raises:
            TextError: It is empty, or longer than the context and ``truncate`` is not set.
        """

    def repeats(self, length: int, draws: int, seed: int) -> list[Encoded]:
        """Random sequences of ``length`` tokens, each said twice: the input of the random-repeat probe.

        Raises:
            UsageError: The source is a file or an encoder-decoder, or its context or vocabulary is too short.
        """

    def capture(self, encoded: Encoded, sink: StripSink, budget: RowBudget | None = None) -> tuple[str, ...]:
        """Run one forward pass and hand the attention of every layer to ``sink``; returns notes for the reader.

        What the sink raises goes through, and the source can be used again.

        Args:
            encoded: The text.
            sink: Who is handed the attention.
            budget: Memory for computing rows again; by default `ROWS_BYTES` of its own.

        Raises:
            OutOfMemoryError: The text is too long for the memory.
        """

    def footprint(self, encoded: Encoded) -> Footprint:
        """What a pass over a text takes beside the weights, at the least."""

    def shrink(self, encoded: Encoded) -> bool:
        """Make the strips of this text as small as they go; whether they were larger."""

    def close(self) -> None:
        """Give the memory back; the source cannot be used any more."""


def open_source(
    reference: ModelReference,
    device: str,
    dtype: str,
    progress: Progress,
    make_room: MakeRoom = make_sure,
    text: str = "",
) -> Source:
    """Load what ``reference`` names.

    Args:
        reference: Bundled model, folder, model of the hub, or file of attention.
        device: ``auto``, ``cpu``, ``cuda``, ``cuda:1``, ``mps``. With ``auto`` a model that does not fit the first card
            is spread over all of them and the memory of the host.
        dtype: ``auto``, ``float32``, ``bfloat16`` or ``float16``; without meaning for a file.
        progress: Told what is going on, downloads in bytes.
        make_room: Told the devices and what they will hold, before they do; may raise.
        text: What it will read first, so that the memory for that is counted, too.

    Raises:
        UsageError: The reference names another machine, or the device does not exist.
        ArrayFileError: The file does not hold attention.
        ModelError: The model cannot be found or loaded.
        NetworkError: The hub cannot be reached.
        NoAttentionError: The model has no attention to show.
        OutOfMemoryError: It does not fit.
    """
    if reference.host is not None:
        raise UsageError(
            f"The model {reference.model} on {reference.host} is for a worker on that machine, not for this one.",
            "Leave the host out.",
        )
    if reference.source == "array":
        progress("load", f"Opening {reference}", 0, 0, "")
        return open_maps(Path(reference.model).expanduser(), str(reference), choose_device(device))
    return ModelSource(load(reference, device, dtype, progress, make_room, text), str(reference))


class ModelSource:
    """A model whose attention is computed by a forward pass.

    Args:
        loaded: The model and its tokenizer.
        reference: The reference as it was asked for.

    Raises:
        NoAttentionError: The model has no attention to show.
    """

    def __init__(self, loaded: LoadedModel, reference: str) -> None:
        self._loaded: LoadedModel | None = loaded
        self._sizes: dict[int, StripSize] = {}
        model = loaded.model
        self._place = place_of(model)
        self._coverage: Coverage = find_coverage(model)
        self.info = ModelInfo(
            reference=reference,
            architecture=loaded.architecture,
            revision=loaded.revision,
            device=str(self._place),
            dtype=str(model.dtype).removeprefix("torch."),
            attention=_compat.attention_implementation(model),
            route=self._coverage.route,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            context=context_of(model.config, loaded.tokenizer),
            tokenizer_hash=hash_of(loaded.tokenizer),
            layers=self._coverage.layers,
            versions=versions(),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of its parameters and buffers; those that share storage count once."""
        return held_bytes(self._open().model)

    def encode(self, text: str, truncate: bool) -> Encoded:
        """Tokenise ``text``; see `faa_core.models.tokens.encode`."""
        loaded = self._open()
        return encode(text, loaded.tokenizer, loaded.model, self.info.context, truncate)

    def repeats(self, length: int, draws: int, seed: int) -> list[Encoded]:
        """Random sequences of ``length`` tokens, each said twice; see `faa_core.heads.probe.repeat_sequences`."""
        loaded = self._open()
        tokenizer = loaded.tokenizer
        if loaded.model.config.is_encoder_decoder:
            raise UsageError(
                f"{self.info.reference} is an encoder-decoder; the random-repeat probe is for models with one text.",
                "Leave the probe out.",
            )
        begin = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.cls_token_id
        tokens = 2 * length + (begin is not None)
        if self.info.context is not None and tokens > self.info.context:
            raise UsageError(
                f"The probe needs {tokens} tokens, and the context of {self.info.reference} is {self.info.context}.",
                "Leave the probe out.",
            )
        vocabulary = min(len(tokenizer), loaded.model.get_input_embeddings().num_embeddings)
        try:
            sequences = repeat_sequences(vocabulary, tokenizer.all_special_ids, begin, length, draws, seed)
        except ValueError as error:
            raise UsageError(f"No probe for {self.info.reference}: {error}", "Leave the probe out.") from error
        return [encode_ids(ids, tokenizer) for ids in sequences.tolist()]

    def capture(self, encoded: Encoded, sink: StripSink, budget: RowBudget | None = None) -> tuple[str, ...]:
        """Run one forward pass and hand the attention of every layer to ``sink``; returns notes for the reader."""
        loaded = self._open()
        budget = RowBudget() if budget is None else budget
        whole_masks: set[str] = set()
        seen: set[LayerInfo] = set()
        forgotten = 0

        def hand_on(info: LayerInfo, call: LayerCall) -> None:
            nonlocal forgotten
            sink.begin(info, call.support)
            for row, weights in call.strips():
                sink.strip(row, for_sums(weights))
                del weights  # or it would be alive while the next strip is computed
            rows = call.row_source(budget)
            forgotten += rows is None
            sink.end(rows)
            mask = getattr(call, "mask", None)
            if isinstance(mask, RowMask) and mask.materialised:
                whole_masks.add(type(call.module).__name__)
            seen.add(info)

        def figures() -> str:
            return shortage(self._place, self.footprint(encoded))

        size = self._size(encoded)
        with out_of_memory(f"reading {len(encoded.tokens)} tokens", figures):
            inputs = {name: value.to(loaded.device) for name, value in encoded.inputs.items()}
            self._coverage.run(loaded.model, accepted(loaded.model, inputs), hand_on, size)
        notes = [*loaded.notes, *filter(None, [self._coverage.note])]
        notes += [f"Layer {info.name}: {info.note}" for info in self.info.layers if info.heads == 0]
        notes += [f"{name} needs its mask whole, one n x n array beside the strips." for name in sorted(whole_masks)]
        if forgotten:
            notes.append(f"Maps of {forgotten} layers cannot be zoomed to single tokens: their queries were not kept.")
        if size.shrunk:
            notes.append("Memory ran out, so the attention was computed in smaller strips; the maps are the same.")
        return tuple(notes)

    def footprint(self, encoded: Encoded) -> Footprint:
        """What a pass over a text takes beside the weights, at the least."""
        model, tokens = self._open().model, len(encoded.tokens)
        whole = "" if self.info.route == "interface" else type(model).__name__
        return pass_footprint(model.config, tokens, model.dtype, whole)

    def shrink(self, encoded: Encoded) -> bool:
        """Make the strips of this text as small as they go; whether they were larger."""
        return self._size(encoded).least()

    def close(self) -> None:
        """Give the memory of the model back."""
        self._loaded = None
        give_back()

    def _size(self, encoded: Encoded) -> StripSize:
        """How large strips are for texts of this length; what was found to fit is kept, not found again."""
        return self._sizes.setdefault(len(encoded.tokens), StripSize())

    def _open(self) -> LoadedModel:
        if self._loaded is None:
            raise ModelError(f"{self.info.reference} is closed.", "Load it again.")
        return self._loaded
