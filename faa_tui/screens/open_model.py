"""Where a model reference is typed."""

from __future__ import annotations

from faa_core.reference import parse
from faa_tui.screens.ask_line import AskLine


class OpenModel(AskLine[str]):
    """Answers with a reference that can be parsed."""

    TITLE = "Open a model"
    PLACEHOLDER = "[host:]model[@revision]"
    FORMS = (
        ("demo", "the bundled model"),
        ("demo@init", "the same architecture at random initialisation"),
        ("gpt2, meta-llama/Llama-3.2-1B@main", "a model of the Hugging Face hub"),
        ("./checkpoint, /models/mine", "a folder"),
        ("maps.npy, maps.npz, maps.safetensors", "a file of attention"),
        ("gpu7:gpt2, me@gpu8:./checkpoint", "any of these on another machine, through your own ssh"),
    )

    def read(self, line: str) -> str:
        """The reference, in its shortest form."""
        return str(parse(line))
