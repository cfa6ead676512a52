"""Maps as pictures, colours of matrices, plots, and the files inside a page."""

from __future__ import annotations

import gzip
import json
import zlib
from base64 import b64decode

import numpy as np
import pytest

from faa_core.heads import labels
from faa_core.report import HeadMap, MeasuredPart, Report, chosen_heads, map_level, raw
from faa_core.report.choice import UNLABELLED
from faa_core.report.pictures import MASKED, STEPS, UNDEFINED, palette, pictures, steps
from faa_core.report.png import png
from faa_core.report.svg import Series, plot
from faa_core.report.tables import TINTS, tint, tint_rules


def test_labels_without_a_pattern_are_those_of_the_engine() -> None:
    assert UNLABELLED == (labels.MIXED, labels.UNDEFINED)


@pytest.mark.parametrize(("tokens", "level"), [(1, 0), (512, 0), (513, 1), (1024, 1), (131072, 8)])
def test_maps_have_at_most_512_cells_along_a_side(tokens: int, level: int) -> None:
    assert map_level(tokens, tokens) == level


def test_pixels_are_roots_of_weights_and_masked_cells_are_none() -> None:
    weights = np.array([[1.0, 0.25], [np.nan, 0.0]])
    masked = np.array([[False, True], [False, False]])
    assert steps(weights, masked).tolist() == [[STEPS - 1, MASKED], [UNDEFINED, 0]]
    assert len(palette()) == STEPS + 2


def test_the_image_is_a_png_that_can_be_read_back() -> None:
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    content = png(pixels, [(k, k, k) for k in range(6)], 5)
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    at, chunks = 8, {}
    while at < len(content):
        size = int.from_bytes(content[at : at + 4], "big")
        name, body = content[at + 4 : at + 8], content[at + 8 : at + 8 + size]
        assert int.from_bytes(content[at + 8 + size : at + 12 + size], "big") == zlib.crc32(name + body)
        chunks[name], at = body, at + 12 + size
    assert zlib.decompress(chunks[b"IDAT"]) == b"\0\0\1\2\0\3\4\5"
    assert chunks[b"tRNS"] == b"\xff\xff\xff\xff\xff\0"


def test_pictures_become_coarser_until_they_fit(run_of) -> None:
    run = run_of([f" {word}" for word in range(256)], heads=4)
    rng = np.random.default_rng(0)
    chosen = chosen_heads(run)
    maps = [HeadMap("decoder", one.layer.info.layer, one.head, rng.uniform(0, 1, (256, 256))) for one in chosen]
    assert {picture.size for picture in pictures(run, chosen, maps).values()} == {1}
    tight = pictures(run, chosen, maps, budget=60_000)
    assert sum(len(picture.source) for picture in tight.values()) <= 60_000
    assert max(picture.size for picture in tight.values()) > 1


def test_colours_of_a_matrix_are_symmetric_and_their_ink_stands_out() -> None:
    middle = TINTS // 2
    assert [tint(value, 2.0) for value in (-2.0, 0.0, 2.0)] == ["d0", f"d{middle}", f"d{TINTS - 1}"]
    assert tint(float("nan"), 2.0) == ""
    assert tint(0.0, 0.0) == f"d{middle}"
    assert f".d{middle}{{background:#f7f7f7;color:#000}}" in tint_rules()


def test_a_plot_without_a_defined_point_is_none_and_gaps_break_lines() -> None:
    assert plot("t", "d", ("x", "y"), [Series("s", "data", (0.0,), (float("nan"),))]) is None
    made = plot("t", "d", ("x", "y"), [Series("s", "data", (0.0, 1.0, 2.0, 3.0), (1.0, 2.0, float("nan"), 1.0))])
    assert made is not None
    assert made.lines[0][1].count("M") == 2


def test_files_that_have_no_room_say_what_they_leave_out(run_of, monkeypatch) -> None:
    monkeypatch.setattr(raw, "PLAIN_BYTES", 1000)
    report = Report("x", measured=(MeasuredPart(run_of(heads=32)),))
    whole = raw.downloads(report)[0]
    assert (whole.name, "rounded" in whole.said) == ("run.json.gz", False)
    monkeypatch.setattr(raw, "JSON_BUDGET", len(whole.source) - 1)
    rounded = raw.downloads(report)[0]
    assert rounded.said.endswith("rounded to the seven digits that weights have")
    heads = json.loads(gzip.decompress(b64decode(rounded.source.partition(",")[2])))["heads"]
    statistics = run_of(heads=32).layers[0].statistics
    value = float(statistics.value[statistics.row("entropy"), 0])
    assert heads[0]["entropy"]["value"] == float(f"{value:.7g}") != value
    monkeypatch.setattr(raw, "JSON_BUDGET", 100)
    assert raw.downloads(report)[0].source == ""
    assert "too large for this page" in raw.downloads(report)[0].said
