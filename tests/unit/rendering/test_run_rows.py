"""The list of kept runs: the heads of its columns stand in full wherever there is room for the rows."""

from __future__ import annotations

from datetime import date

import pytest

from faa_tui.rendering.row_table import joined_width
from faa_tui.rendering.run_rows import RunRow, columns_for, run_table


@pytest.mark.parametrize("width", [24, 28, 40, 80, 120, 200])
def test_no_head_of_a_column_is_cut(width: int) -> None:
    row = RunRow(12, "2026-11-25T09:40:59Z", "analysis", ("demo",), 1, 384, "golden section", "")
    columns = columns_for(run_table([row], 12, date(2026, 11, 25)).columns, width)
    assert joined_width(columns) <= width
    assert all(len(column.title) < column.width for column in columns)  # with a cell for the mark of the order
