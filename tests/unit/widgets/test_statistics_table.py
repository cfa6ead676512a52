import pytest

from faa_core.catalogue import BY_KEY
from faa_tui.widgets.layer_pane import number
from faa_tui.widgets.statistics_table import figure


@pytest.mark.parametrize(
    ("value", "signed", "text"),
    [
        (-1e-8, False, "0.000"),
        (-1e-8, True, "+0.000"),
        (-0.0, False, "0.000"),
        (-0.0006, False, "-0.001"),
        (0.5, True, "+0.500"),
        (float("nan"), False, "·"),
    ],
)
def test_rounding_noise_has_no_sign(value: float, signed: bool, text: str) -> None:
    assert figure(value, BY_KEY["learned_sink"], signed) == text
    assert number(value, 3, signed) == text
