"""The pages that are made from the code are what the code says, and lead somewhere."""

from __future__ import annotations

import ast
import html
import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from faa_core import configuration
from faa_core.errors import FaaError, OutOfMemoryError, UsageError
from faa_tui import keymap, preferences

ROOT = Path(__file__).resolve().parents[2]


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclass looks itself up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def error_pages() -> ModuleType:
    return _script("error_pages")


SOURCE = '''
LIMIT = "the limit"

def load(name, free):
    """Load.

    Raises:
        OutOfMemoryError: It does not fit.
        UsageError: There is no such
            model.
    """
    if free < 1:
        reason = f"No room for {name} beside {LIMIT}."
        raise OutOfMemoryError(f"{reason} {figures()}".strip(), "Buy " + "more.")
    try:
        ...
    except FaaError as error:
        raise UsageError(error.message, error.hint)
    raise UsageError(f"There is no model {len(name)} {'here' if free else 'there'}.")
'''


def test_messages_are_read_off_the_code_with_their_reason_and_cure(error_pages: ModuleType) -> None:
    memory, usage = error_pages._Module("faa.loading", ast.parse(SOURCE), {}).found
    assert memory.cls is OutOfMemoryError
    assert memory.text == "No room for <name> beside the limit. <what it needs, and what is free>"
    assert memory.hints == ["Buy more."]
    assert memory.places == ["`faa.loading.load`"]
    assert memory.reasons == ["It does not fit."]
    assert memory.slug == "no-room-for-beside-the-limit"
    assert usage.cls is UsageError  # what only hands on another message has no page
    assert usage.text == "There is no model <n> here."
    assert usage.reasons == ["There is no such model."]
    page = error_pages.page(memory)
    for heading in ("What happened", "Why", "What to do"):
        assert f"## {heading}\n" in page
    assert "exit code 3" in page


MOULDS = [
    ("f\"Choose one of {', '.join(FORMS[:2])}, not {form!r}.\"", "Choose one of json, csv, not <form>."),
    ('f"At most {MOST - 1:,} of {len(rows)} rows go."', "At most 1,023 of <n> rows go."),
    ('f"Row {row_stop} of {self.info.reference} is {reason}."', "Row <row stop> of <model> is late or gone for good."),
    (
        '"There is no such model." if a else f"There is {name or \'none\'}."',
        "There is no such model. or There is <name>.",
    ),
]


@pytest.mark.parametrize(("raised", "text"), MOULDS)
def test_what_is_put_into_a_message_is_a_word_or_its_value(error_pages: ModuleType, raised: str, text: str) -> None:
    source = f"""
FEWEST, MOST = 1, 1024
FORMS = ("json", "csv", "npz")
def check(row_stop, form, a):
    reason = "late" if a else "gone for good"
    raise UsageError({raised})
"""
    (found,) = error_pages._Module("faa.some", ast.parse(source), {}).found
    assert found.text == text


def test_an_expression_that_no_reader_knows_needs_a_word(error_pages: ModuleType) -> None:
    source = 'def check(a):\n    raise UsageError(f"There is no row {a << 3} here.")'
    with pytest.raises(ValueError, match=r"a << 3.*WORDS"):
        error_pages._Module("faa.some", ast.parse(source), {})


def test_no_page_shows_an_expression(error_pages: ModuleType) -> None:
    shown = {text for message in error_pages.messages() for text in (message.text, *message.hints)}
    placeholders = {found for text in shown for found in re.findall("<[^>]*>", text)}
    assert len(placeholders) > 50
    assert {one for one in placeholders if not re.fullmatch("<[A-Za-z ,-]+>", one)} == set()


def test_every_message_has_a_page_of_its_own_and_the_index_leads_there(error_pages: ModuleType) -> None:
    pages = error_pages.pages()
    found = error_pages.messages()
    assert len(pages) == len(found) + 1
    assert len(found) > 100
    assert all(f"]({name})" in pages["index.md"] for name in pages if name != "index.md")
    assert {message.cls for message in found} >= {OutOfMemoryError, UsageError}
    assert all(issubclass(message.cls, FaaError) for message in found)


@pytest.mark.parametrize("name", ["long-texts", "scripts", "attention-from-other-tools"])
def test_pages_that_errors_lead_to_are_there(error_pages: ModuleType, name: str) -> None:
    assert any(f"how-to/{name}.md" in link for link in error_pages.RELATED.values())
    assert (ROOT / "docs" / "how-to" / f"{name}.md").is_file()


def test_the_site_asks_nothing_of_other_machines() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert "font: false" in settings
    assert "http" not in settings
    assert "analytics:" not in settings


def test_a_page_may_come_or_go_without_a_word_in_the_settings(tmp_path: Path) -> None:
    for name in ("index.md", "new.md", "how-to/other.md", "errors/index.md", "errors/usage/one.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# A page\n", encoding="utf-8")
    nav = [{"Home": "index.md"}, {"How to": [{"Gone": "how-to/gone.md"}]}, {"Errors": "errors/index.md"}]
    config = _script("site_nav").on_config(SimpleNamespace(docs_dir=str(tmp_path), nav=nav))
    assert config.nav == [
        {"Home": "index.md"},
        {"How to": []},
        {"Errors": "errors/index.md"},
        {"More": ["how-to/other.md", "new.md"]},
    ]


@pytest.mark.parametrize(("page", "here", "site"), [("a.md", "../", ""), ("how-to/a.md", "../../", "../")])
def test_pictures_are_found_in_the_repository_and_in_the_site(page: str, here: str, site: str) -> None:
    where = SimpleNamespace(file=SimpleNamespace(src_uri=page))
    made = _script("site_nav").on_page_markdown(f"![faa]({here}screenshots/main.svg)", page=where)
    assert made == f"![faa]({site}screenshots/main.svg)"


def test_the_configuration_that_is_shown_is_one() -> None:
    text = (ROOT / "docs" / "how-to" / "configure.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    config = configuration.parse(example, Path("config.toml"))
    preferences.check(config, Path("config.toml"))
    assert preferences.in_words(config) == "theme nord; keys of run, layer.next, compare.largest; no mouse"


def test_every_key_that_the_page_of_keys_shows_can_be_written_so() -> None:
    text = (ROOT / "docs" / "how-to" / "configure.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w.-]+)` \| (.*?) \|", text, re.MULTILINE)
    bound = {one.id: one.keys for bounds in keymap.places().values() for one in bounds}
    assert len(rows) > 100
    for id, cells in rows:
        if id in bound:  # the tables of other things have other first cells
            keys = [html.unescape(key) for key in re.findall(r"<code>(.*?)</code>", cells)]
            assert keymap.names_of(",".join(keys)) == keymap.names_of(bound[id])
