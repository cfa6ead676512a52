"""`faa_core.analyze` and `faa_core.compare` on remote machines, with the real worker and the bundled model."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import faa_core
from faa_core.errors import HostError, HostSetupError, LoginError, ModelError, UsageError
from faa_core.records import Analysis

TEXT = "the golden ratio is the limit of the ratio of two numbers that follow each other " * 2


def assert_same_numbers(one: Analysis, two: Analysis) -> None:
    assert one.tokens == two.tokens
    assert len(one.layers) == len(two.layers) == 4
    for ours, theirs in zip(one.layers, two.layers, strict=True):
        np.testing.assert_array_equal(ours.statistics.value, theirs.statistics.value)
        np.testing.assert_array_equal(ours.statistics.null, theirs.statistics.null)
        assert ours.labels == theirs.labels


@pytest.fixture(scope="module")
def local() -> Analysis:
    return faa_core.analyze("demo", TEXT, device="cpu")


def test_a_remote_model_has_the_numbers_of_the_local_one(local: Analysis) -> None:
    found = faa_core.analyze("gpu7:demo", TEXT)
    assert found.model.reference == "gpu7:demo"
    assert_same_numbers(found, local)
    assert len(found.to_frame()) == 32


def test_a_call_that_runs_elsewhere_needs_no_torch_here() -> None:
    code = (
        "import sys, faa_core\n"
        f"found = faa_core.compare('gpu7:demo', 'gpu7:demo@init', {TEXT!r})\n"
        "print(len(found.matching.pairs), {'torch', 'transformers'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "32 set()\n"), done.stderr


def test_a_machine_of_the_configuration_is_reached_as_it_says(configured: Callable[[str], Path], lab: Any) -> None:
    configured(f'[hosts.lab]\nssh = "gpu7"\ncommand = "{lab.gpu7.python} -P -m faa_core.worker"\ndevice = "cpu"\n')
    assert faa_core.analyze("lab:demo", TEXT).model.reference == "lab:demo"
    configured('[hosts.lab]\nssh = "gpu7"\ncommand = "no-such-program"\n')
    with pytest.raises(HostSetupError, match="lab"):
        faa_core.analyze("lab:demo", TEXT)
    configured("[hosts.lab]\ndevice = 3\n")
    with pytest.raises(UsageError, match=r"hosts\.lab\.device"):
        faa_core.analyze("gpu7:demo", TEXT)


def test_models_here_and_there_are_compared() -> None:
    itself = faa_core.compare("gpu7:demo", "demo", [TEXT, "one two three four five"], device="cpu")
    assert (itself.a.reference, itself.b.reference) == ("gpu7:demo", "demo")
    assert (itself.a.host, itself.b.host) == (socket.gethostname(), "")
    assert np.nanmax(itself.divergence) == pytest.approx(0, abs=1e-6)


def test_models_of_other_tokens_are_compared_on_common_segments(bytewise: Path) -> None:
    there = faa_core.compare("gpu7:demo", f"gpu7:{bytewise}", TEXT)
    here = faa_core.compare("demo", str(bytewise), TEXT, device="cpu")
    assert there.aligned == here.aligned == "segments"
    np.testing.assert_allclose(there.divergence, here.divergence, atol=1e-6)


def test_attention_in_memory_is_compared_with_a_remote_model(local: Analysis) -> None:
    n = len(local.tokens.pieces)
    even = np.tril(np.ones((4, 8, n, n))) / np.arange(1, n + 1)[:, None]
    found = faa_core.compare("gpu7:demo@init", even, TEXT)
    assert (found.divergence < 0.01).all()
    with pytest.raises(UsageError, match="one text"):
        faa_core.compare("gpu7:demo", even, [TEXT, TEXT])


@pytest.mark.parametrize(
    ("reference", "error", "said"),
    [
        ("gpu7-locked:demo", LoginError, "gpu7-locked did not let you in without a question"),
        ("gpu7-refused:demo", LoginError, "gpu7-refused did not let you in"),
        ("gpu7-stranger:demo", LoginError, "host key of gpu7-stranger is not known"),
        ("gpu7-closed:demo", HostError, "gpu7-closed"),
        ("gpu7:./no-such-folder", ModelError, "no folder"),
        ("-oProxyCommand=x:demo", UsageError, "not a host name"),
    ],
)
def test_what_refuses_is_named_with_what_to_do(reference: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        faa_core.analyze(reference, TEXT)
    assert getattr(caught.value, "hint", "")


def test_a_list_of_texts_is_refused_before_anything_is_started() -> None:
    with pytest.raises(UsageError, match="one text"):
        faa_core.analyze("gpu7-locked:demo", ["a", "b"])
