"""What a comparison asks for, and when it has enough; the requests are recorded, the answers those of a script."""

import numpy as np
import pytest

from faa_core.comparison.records import Head
from faa_core.records import BoxCounts, LayerInfo, LayerResult, LayerSketch, ModelInfo, Statistics, Tokens
from faa_core.worker.protocol import ON_SCREEN, SOMEDAY, Fail, RunOptions
from faa_tui.comparing import Comparing, default_references
from faa_tui.messages import AlignKey, SketchKey
from faa_tui.session import Position, Results

TEXT = "the golden ratio"
WORDS = (("the", (0, 3)), (" golden", (3, 10)), (" ratio", (10, 16)))
HALVES = (("the", (0, 3)), (" gol", (3, 7)), ("den", (7, 10)), (" ratio", (10, 16)))


class Recorded:
    """Requests in the order in which they were sent."""

    def __init__(self):
        self.runs, self.asked, self.cancelled, self.released = [], [], [], []
        self.lost = set()

    def run(self, number, order, priority):
        self.runs.append((number, order.reference, order.text, priority))

    def ask(self, key):
        self.asked.append(key)

    def cancel(self, job):
        self.cancelled.append(job)

    def release(self, number):
        self.released.append(number)

    def holds(self, number):
        return number not in self.lost


def comparing(references=("demo", "demo@init"), texts=(TEXT,)):
    port, numbers = Recorded(), iter(range(1, 100))
    made = Comparing(references, texts, RunOptions(), port, lambda: next(numbers))
    made.begin()
    return made, port


def tokens(words):
    return Tokens(
        tuple(range(len(words))), tuple(w for w, _ in words), tuple(o for _, o in words), (False,) * len(words)
    )


def measured(n, layer=0, heads=2):
    rows, nothing = np.arange(n, dtype=np.int32), np.zeros((0, heads))
    per_head = np.full(heads, np.nan)
    boxes = BoxCounts(
        np.array([1]), np.zeros(1), np.ones((heads, 1), np.int64), np.ones(1, np.int64), np.zeros(heads, np.int16),
        np.zeros(heads, np.int16), per_head, per_head, np.zeros(0), np.zeros((heads, 0)),
    )  # fmt: skip
    statistics = Statistics((), nothing, nothing, nothing, nothing.astype(np.uint8))
    info = LayerInfo("decoder", layer, heads, "causal")
    return LayerResult(info, n, n, rows * 0, rows + 1, statistics, (), boxes)


def finish(made, number, words=WORDS, layers=1, heads=2):
    infos = tuple(LayerInfo("decoder", layer, heads, "causal") for layer in range(layers))
    model = ModelInfo("demo", "Scripted", "1", "cpu", "float32", "eager", "file", 0, None, "", infos, {})
    made.started(number, Results(number, model, tokens(words)))
    for layer in range(layers):
        made.layer(number, measured(len(words), layer, heads))
    made.done(number, 0.1, ())


def sketch_of(key):
    rows = np.array(key.rows, np.int32)
    shape = (2, len(rows), key.top)
    return LayerSketch(
        LayerInfo("decoder", 0, 2, "causal"), rows, rows * 0, rows + 1, np.zeros(shape, np.uint16),
        np.zeros(shape, np.float16), np.ones(shape[:2], np.float16),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("current", "expected"),
    [
        ("demo", ("demo", "demo@init")),
        ("demo@init", ("demo", "demo@init")),
        ("gpt2@main", ("gpt2@main", "gpt2@init")),
        ("gpu7:gpt2", ("gpu7:gpt2", "gpu7:gpt2@init")),
        ("maps.npz", ("demo", "demo@init")),
    ],
)
def test_with_nothing_said_a_model_is_compared_with_itself_untrained(current, expected):
    assert default_references(current) == expected


def test_the_text_on_the_screen_goes_first_and_the_others_wait():
    _, port = comparing(texts=("one", "two"))
    assert port.runs == [
        (1, "demo", "one", ON_SCREEN),
        (2, "demo@init", "one", ON_SCREEN),
        (3, "demo", "two", SOMEDAY),
        (4, "demo@init", "two", SOMEDAY),
    ]


def test_with_the_same_tokens_both_are_sketched_and_then_complete():
    made, port = comparing()
    finish(made, 1)
    assert port.asked == []
    finish(made, 2)
    assert [(type(key), key.run, key.aligned) for key in port.asked] == [(SketchKey, 1, False), (SketchKey, 2, False)]
    assert port.asked[0].rows == port.asked[1].rows == (0, 1, 2)
    assert not made.is_aligned("decoder")
    made.sketched(port.asked[0], sketch_of(port.asked[0]))
    made.answered(port.asked[0])
    assert made.complete_texts() == []
    made.sketched(port.asked[1], sketch_of(port.asked[1]))
    made.answered(port.asked[1])
    assert made.complete_texts() == [0]
    assert [len(made.analyses(side)[0].layers) for side in (0, 1)] == [1, 1]
    assert [len(made.sketches(side)[0]) for side in (0, 1)] == [1, 1]


