"""Models whose layers are on two cards, as far as that can be shown without any: see `two_cards`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from torch.utils import backend_registration

FAMILIES = ("llama", "gemma3", "gpt-oss", "deepseek-v3", "bert", "t5", "bart", "bloom")


@pytest.mark.skipif(
    not hasattr(backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch takes no backend in Python",
)
def test_what_layers_on_two_cards_give_is_what_they_give_on_one(make, tmp_path):
    folders = [tmp_path / family for family in FAMILIES]
    for folder in folders:
        make(folder.name).save_pretrained(folder)
    script = Path(__file__).with_name("two_cards.py")
    done = subprocess.run([sys.executable, script, *folders], capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    told = json.loads(done.stdout)
    assert told["mixed"] == "aten.add.Tensor of tensors on card:0, card:1"  # the cards are as strict as real ones
    for family, found in told["captured"].items():
        assert set(found["devices"]) == {"card:0", "card:1"}, family
        assert found["place"] == "card:0+card:1"
        assert found["difference"] == 0.0, family
        assert not found["whole"], family  # masks went to the layers by rows
        # A pass that fails in the attention interface is tried again with hooks, where masks are whole tensors.
        assert found["route"] == ("hooks" if family == "bloom" else "interface")
    assert told["analysed"]["route"] == "interface"
    assert told["analysed"]["device"] == "card:0+card:1"
    assert told["analysed"]["equal"] == told["analysed"]["arrays"] > 50
