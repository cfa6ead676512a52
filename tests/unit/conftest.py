"""What tests of finished runs share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from faa_core.analysis import Engine
from faa_core.records import Analysis, LayerResult
from faa_core.worker.protocol import Run


class Recorder:
    def __init__(self) -> None:
        self.layers: list[LayerResult] = []

    def progress(self, *what) -> None: ...

    def loaded(self, model) -> None: ...

    def started(self, model, tokens, decoder_tokens, truncated_from) -> None:
        self.model, self.tokens = model, tokens

    def layer(self, index, total, result) -> None:
        self.layers.append(result)

    def check(self) -> None: ...


@pytest.fixture(scope="session")
def run_text() -> Callable[[Engine, str, str], Analysis]:
    """Runs a text through an engine, and returns the finished run."""

    def run(engine: Engine, reference: str, text: str) -> Analysis:
        heard = Recorder()
        seconds, notes = engine.run(Run(1, reference, text), heard)
        return Analysis(heard.model, text, heard.tokens, None, None, tuple(heard.layers), seconds, notes)

    return run
