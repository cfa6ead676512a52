import numpy as np

from faa_tui.blocks import ExactBlocks
from faa_tui.messages import TileKey
from faa_tui.tiles import IN_FLIGHT, PREFETCHES, TileRequests
from faa_tui.widgets.heat_map import MapAddress


def key(head, row=0, rows=4, level=0):
    return TileKey(MapAddress(1, "decoder", 0, head), level, row, row + rows, 0, 4)


class Requests(TileRequests):
    def __init__(self):
        self.sent, self.cancelled = [], []
        super().__init__(self.sent.append, self.cancelled.append)


def test_prefetching_leaves_room_for_what_is_looked_at():
    requests = Requests()
    requests.prefetch([key(head) for head in range(8)])
    assert requests.sent == [key(0), key(1)][:PREFETCHES]
    requests.want(key(7))
    assert requests.sent[-1] == key(7)
    requests.ended(key(0))
    requests.ended(key(1))
    requests.ended(key(7))
    assert requests.sent[3:] == [key(2), key(3)]


def test_a_tile_is_asked_for_once():
    requests = Requests()
    requests.want(key(0))
    requests.want(key(0))
    requests.prefetch([key(0)])
    assert requests.sent == [key(0)]


def test_urgent_wishes_for_a_map_that_was_left_are_dropped():
    requests = Requests()
    for row in range(6):
        requests.want(key(0, row))
    assert len(requests.sent) == IN_FLIGHT
    requests.want(key(1))
    for row in range(IN_FLIGHT):
        requests.ended(key(0, row))
    assert requests.sent[IN_FLIGHT:] == [key(1)]


def test_a_new_run_gives_everything_up():
    requests = Requests()
    requests.prefetch([key(head) for head in range(8)])
    requests.clear()
    assert requests.waiting == 0
    assert set(requests.cancelled) == {key(0), key(1)}


def test_a_row_is_put_together_from_blocks_and_is_none_while_a_piece_is_missing():
    blocks, address = ExactBlocks(), MapAddress(1, "decoder", 0, 0)
    blocks.put(TileKey(address, 0, 0, 2, 0, 2), np.array([[1, 2], [3, 4]], np.float16))
    assert blocks.row(address, 1, 3) is None
    blocks.put(TileKey(address, 1, 0, 2, 2, 3), np.array([[9]], np.float16))  # coarse: not exact
    assert blocks.row(address, 1, 3) is None
    blocks.put(TileKey(address, 0, 0, 2, 2, 3), np.array([[5], [6]], np.float16))
    assert blocks.row(address, 1, 3).tolist() == [3, 4, 6]
    assert blocks.row(address._replace(head=1), 1, 3) is None
