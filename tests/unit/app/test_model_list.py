"""The lines of models to choose from, and how amounts and times are told."""

import pytest

from faa_core.inventory import FoundModel, Inventory
from faa_core.worker.protocol import Progress
from faa_tui.model_list import Line, age, common, host_and_rest, lines
from faa_tui.rendering.bytes_in_words import clock, in_words
from faa_tui.transfer import Transfer

INVENTORY = Inventory(
    (
        FoundModel("org/Large-7B", "cache", 7 * 1024**3, 1000.0),
        FoundModel("org/half", "cache", 1000, 900.0, "incomplete"),
        FoundModel("/models/mine", "folder", 1000, 800.0),
    ),
    "/cache",
)


def references(typed, **known):
    return [line.reference for line in lines(typed, **known) if line.kind != "heading"]


def test_models_stand_once_and_with_what_is_known_of_them():
    found = lines("", recent=["org/Large-7B", "gpt2"], inventory=INVENTORY, loaded={"demo": 5})
    assert [line.title for line in found] == [
        *("Bundled", "demo", "demo@init", "Opened before", "org/Large-7B", "gpt2"),
        *("Folders", "/models/mine", "Cache of the hub", "org/half"),
    ]
    assert found[4] == Line("model", "org/Large-7B", "org/Large-7B", 7 * 1024**3, 1000.0)
    assert [line.remark for line in found if line.remark] == ["loaded", "incomplete"]


def test_every_word_narrows_the_list_whatever_its_case():
    assert references("large", inventory=INVENTORY) == ["org/Large-7B"]
    assert references("7b org", inventory=INVENTORY) == ["org/Large-7B"]
    assert references("nothing", inventory=INVENTORY) == []


def test_a_machine_shows_its_own_models_once_they_are_known():
    known = {"recent": ["gpu7:gpt2", "gpt2"], "hosts": ["gpu7", "gpu8"]}
    assert references("gpu", **known) == ["gpu7:", "gpu8:"]
    assert references("gpu7:", **known) == ["gpu7:demo", "gpu7:demo@init", "gpu7:gpt2", "gpu7:"]
    assert lines("gpu7:", **known)[-1].kind == "connect"
    assert references("gpu7:half", **known, inventory=INVENTORY) == ["gpu7:org/half"]


@pytest.mark.parametrize(
    ("typed", "split"),
    [
        ("gpt2", ("", "gpt2")),
        ("gpu7:gp", ("gpu7", "gp")),
        ("./a:b", ("", "./a:b")),
        ("gpu7:./a:b", ("gpu7", "./a:b")),
        ("", ("", "")),
    ],
)
def test_the_machine_ends_at_its_colon(typed, split):
    assert host_and_rest(typed) == split


def test_a_name_is_completed_as_far_as_all_agree():
    shown = lines("org", inventory=INVENTORY)
    assert common("org", shown) == "org/"
    assert common("org/L", shown) == "org/Large-7B"
    assert common("half", shown) == "half"


def test_ages_and_amounts_are_told_in_words():
    day = 24 * 3600
    assert [age(days * day) for days in (-1, 0.9, 1, 12, 45, 800)] == [
        *("today", "today", "1 day", "12 days", "1 month", "2 years"),
    ]
    assert [in_words(n) for n in (0, 900, 5 * 1024**2, 412 * 1024**2, 3 * 1024**3)] == [
        *("0 KiB", "1 KiB", "5.0 MiB", "412 MiB", "3.0 GiB"),
    ]
    assert [clock(seconds) for seconds in (8, 725, 12000)] == ["0:08", "12:05", "3:20:00"]


def told(transfer, seconds, mib, stage="download"):
    return transfer.told(Progress(1, stage, "Downloading it", mib * 1024**2, 1000 * 1024**2, "bytes"), seconds)


def test_a_download_is_told_with_its_speed_and_what_is_left():
    transfer = Transfer()
    assert told(transfer, 100.0, 0) == "downloading 0 KiB of 1000 MiB"
    assert told(transfer, 100.5, 25) == "downloading 25 MiB of 1000 MiB"  # too short for a speed
    assert told(transfer, 102.0, 100) == "downloading 100 MiB of 1000 MiB, 50 MiB/s, 0:18 left"
    assert told(transfer, 110.0, 180) == "downloading 180 MiB of 1000 MiB, 10 MiB/s, 1:22 left"  # slower of late
    assert told(transfer, 111.0, 0, "load") == "loading 0 KiB of 1000 MiB"
    assert not Transfer.follows(Progress(1, "load", "Loading it"))
    assert not Transfer.follows(Progress(1, "capture", "Forward pass", 1, 4, "layers"))


def test_what_was_kept_of_an_earlier_download_has_no_speed():
    transfer = Transfer()
    told(transfer, 10.0, 500)
    assert told(transfer, 12.0, 600) == "downloading 600 MiB of 1000 MiB, 50 MiB/s, 0:08 left"


def test_a_download_that_is_gone_on_with_says_from_where():
    transfer = Transfer()
    told(transfer, 9.0, 0)
    assert told(transfer, 10.0, 500, "resume") == "downloading 500 MiB of 1000 MiB, resumed at 500 MiB"
    assert told(transfer, 30.0, 600, "resume").endswith("5.0 MiB/s, 1:20 left, resumed at 500 MiB")
