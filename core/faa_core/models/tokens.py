"""Texts as token ids, and tokens as pieces of the text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from faa_core import _compat
from faa_core.errors import ModelError, TextError
from faa_core.records import Tokens

_CONTEXT_KEYS = ("max_position_embeddings", "n_positions", "max_seq_len", "max_sequence_length", "n_ctx")
_OFFSET_OF_POSITIONS = 8  # RoBERTa and its kin lose a few positions to padding; their tokenizers know the real limit


@dataclass(frozen=True)
class Encoded:
    """A text ready for a source.

    Attributes:
        tokens: Its tokens.
        decoder_tokens: What the decoder of an encoder-decoder reads, one place to the right; ``None`` otherwise.
        truncated_from: Number of tokens before the text was cut; ``None`` where it was not.
        inputs: Arguments of the model's ``forward``: int64 [1, n] each, on the CPU.
    """

    tokens: Tokens
    decoder_tokens: Tokens | None = None
    truncated_from: int | None = None
    inputs: dict[str, torch.Tensor] = field(default_factory=dict)


def context_of(config: Any, tokenizer: PreTrainedTokenizerBase) -> int | None:
    """Longest text in tokens that the model has positions for; ``None`` where its configuration names no limit."""
    return positions_of(config, tokenizer.model_max_length)


def positions_of(config: Any, known: int | None = None) -> int | None:
    """The same, where the tokenizer is not there.

    Args:
        config: Configuration of the model.
        known: Longest text that its tokenizer names.
    """
    text = config.get_text_config()
    named = next((value for key in _CONTEXT_KEYS if isinstance(value := getattr(text, key, None), int)), None)
    if named is None or named < 1:
        return None
    return int(known) if known is not None and 0 < named - known <= _OFFSET_OF_POSITIONS else named


def hash_of(tokenizer: PreTrainedTokenizerBase) -> str:
    """First 16 hexadecimal digits of the SHA-256 of the serialised tokenizer."""
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is not None:
        text = backend.to_str()
    else:
        text = json.dumps([sorted(tokenizer.get_vocab().items()), tokenizer.all_special_tokens])
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def encode(
    text: str, tokenizer: PreTrainedTokenizerBase, model: PreTrainedModel, context: int | None, truncate: bool
) -> Encoded:
    """Tokenise ``text`` for ``model``, special tokens included.

    An encoder-decoder gets the text twice: the encoder reads it as it is, the decoder one place to the right behind
    its start token, as when it is taught to repeat it.

    Args:
        text: Any text; control characters are text like any other.
        tokenizer: Tokenizer of the model.
        model: The model.
        context: Longest text that it takes; ``None`` for no limit.
        truncate: Whether to cut a longer text.

    Raises:
        TextError: The text is blank, gives no tokens, or is longer than the context and is not to be cut.
        ModelError: The tokenizer does not belong to the model.
    """
    if not text.strip():
        raise TextError("The text is empty.", "Type or pass at least one word.")
    tokens = _tokenise(text, tokenizer, None)
    if not tokens.ids:
        raise TextError("The tokenizer makes no tokens of this text.", "Try another text.")
    truncated_from = None
    if context is not None and len(tokens) > context:
        if not truncate:
            raise TextError(
                f"The text has {len(tokens)} tokens, and the context of the model is {context}.",
                f"Shorten it, or let it be cut to the first {context} tokens with --truncate.",
            )
        truncated_from = len(tokens)
        tokens = _tokenise(text, tokenizer, context)
    vocabulary = getattr(model.get_input_embeddings(), "num_embeddings", None)
    if vocabulary is not None and max(tokens.ids) >= vocabulary:
        raise ModelError(
            f"The tokenizer gives token {max(tokens.ids)}, but the model knows {vocabulary} tokens only.",
            "Tokenizer and weights belong to different models; save both into the folder again.",
        )
    ids = torch.tensor([tokens.ids])
    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    decoder_tokens = None
    if model.config.is_encoder_decoder:
        shifted = _compat.shifted_right(model, ids)
        if shifted is None:
            raise ModelError(
                f"{type(model).__name__} does not say which token its decoder starts with.",
                "Set decoder_start_token_id in its config.json.",
            )
        inputs["decoder_input_ids"] = shifted
        decoder_tokens = _shifted(tokens, shifted[0].tolist(), tokenizer)
    return Encoded(tokens, decoder_tokens, truncated_from, inputs)


def encode_ids(ids: Sequence[int], tokenizer: PreTrainedTokenizerBase) -> Encoded:
    """A sequence of tokens that no text was made into, for a model that is not an encoder-decoder.

    Args:
        ids: Token ids, special ones included.
        tokenizer: Tokenizer of the model; gives the tokens their names.
    """
    names = tuple(map(str, tokenizer.convert_ids_to_tokens(list(ids))))
    special = set(tokenizer.all_special_ids)
    tokens = Tokens(tuple(ids), names, ((0, 0),) * len(names), tuple(id_ in special for id_ in ids))
    tensor = torch.tensor([list(ids)])
    return Encoded(tokens, None, None, {"input_ids": tensor, "attention_mask": torch.ones_like(tensor)})


def _tokenise(text: str, tokenizer: PreTrainedTokenizerBase, limit: int | None) -> Tokens:
    cut: dict[str, Any] = {} if limit is None else {"truncation": True, "max_length": limit}
    encoding = tokenizer(
        text, return_offsets_mapping=tokenizer.is_fast, return_special_tokens_mask=True, verbose=False, **cut
    )
    ids: list[int] = list(encoding["input_ids"])
    special = [bool(flag) for flag in encoding["special_tokens_mask"]]
    if tokenizer.is_fast:
        offsets = [(int(start), int(stop)) for start, stop in encoding["offset_mapping"]]
    else:
        offsets = _found_offsets(text, ids, special, tokenizer)
    names = tokenizer.convert_ids_to_tokens(ids)
    pieces = [
        text[start:stop] if stop > start else str(name) for (start, stop), name in zip(offsets, names, strict=True)
    ]
    return Tokens(tuple(ids), tuple(pieces), tuple(offsets), tuple(special))


def _found_offsets(
    text: str, ids: list[int], special: list[bool], tokenizer: PreTrainedTokenizerBase
) -> list[tuple[int, int]]:
    """Offsets for a tokenizer that keeps none: each token is looked for behind the one before it."""
    offsets, position = [], 0
    for token, is_special in zip(ids, special, strict=True):
        piece = "" if is_special else tokenizer.decode([token]).strip()
        found = text.find(piece, position) if piece else -1
        if found < 0:
            offsets.append((0, 0))
        else:
            position = found + len(piece)
            offsets.append((found, position))
    return offsets


def _shifted(tokens: Tokens, ids: list[int], tokenizer: PreTrainedTokenizerBase) -> Tokens:
    """Tokens of the decoder: those of the text moved to the right, behind the token that it starts with."""
    first = Tokens((ids[0],), (str(tokenizer.convert_ids_to_tokens(ids[0])),), ((0, 0),), (True,))
    return Tokens(
        tuple(ids),
        first.pieces + tokens.pieces[:-1],
        first.offsets + tokens.offsets[:-1],
        first.special + tokens.special[:-1],
    )
