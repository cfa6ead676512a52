import numpy as np
import pytest

from faa_core.catalogue import RUN_KEYS
from faa_core.records import BoxCounts, LayerInfo, LayerResult, ModelInfo, Statistics, Tokens, status_code
from faa_tui.session import Position, Results, head_table

NAN = float("nan")


def layer(info, d0, null, why="too_few_scales", slope=1.6):
    heads = info.heads
    value = np.full((len(RUN_KEYS), heads), 0.5)
    nulls = np.full((len(RUN_KEYS), heads), null)
    value[RUN_KEYS.index("D0")] = d0
    status = np.where(np.isnan(value), status_code(why), 0).astype(np.uint8)
    empty = np.zeros(0)
    boxes = BoxCounts(*[empty] * 7, np.full(heads, slope), empty, empty)
    return LayerResult(info, 4, 4, empty, empty, Statistics(RUN_KEYS, value, nulls, value * NAN, status), (), boxes)


@pytest.fixture
def results():
    infos = (
        LayerInfo("encoder", 0, 2, "bidirectional"),
        LayerInfo("decoder", 0, 0, "none"),
        LayerInfo("decoder", 1, 3, "causal"),
        LayerInfo("cross", 1, 3, "cross"),
    )
    model = ModelInfo("m", "A", "", "cpu", "float32", "eager", "hooks", 1, None, "", infos, {})
    tokens = Tokens((), ("a",), ((0, 1),), (False,))
    return Results(1, model, tokens, Tokens((), ("x", "y"), ((0, 0),) * 2, (False,) * 2))


def test_rows_are_the_layers_that_have_maps(results):
    assert [info.name for info in results.rows] == ["e0", "1", "x1"]


def test_dimensions_are_shown_as_distance_from_the_null_and_undefined_stays_nan(results):
    results.layers["encoder", 0] = layer(results.rows[0], [1.5, NAN], 1.9)
    table = head_table(results, "D0")
    assert table.values[0, 0] == pytest.approx(-0.4)
    assert np.isnan(table.values[0, 1:]).all()
    assert table.arrived == (True, False, False)
    assert table.counts == (2, 3, 3)
    assert table.row_means()[0] == pytest.approx(-0.4)
    assert table.diverging
    assert table.low == -table.high


def test_a_slope_without_scaling_is_shown_as_doubtful(results):
    results.layers["encoder", 0] = layer(results.rows[0], [1.5, NAN], 1.9, why="no_scaling", slope=1.6)
    table = head_table(results, "D0")
    np.testing.assert_allclose(table.values[0, :2], [-0.4, -0.3])
    assert table.doubtful[0, :2].tolist() == [False, True]


def test_other_statistics_are_shown_as_they_are(results):
    results.layers["encoder", 0] = layer(results.rows[0], [1.5, NAN], 1.9)
    table = head_table(results, "first_token")
    assert table.values[0].tolist()[:2] == [0.5, 0.5]
    assert (table.low, table.high) == (0, 1)


def test_a_position_moves_through_all_kinds_and_is_clamped_to_the_heads_of_the_row(results):
    here = Position("encoder", 0, 1)
    assert results.moved(here, layers=1) == Position("decoder", 1, 1)
    assert results.moved(here, layers=5, heads=5) == Position("cross", 1, 2)
    assert results.moved(here, layers=-5, heads=-5) == Position("encoder", 0, 0)


def test_a_position_of_another_model_becomes_the_nearest_of_this_one(results):
    assert results.clamp(Position("decoder", 30, 30)) == Position("decoder", 1, 2)
    assert results.clamp(None) == Position("encoder", 0, 0)


def test_tokens_of_an_encoder_decoder(results):
    assert results.queries_of("cross").pieces == ("x", "y")
    assert results.keys_of("cross").pieces == ("a",)
    assert results.keys_of("decoder").pieces == ("x", "y")
