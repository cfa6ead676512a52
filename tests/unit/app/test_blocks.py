from __future__ import annotations

import numpy as np

from faa_tui.blocks import ExactBlocks
from faa_tui.messages import TileKey
from faa_tui.widgets.heat_map import MapAddress

HERE = MapAddress(1, "decoder", 0, 0)


def test_rows_and_columns_are_put_together_from_the_pieces_that_are_here():
    weights = np.arange(30, dtype=np.float32).reshape(6, 5)
    blocks = ExactBlocks()
    for row, row_stop, column, column_stop in ((0, 3, 0, 5), (3, 6, 0, 2)):
        blocks.put(TileKey(HERE, 0, row, row_stop, column, column_stop), weights[row:row_stop, column:column_stop])
    assert blocks.row(HERE, 2, 5).tolist() == weights[2].tolist()
    assert blocks.row(HERE, 4, 5) is None  # only two of its keys are here
    assert blocks.column(HERE, 1, 6).tolist() == weights[:, 1].tolist()
    assert blocks.column(HERE, 3, 6) is None
    assert blocks.column(HERE._replace(head=1), 1, 6) is None
    blocks.put(TileKey(HERE, 0, 0, 6, 3, 4), weights[:, 3:4])
    assert blocks.column(HERE, 3, 6).tolist() == weights[:, 3].tolist()


def test_a_row_of_no_numbers_is_here_all_the_same():
    blocks = ExactBlocks()
    blocks.put(TileKey(HERE, 0, 0, 2, 0, 2), np.array([[1, 0], [np.nan, np.nan]], np.float32))
    assert np.isnan(blocks.row(HERE, 1, 2)).all()
    np.testing.assert_array_equal(blocks.column(HERE, 0, 2), [1, np.nan])