def test_other_tokens_are_joined_to_segments_before_anything_is_shown_or_sketched():
    made, port = comparing()
    finish(made, 1)
    finish(made, 2, HALVES)
    first, second = port.asked
    assert isinstance(first, AlignKey)
    assert isinstance(second, AlignKey)
    assert first.queries.tolist() == [0, 1, 2]
    assert second.keys.tolist() == [0, 1, 1, 2]
    assert made.is_aligned("decoder")
    assert not made.can_show(1, "decoder")
    frame, queries, keys = made.frame(1, "decoder", 0)
    assert (frame.queries, frame.keys) == (3, 3)
    assert frame.stop_key.tolist() == [1, 2, 3]
    assert queries == keys == ("the", " golden", " ratio")
    made.answered(second)
    assert made.can_show(1, "decoder")
    assert port.asked[2:] == [SketchKey(2, "decoder", (0, 1, 2), 8, True)]


def test_a_map_that_was_looked_at_early_does_not_keep_the_sketch_from_being_asked_for():
    made, port = comparing()
    infos = (LayerInfo("decoder", 0, 2, "causal"),)
    model = ModelInfo("demo", "Scripted", "1", "cpu", "float32", "eager", "file", 0, None, "", infos, {})
    for number in (1, 2):
        made.started(number, Results(number, model, tokens(WORDS)))
        made.layer(number, measured(3))
    assert made.frame(0, "decoder", 0) is not None
    made.done(1, 0.1, ())
    made.done(2, 0.1, ())
    assert len(port.asked) == 2


def test_without_a_sketch_the_other_numbers_can_be_worked_out():
    made, port = comparing()
    finish(made, 1)
    finish(made, 2)
    made.answered(port.asked[0])
    assert made.answer_failed(port.asked[1], gone=False)
    assert made.complete_texts() == [0]


def test_another_model_on_one_side_leaves_the_runs_of_the_other_alone():
    made, port = comparing()
    finish(made, 1)
    finish(made, 2)
    asked = len(port.asked)
    made.replace(1, "gpu7:gpt2")
    assert port.released == [2]
    assert port.runs[2:] == [(3, "gpu7:gpt2", TEXT, ON_SCREEN)]
    finish(made, 3, HALVES)
    assert [(type(key), key.run) for key in port.asked[asked:]] == [(AlignKey, 1), (AlignKey, 3)]


def test_an_answer_for_a_model_that_was_swapped_out_is_nobodys():
    made, port = comparing()
    finish(made, 1)
    finish(made, 2)
    old = port.asked[1]
    made.replace(1, "gpt2")
    made.answered(old)
    made.sketched(old, sketch_of(old))
    finish(made, 2)
    assert made.complete_texts() == []


def test_sides_that_change_places_keep_all_that_is_known():
    made, port = comparing()
    finish(made, 1)
    finish(made, 2, HALVES)
    for key in list(port.asked):
        made.answered(key)
    for key in port.asked[2:]:
        made.answered(key)
    asked, edition = len(port.asked), made.edition
    made.swap(0, 1)
    assert [side.reference for side in made.sides] == ["demo@init", "demo"]
    assert made.edition > edition
    assert made.complete_texts() == [0]
    assert len(port.asked) == asked
    queries, _ = made.alignment(0, "decoder")
    assert queries.segments[0].tolist() == [0, 1, 1, 2]


def test_numbers_of_an_older_state_are_not_taken():
    made, _ = comparing()
    edition = made.edition
    made.rematched()
    assert not made.worked_out(1, object(), edition)
    assert made.comparisons == {}
    assert made.worked_out(1, object(), made.edition)


def test_what_failed_is_run_again_and_only_that():
    made, port = comparing(texts=("one", "two"))
    made.failed(2, Fail(0, "worker", "gone", "", True))
    made.again()
    assert port.runs[4:] == [(5, "demo@init", "one", ON_SCREEN)]
    assert made.run_of(2) is None
    assert list(made.faults()) == []


def test_a_run_whose_worker_is_gone_is_run_again_and_sketched_again():
    made, port = comparing()
    finish(made, 1)
    finish(made, 2)
    for key in list(port.asked):
        made.answered(key)
    port.lost.add(2)
    made.again()
    assert port.runs[2:] == [(3, "demo@init", TEXT, ON_SCREEN)]
    assert made.complete_texts() == []
    finish(made, 3)
    assert [key.run for key in port.asked] == [1, 2, 3]
    made.answered(port.asked[-1])
    assert made.complete_texts() == [0]


def test_new_texts_give_the_old_runs_up_and_let_them_go():
    made, port = comparing()
    finish(made, 1)
    made.with_texts(("other", "texts"))
    assert port.cancelled == [2]
    assert port.released == [1, 2]
    assert [run[2] for run in port.runs[2:]] == ["other", "other", "texts", "texts"]


def test_a_borrowed_run_is_used_and_not_let_go():
    made, port = comparing()
    run = made.shown(0)
    finish(made, 1)
    run.borrowed = True
    made.close()
    assert port.released == [2]


def test_before_heads_are_matched_the_partner_is_at_the_same_depth():
    made, _ = comparing()
    finish(made, 1, layers=4)
    finish(made, 2, layers=2, heads=1)
    assert made.partner(1, Position("decoder", 3, 1)) == Position("decoder", 1, 0)
    assert made.partner(1, Position("decoder", 0, 0)) == Position("decoder", 0, 0)
    assert Head("decoder", 0, 0) == Head(*Position("decoder", 0, 0))


def test_a_third_side_comes_and_goes():
    made, port = comparing()
    made.replace(2, "gpt2")
    assert [side.reference for side in made.sides] == ["demo", "demo@init", "gpt2"]
    assert port.runs[-1][1] == "gpt2"
    made.remove(1)
    assert [side.reference for side in made.sides] == ["demo", "gpt2"]
    assert port.cancelled == [2]
    made.remove(1)
    assert len(made.sides) == 2
