import pytest

from faa_core import errors


def family(cls: type[errors.FaaError] = errors.FaaError) -> list[type[errors.FaaError]]:
    """Classes with a kind of their own; one that refines another within a process travels as that."""
    own = [cls] if "kind" in vars(cls) else []
    return [*own, *(member for child in cls.__subclasses__() for member in family(child))]


@pytest.mark.parametrize("member", family())
def test_every_error_survives_a_journey_by_name(member: type[errors.FaaError]) -> None:
    assert errors.by_kind(member.kind) is member


def test_kinds_are_unique_and_a_later_version_may_know_more() -> None:
    kinds = [member.kind for member in family()]
    assert len(set(kinds)) == len(kinds)
    assert errors.by_kind("from-the-future") is errors.FaaError


def test_exit_codes_tell_what_to_do() -> None:
    assert errors.UsageError.exit_code == 2
    assert all(member.exit_code == 3 for member in family() if member.retry)
    assert errors.Cancelled.exit_code == 130


def test_an_error_reads_as_one_text() -> None:
    assert str(errors.TextError("The text is empty.", "Give one with --text.")) == (
        "The text is empty. Give one with --text."
    )
    assert str(errors.TextError("The text is empty.")) == "The text is empty."
