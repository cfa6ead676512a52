from __future__ import annotations

import pytest

from faa_core.errors import UsageError
from faa_core.records import LayerInfo
from faa_tui.head_address import Address, find, named, numbered, parse_address

LAYERS = [
    LayerInfo("encoder", 0, 4, "bidirectional"),
    LayerInfo("decoder", 0, 8, "causal"),
    LayerInfo("decoder", 2, 8, "causal"),
    LayerInfo("cross", 0, 8, "cross"),
]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("2.3", Address(None, 2, 3)),
        ("L2H3", Address(None, 2, 3)),
        ("l12h30", Address(None, 12, 30)),
        ("e1.0", Address("encoder", 1, 0)),
        ("x0.2", Address("cross", 0, 2)),
        ("xL0H2", Address("cross", 0, 2)),
    ],
)
def test_heads_are_read_in_both_spellings(text, address):
    assert parse_address(text) == address


@pytest.mark.parametrize("text", ["", "2", "2.", "L2", "2.3.4", "y2.3", "2.H3", "-1.0"])
def test_what_names_no_head_says_what_does(text):
    with pytest.raises(UsageError, match="does not name a map") as caught:
        parse_address(text)
    assert "1.5" in caught.value.hint


@pytest.mark.parametrize("kind", ["decoder", "encoder", "cross"])
def test_what_is_written_is_read_again(kind):
    for write in (numbered, named):
        address = parse_address(write(kind, 3, 11))
        assert address == Address(None if kind == "decoder" else kind, 3, 11)


@pytest.mark.parametrize(
    ("text", "kind", "layer"), [("2.7", "decoder", 2), ("e0.3", "encoder", 0), ("x0.7", "cross", 0)]
)
def test_the_layer_of_an_address_is_found(text, kind, layer):
    found = find(parse_address(text), LAYERS, "t5")
    assert (found.kind, found.layer) == (kind, layer)
    assert find(parse_address("0.1"), LAYERS[:1], "bert").kind == "encoder"


@pytest.mark.parametrize(
    ("text", "layers", "message", "hint"),
    [
        ("1.0", LAYERS, "t5 has no decoder layer 1 with a map", "Layers: 0, 2."),
        ("0.8", LAYERS, "Layer 0 of t5 has no head 8", "Heads go from 0 to 7."),
        ("x0.0", LAYERS[1:3], "t5 has no cross maps", "It has: decoder."),
        ("e9.0", LAYERS, "t5 has no encoder layer 9", "Layers: 0."),
    ],
)
def test_a_head_that_is_not_there_says_which_are(text, layers, message, hint):
    with pytest.raises(UsageError) as caught:
        find(parse_address(text), layers, "t5")
    assert message in caught.value.message
    assert caught.value.hint == hint
