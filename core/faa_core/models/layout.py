"""Names of the files that a model consists of, and how its weights are divided into them. Needs no torch."""

from __future__ import annotations

import json
from pathlib import Path

from faa_core.errors import ModelError

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
WEIGHTS_INDEX = "model.safetensors.index.json"
VOCABULARIES = (
    *("tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.bpe.model"),
    *("source.spm", "target.spm", "tekken.json"),
)
"""Files any of which a tokenizer is made from."""
SMALL_FILES = (
    *(CONFIG, "generation_config.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("merges.txt", *VOCABULARIES),
)
"""Everything but the weights that loading may need."""


def shard_names(index: Path, name: str) -> list[str]:
    """Names of the weight files that an index lists, each once.

    Raises:
        ModelError: The index cannot be read, or names files outside its folder.
    """
    try:
        names = sorted(set(json.loads(index.read_bytes())["weight_map"].values()))
    except (ValueError, OSError, KeyError, AttributeError, TypeError) as error:
        raise ModelError(
            f"The index of the weights of {name} cannot be read: {error!r}", "Download it again."
        ) from None
    if any(not isinstance(shard, str) or Path(shard).name != shard for shard in names):
        raise ModelError(
            f"The index of the weights of {name} names files outside its folder.", "Do not use this model."
        )
    return names
