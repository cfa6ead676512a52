from __future__ import annotations

import pytest

from faa_core.capture import streaming
from faa_core.capture.coverage import find_coverage
from faa_core.capture.parity import check_parity, compare


@pytest.mark.usefixtures("global_state")
def test_the_check_passes_and_says_what_it_compared():
    _name, passed, line = check_parity()
    assert passed, line
    assert "200 tokens" in line


@pytest.mark.parametrize("family", ["bart", "bloom", "jamba"])
def test_any_model_can_be_compared_and_keeps_no_hooks(family, make, inputs):
    model = make(family).eval()
    found = compare(model, inputs(model), find_coverage(model))
    assert found.difference <= 1e-6
    assert found.output_difference <= 1e-6
    assert found.maps == {"bart": 8, "bloom": 3, "jamba": 1}[family]
    assert not any(module._forward_hooks for module in model.modules())


def test_the_check_notices_a_lost_mask(monkeypatch):
    monkeypatch.setattr(streaming, "row_mask", lambda **arguments: None)
    _, passed, line = check_parity()
    assert not passed, line
