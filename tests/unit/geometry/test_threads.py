from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest
import torch

from faa_core.geometry.threads import side_by_side


@pytest.fixture
def three_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(threads)


def test_every_piece_is_done_once_with_one_thread_of_torch_each(three_threads: None) -> None:
    together = threading.Barrier(3)  # passes only if three pieces are under way at once

    def work(piece: int) -> tuple[int, int]:
        together.wait()
        return piece * piece, torch.get_num_threads()

    assert sorted(side_by_side(work, range(9), 99)) == [(piece, (piece * piece, 1)) for piece in range(9)]
    assert torch.get_num_threads() == 3
    later: list[int] = []
    other = threading.Thread(target=lambda: later.append(torch.get_num_threads()))
    other.start()
    other.join()
    assert later == [3]


@pytest.mark.parametrize("at_most", [1, 2])
def test_no_more_pieces_are_under_way_than_there_is_memory_for(at_most: int, three_threads: None) -> None:
    under_way, most, lock = 0, 0, threading.Lock()

    def work(piece: int) -> int:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        torch.rand(1000).sort()
        with lock:
            under_way -= 1
        return threading.get_ident()

    found = list(side_by_side(work, range(40), at_most))
    assert {piece for piece, _ in found} == set(range(40))
    assert most <= at_most
    if at_most == 1:
        assert found == [(piece, threading.get_ident()) for piece in range(40)]


def test_what_a_piece_raises_comes_through_and_the_rest_is_dropped(three_threads: None) -> None:
    begun: list[int] = []

    def work(piece: int) -> int:
        begun.append(piece)
        if piece == 4:
            raise ZeroDivisionError
        return piece

    with pytest.raises(ZeroDivisionError), closing(side_by_side(work, range(1000), 99)) as results:
        for _ in results:
            pass
    assert len(begun) < 1000
    assert len(list(side_by_side(work, range(3), 99))) == 3


def test_closing_waits_for_what_has_begun(three_threads: None) -> None:
    begun: list[int] = []
    ended: list[int] = []
    go_on = threading.Event()

    def work(piece: int) -> None:
        begun.append(piece)
        if piece:
            go_on.wait()
        ended.append(piece)

    with closing(side_by_side(work, range(1000), 99)) as results:
        assert next(results)[0] == 0
        go_on.set()
    assert sorted(begun) == sorted(ended)
    assert len(begun) < 1000
