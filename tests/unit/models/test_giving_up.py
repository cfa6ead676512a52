"""Loading is told in bytes and can be given up, also between two tensors."""

from __future__ import annotations

import pytest

from faa_core.analysis import Engine
from faa_core.errors import Cancelled
from faa_core.models import loading
from faa_core.models.pacing import PacedProgress
from faa_core.reference import parse
from faa_core.worker.protocol import Load, RunOptions


class Listener:
    """Keeps what it is told, and gives up at the ``end``-th check."""

    def __init__(self, end=None):
        self.told = []
        self.checks = 0
        self._end = end

    def progress(self, stage, text, done=0, total=0, unit=""):
        self.told.append((stage, text, done, total, unit))

    def loaded(self, model):
        pass

    def check(self):
        self.checks += 1
        if self.checks == self._end:
            raise Cancelled("Enough.")


def open_demo(listener):
    engine = Engine()
    engine.load(Load(1, "demo", RunOptions(device="cpu")), listener)
    return engine


def test_large_weights_are_told_in_bytes(monkeypatch, reports):
    monkeypatch.setattr(loading, "TOLD_FROM", 0)
    loaded = loading.load(parse("demo"), "cpu", "auto", lambda *report: reports.append(report))
    amounts = [(done, total) for stage, _, done, total, unit in reports if (stage, unit) == ("load", "bytes")]
    weights = sum(weight.nbytes for weight in loaded.model.parameters())
    assert {total for _, total in amounts} == {weights}
    assert [done for done, _ in amounts] == sorted(done for done, _ in amounts)
    assert amounts[-1][0] == weights
    assert len(amounts) > 10


def test_reading_weights_can_be_given_up_between_two_tensors():
    whole = Listener()
    assert open_demo(whole).residents()
    assert whole.checks > 20  # once for each tensor
    given_up = Listener(end=whole.checks // 2)
    engine = Engine()
    with pytest.raises(Cancelled):
        engine.load(Load(1, "demo", RunOptions(device="cpu")), given_up)
    assert engine.residents() == ()
    engine.load(Load(2, "demo", RunOptions(device="cpu")), Listener())
    assert [model.reference for model in engine.residents()] == ["demo"]


def test_what_comes_fast_is_told_now_and_then():
    listener = Listener()
    told = PacedProgress(listener)
    for done in range(10_001):
        told("download", "Downloading it", done, 10_000, "bytes")
    assert listener.checks == 10_001
    assert 2 <= len(listener.told) < 5_000
    assert listener.told[-1][2] == 10_000
    told("load", "Loading it", 0, 0, "")
    told("load", "Loading it", 0, 0, "")
    assert listener.told[-1] == ("load", "Loading it", 0, 0, "")
    assert listener.told[-2][0] == "download"
