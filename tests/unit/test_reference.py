import msgspec
import pytest

from faa_core.errors import UsageError
from faa_core.reference import ModelReference, parse


@pytest.mark.parametrize(
    ("text", "expected", "source"),
    [
        ("demo", ModelReference("demo"), "demo"),
        ("demo@init", ModelReference("demo", "init"), "demo"),
        ("gpt2", ModelReference("gpt2"), "hub"),
        ("meta-llama/Llama-3.2-1B@main", ModelReference("meta-llama/Llama-3.2-1B", "main"), "hub"),
        (
            "gpu7:meta-llama/Llama-3.2-1B@0123abc",
            ModelReference("meta-llama/Llama-3.2-1B", "0123abc", "gpu7"),
            "hub",
        ),
        ("ada@gpu7:gpt2", ModelReference("gpt2", None, "ada@gpu7"), "hub"),
        ("gpu7:/data/check@point", ModelReference("/data/check@point", None, "gpu7"), "folder"),
        ("./check:point@3", ModelReference("./check:point@3"), "folder"),
        ("~/models/x@init", ModelReference("~/models/x", "init"), "folder"),
        ("maps.npz", ModelReference("maps.npz"), "array"),
        ("/data/A.SafeTensors", ModelReference("/data/A.SafeTensors"), "array"),
        ("  demo  ", ModelReference("demo"), "demo"),
    ],
)
def test_valid_forms(text: str, expected: ModelReference, source: str) -> None:
    parsed = parse(text)
    assert parsed == expected
    assert parsed.source == source
    assert parse(str(parsed)) == parsed


def test_an_existing_folder_needs_no_dot(tmp_path, monkeypatch) -> None:
    (tmp_path / "run@5").mkdir()
    monkeypatch.chdir(tmp_path)
    assert parse("run@5") == ModelReference("run@5")
    assert parse("run@5").source == "folder"


@pytest.mark.parametrize(
    "text",
    ["", "   ", "@main", "gpt2@", "-oProxyCommand=x:gpt2", "a b:gpt2", "host;rm:gpt2", "a/b/c", "x\x1b[31m", ":gpt2"],
)
def test_forms_that_mean_nothing_are_refused_with_a_hint(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert caught.value.hint
    assert "\x1b" not in str(caught.value)


def test_initialised_is_a_revision_not_a_name() -> None:
    assert parse("gpt2@init").initialised
    assert not parse("init").initialised


def test_references_travel() -> None:
    reference = parse("gpu7:gpt2@main")
    assert msgspec.json.decode(msgspec.json.encode(reference), type=ModelReference) == reference


@pytest.mark.parametrize(
    ("one", "other"), [("demo", "demo@init"), ("gpu7:gpt2", "gpu7:gpt2@init"), ("./folder", "./folder@init")]
)
def test_the_twin_of_a_twin_is_the_model_itself(one: str, other: str) -> None:
    assert str(parse(one).twin) == other
    assert str(parse(other).twin) == one


def test_a_revision_has_an_untrained_twin_and_a_file_has_none() -> None:
    assert str(parse("gpt2@main").twin) == "gpt2@init"
    assert parse("maps.npz").twin == parse("maps.npz")
