"""Maps in little are fetched one at a time behind all else, and a run that is gone holds up no other."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from faa_core.store import Store
from faa_core.worker.protocol import SOMEDAY
from faa_tui import paths
from faa_tui.little_map_requests import LittleMapRequests
from faa_tui.little_maps import Wish, every_head, telling_heads


def wish(layer, head):
    return Wish("decoder", layer, head, 1, 4, 4)


@pytest.fixture
def sent():
    return []


@pytest.fixture
def kept():
    return []


@pytest.fixture
def requests(sent):
    return LittleMapRequests(sent.append)


@pytest.fixture
def keep(kept):
    """What keeps the maps of a run: their layers and heads, by its number."""
    return lambda run: lambda maps: kept.append((run, [(one.layer, one.head) for one in maps]))


def answer(requests, sent, number):
    for _ in range(number):
        requests.arrived(sent[-1], np.eye(4))


def test_one_is_under_way_and_each_layer_is_kept_when_it_is_whole(requests, sent, kept, keep):
    requests.want(1, [wish(0, 0), wish(0, 1), wish(1, 0)], keep(1))
    requests.want(2, [wish(1, 0)], keep(2))
    assert len(sent) == 1
    answer(requests, sent, 1)
    assert (len(sent), kept) == (2, [])
    answer(requests, sent, 3)
    assert kept == [(1, [(0, 0), (0, 1)]), (1, [(1, 0)]), (2, [(1, 0)])]
    assert {key.priority for key in sent} == {SOMEDAY}
    assert len(sent) == 4


def test_what_became_invalid_is_not_asked_for_any_more(requests, sent, kept, keep):
    valid = [True]
    over_segments = wish(0, 0)._replace(aligned=True)
    requests.want(1, [over_segments, wish(0, 1)], keep(1), lambda: valid[0])
    requests.want(1, [wish(2, 0)], keep(3))
    assert [key.aligned for key in sent] == [True]
    valid[0] = False
    answer(requests, sent, 2)
    assert kept == [(1, [(0, 0)]), (3, [(2, 0)])]
    assert [key.address.layer for key in sent] == [0, 2]


def test_a_run_that_is_gone_is_given_up_and_the_next_one_fetched(requests, sent, kept, keep):
    requests.want(1, [wish(0, 0), wish(0, 1), wish(1, 0)], keep(1))
    requests.want(2, [wish(0, 0)], keep(2))
    answer(requests, sent, 1)
    requests.failed(sent[-1])
    assert kept == [(1, [(0, 0)])]
    assert sent[-1].run == 2
    requests.arrived(sent[0], np.eye(4))  # an answer that nobody waits for
    answer(requests, sent, 1)
    assert kept[-1] == (2, [(0, 0)])
    assert len(sent) == 3


def test_every_head_of_a_finished_run_is_kept_and_of_a_distant_one_those_that_tell_most(start, requests, sent):
    async def body():
        async with start() as session:
            app = session.app

            def heads():
                if not paths.runs().exists():
                    return set()
                with Store(paths.runs()) as store:
                    return {(one.layer, one.head) for entry in store.entries(1) for one in store.overviews(entry.id)}

            await session.until(lambda: len(heads()) == 32)
            analysis = app.main.results.analysis("demo", "")
            assert {(one.layer, one.head) for one in every_head(analysis)} == heads()
            telling = telling_heads(analysis)
            assert 0 < len(telling) <= 12
            assert set(telling) <= set(every_head(analysis))
            assert all(max(one.rows, one.columns) <= 64 for one in telling)
            app._little = requests  # that sends nothing anywhere
            app.keep_run(99, app.main.results.analysis("gpu7:demo", ""), app.order.options)
            answer(requests, sent, len(telling) - 1)
            assert {Wish(*key.address[1:4], key.level, key.row_stop, key.column_stop) for key in sent} == set(telling)

    asyncio.run(body())


def test_what_was_examined_is_kept_beside_its_run(start):
    async def body():
        async with start() as session:
            await session.press("x")
            await session.until(lambda: [entry.examined for entry in listed()] == [1])
            kept = await session.app.history.open(listed()[0].id)
            (examination,) = kept.findings.examinations
            assert (examination.kind, examination.layer, examination.head) == session.position

    def listed():
        if not paths.runs().exists():
            return []
        with Store(paths.runs()) as store:
            return store.entries()

    asyncio.run(body())
