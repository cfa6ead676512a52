"""Model references: ``[host:]model[@revision]``."""

from __future__ import annotations

import os
import re
from typing import Literal

import msgspec

from faa_core.errors import UsageError

DEMO = "demo"
"""Name of the bundled model."""
INIT = "init"
"""Revision that means: the same architecture at random initialisation."""
ARRAY_SUFFIXES = (".npy", ".npz", ".safetensors")

SourceKind = Literal["demo", "folder", "hub", "array"]

_HOST = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*(@[A-Za-z0-9_][A-Za-z0-9_.-]*)?$")
_HUB_NAME = re.compile(r"^[A-Za-z0-9][\w.-]*(/[\w.-]+)?$")


class ModelReference(msgspec.Struct, frozen=True):
    """Where a model, or a file of attention, is to be found.

    Attributes:
        model: ``demo``, a folder, a file of attention, or a name on the Hugging Face hub.
        revision: Branch, tag, commit or ``init``; ``None`` for the default.
        host: Machine on which the model runs; ``None`` for this one.
    """

    model: str
    revision: str | None = None
    host: str | None = None

    @property
    def source(self) -> SourceKind:
        """Which of the four kinds of source the reference names, by its form alone."""
        if self.model == DEMO:
            return "demo"
        if self.model.lower().endswith(ARRAY_SUFFIXES):
            return "array"
        if self.model.startswith((".", "/", "~")) or os.path.isdir(os.path.expanduser(self.model)):
            return "folder"
        return "hub"

    @property
    def initialised(self) -> bool:
        """Whether random weights from a fixed seed are asked for instead of the trained ones."""
        return self.revision == INIT

    @property
    def twin(self) -> ModelReference:
        """The same architecture, untrained where this is trained and the other way round; itself for a file."""
        if self.source == "array":
            return self
        return msgspec.structs.replace(self, revision=None if self.initialised else INIT)

    def __str__(self) -> str:
        host = f"{self.host}:" if self.host else ""
        revision = f"@{self.revision}" if self.revision else ""
        return f"{host}{self.model}{revision}"


def parse(text: str) -> ModelReference:
    """Parse ``[host:]model[@revision]``.

    A path (one that starts with ``.``, ``/`` or ``~``, or names an existing file or folder) may hold ``:`` and
    ``@`` and is taken as it is, except for a trailing ``@init``.

    Raises:
        UsageError: The text is empty, holds control characters, or has no valid form.
    """
    text = text.strip()
    if not text:
        raise UsageError("No model was named.", "Name one, for example: demo, gpt2, ./checkpoint.")
    if any(ord(c) < 32 or ord(c) == 127 for c in text):
        raise UsageError(f"The model reference {text!r} holds control characters.", "Type it again without them.")
    if text.startswith((".", "/", "~")) or os.path.exists(os.path.expanduser(text)):
        stem = text.removesuffix(f"@{INIT}")
        return ModelReference(stem, INIT if stem != text else None)

    host: str | None = None
    rest = text
    if ":" in text:
        host, rest = text.split(":", 1)
        if not _HOST.match(host):
            raise UsageError(
                f"{host!r} is not a host name.",
                "A reference is [host:]model[@revision]; a path that holds ':' starts with ./ or /.",
            )
        if rest.startswith((".", "/", "~")):
            stem = rest.removesuffix(f"@{INIT}")
            return ModelReference(stem, INIT if stem != rest else None, host)
    model, separator, revision = rest.partition("@")
    if not model or (separator and not revision):
        raise UsageError(f"{text!r} is not a model reference.", "Write [host:]model[@revision], for example gpt2@main.")
    if not model.lower().endswith(ARRAY_SUFFIXES) and not _HUB_NAME.match(model):
        raise UsageError(
            f"{model!r} is neither an existing folder nor a possible name on the hub.",
            "A folder starts with ./ or /; a hub name looks like gpt2 or meta-llama/Llama-3.2-1B.",
        )
    return ModelReference(model, revision or None, host)
