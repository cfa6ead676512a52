from rich.cells import cell_len

from faa_core.catalogue import BY_KEY, ENTRIES, KEYS, RUN_KEYS
from faa_core.records import STATUS_MEANING, STATUSES


def test_every_entry_says_what_a_reader_needs() -> None:
    for entry in ENTRIES:
        assert entry.definition.endswith(".")
        assert entry.null.endswith(".")
        assert entry.source
        assert cell_len(entry.symbol) <= 7
        assert entry.low is None or entry.high is None or entry.low < entry.high


def test_keys_are_names_that_json_and_code_can_use() -> None:
    assert len(set(KEYS)) == len(ENTRIES) == len(BY_KEY)
    assert all(key.isidentifier() for key in KEYS)


def test_a_run_has_the_keys_that_need_neither_a_whole_map_nor_several_texts() -> None:
    assert set(RUN_KEYS) < set(KEYS)
    assert [key for key in KEYS if key in RUN_KEYS] == list(RUN_KEYS)
    assert {"D0", "entropy", "local_16", "column_collapse"} <= set(RUN_KEYS)
    assert BY_KEY["effective_rank"].when == "head"
    assert BY_KEY["variability"].when == "texts"


def test_every_status_has_a_meaning() -> None:
    assert set(STATUSES) == STATUS_MEANING.keys()
    assert STATUSES[0] == "ok"
    assert len(STATUSES) < 256, "statuses travel as one byte"
