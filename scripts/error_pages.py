"""Write docs/errors: a page for every message that faa can end with, from the places in the code that raise it.

``--check`` writes nothing and fails when a page is out of date.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from faa_core import errors
from faa_core.errors import FaaError

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "errors"
PACKAGES = {"core/faa_core": "core", "faa_tui": "."}

NOTE = "<!-- Written by scripts/error_pages.py from the places in the code that raise the error. -->\n"

HEAD = f"""\
# Error messages

{NOTE}
One page for each message that `faa` ends with: what happened, why, and what to do. In the terminal the second line is
the cure; `--verbose` adds the traceback. `<name>` in a message stands for what it was about.

Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 worth retrying as it is, 130 cancelled.
"""

RELATED = {
    "out-of-memory": "[Long texts and little memory](../../how-to/long-texts.md)",
    "host": "[Models on other machines](../../hosts.md)",
    "login": "[Models on other machines](../../hosts.md)",
    "worker": "[The protocol](../../protocol.md)",
    "network": "[Scripts and JSON](../../how-to/scripts.md), for machines without a network",
    "array-file": "[Attention from other tools](../../how-to/attention-from-other-tools.md)",
    "gone": "[Long texts and little memory](../../how-to/long-texts.md), on what is let go first",
    "no-attention": "[How attention is captured](../../capture.md)",
}
"""Kind of an error to the page that says more."""

_LONGEST = 32
"""Characters of an expression that is shown as it stands; a longer one becomes three dots."""


@dataclass
class Message:
    """A message, wherever it is raised.

    Attributes:
        cls: Class of the error.
        text: The message, with ``<name>`` for what is put in.
        hints: What to do, as the places that raise it say.
        places: Where, and under which condition.
        reasons: What the documentation of these places says of it.
    """

    cls: type[FaaError]
    text: str
    hints: list[str] = field(default_factory=list)
    places: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    @property
    def slug(self) -> str:
        """Name of its page."""
        words = re.findall(r"[a-z0-9]+", re.sub(r"<[^>]*>", " ", self.text).lower())
        return "-".join(words)[:60].strip("-")


class _Module(ast.NodeVisitor):
    """Collects the messages of one module."""

    def __init__(self, name: str, tree: ast.Module, constants: dict[tuple[str, str], ast.expr]) -> None:
        self.name = name
        self.found: list[Message] = []
        self._constants = _strings(tree)
        for node in tree.body:
            if isinstance(node, ast.ImportFrom):
                names = {alias.asname or alias.name: (node.module or "", alias.name) for alias in node.names}
                self._constants |= {here: constants[there] for here, there in names.items() if there in constants}
        self._functions: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        self._classes: list[str] = []
        self._tests: list[str] = []
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._enter(node)

    def _enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        tests, self._tests = self._tests, []
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()
        self._tests = tests

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()

    def visit_If(self, node: ast.If) -> None:
        self._tests.append(ast.unparse(node.test))
        for child in node.body:
            self.visit(child)
        self._tests.pop()
        for child in node.orelse:
            self.visit(child)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        cls = getattr(errors, name, None)
        arguments = list(node.args)
        if name == "Fail" and len(arguments) >= 3 and isinstance(arguments[1], ast.Attribute):
            cls = getattr(errors, ast.unparse(arguments[1].value).split(".")[-1], None)
            arguments = arguments[2:]
        if isinstance(cls, type) and issubclass(cls, FaaError) and arguments:
            self._take(cls, arguments)
        self.generic_visit(node)

    def _take(self, cls: type[FaaError], arguments: list[ast.expr]) -> None:
        text = self._text(arguments[0])
        if len(re.findall(r"[A-Za-z]{2,}", re.sub(r"<[^>]*>", "", text))) < 2:
            return  # it hands on what another error said
        message = Message(cls, text)
        if len(arguments) > 1 and (hint := self._text(arguments[1])):
            message.hints.append(hint)
        function = self._functions[-1] if self._functions else None
        place = ".".join([self.name, *self._classes, *([function.name] if function is not None else [])])
        condition = self._tests[-1] if self._tests else ""
        message.places.append(f"`{place}`" + (f", where `{condition}`" if 0 < len(condition) <= 90 else ""))
        for outer in reversed(self._functions):
            message.reasons += _raises(ast.get_docstring(outer) or "", cls.__name__)
        self.found.append(message)

    def _text(self, node: ast.expr) -> str:
        match node:
            case ast.Constant(value=str(text)):
                return text
            case ast.JoinedStr(values=values):
                return "".join(self._text(value) for value in values)
            case ast.FormattedValue(value=ast.Name() as value):
                return self._text(value)
            case ast.FormattedValue(value=ast.IfExp(body=ast.Constant(), orelse=ast.Constant()) as value):
                return self._text(value)
            case ast.FormattedValue(value=value):
                return f"<{_short(value)}>"
            case ast.Call(func=ast.Attribute(value=ast.JoinedStr() as value, attr="strip")):
                return self._text(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return self._text(left) + self._text(right)
            case ast.IfExp(body=body, orelse=orelse):
                words = [text for text in (self._text(body), self._text(orelse)) if re.search("[A-Za-z<]", text)]
                return f"({' or '.join(words)})" if len(words) == 2 and " " in "".join(words) else "".join(words[:1])
            case ast.Name(id=name):
                known = self._constants | (_strings(self._functions[-1]) if self._functions else {})
                found = known.get(name)
                return f"<{name}>" if found is None else self._text(found)
            case _:
                return f"<{_short(node)}>"


def _strings(where: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr]:
    """Names of the strings that are assigned in a module, or in a function with what is put into them."""
    found: dict[str, ast.expr] = {}
    module = isinstance(where, ast.Module)
    for statement in where.body if module else ast.walk(where):
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            name, value = statement.targets[0].id, statement.value
            constant = isinstance(value, ast.Constant) and isinstance(value.value, str) and value.value
            made = isinstance(value, ast.JoinedStr) and name not in {
                part.id for part in ast.walk(value) if isinstance(part, ast.Name)
            }
            if constant or ((made or isinstance(value, ast.Name)) and not module):
                found[name] = value
    return found


def _short(node: ast.expr) -> str:
    """What an expression is called in a message."""
    match node:
        case ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _short(value)
        case ast.Call(func=ast.Name(id="len" | "str" | "visible" | "in_gib"), args=[value, *_]):
            return _short(value)
        case ast.Call(func=ast.Attribute(attr="join"), args=[ast.Name(id=name) | ast.Attribute(attr=name)]):
            return name
    text = ast.unparse(node)
    return text if len(text) <= _LONGEST and not set(text) & set("<>`|") else "..."


def _raises(documentation: str, name: str) -> Iterator[str]:
    """What a docstring says of the errors called ``name``."""
    _, _, section = documentation.partition("Raises:\n")
    entries = re.findall(r"^ {4}(\w+): (.*(?:\n {5,}.*)*)", section.split("\n\n")[0], re.MULTILINE)
    for its_name, text in entries:
        if its_name == name:
            yield " ".join(text.split())


@cache
def messages() -> list[Message]:
    """Every message, those of the same words taken together; in the order of classes, then of words."""
    found: dict[tuple[str, str], Message] = {}
    trees = {
        ".".join(path.relative_to(ROOT / root).with_suffix("").parts): ast.parse(path.read_text(encoding="utf-8"))
        for package, root in PACKAGES.items()
        for path in sorted((ROOT / package).rglob("*.py"))
    }
    constants = {(name, key): value for name, tree in trees.items() for key, value in _strings(tree).items()}
    for name, tree in trees.items():
        for message in _Module(name, tree, constants).found:
            known = found.setdefault((message.cls.__name__, message.slug), message)
            if known is not message:
                known.hints += message.hints
                known.places += message.places
                known.reasons += message.reasons
    return sorted(found.values(), key=lambda message: (message.cls.__name__, message.slug))


def page(message: Message) -> str:
    """What happened, why, and what to do."""
    cls = message.cls
    lines = [f"# {_escaped(message.text)}\n", NOTE, "## What happened\n", f"```text\nfaa: {message.text}"]
    lines += [f"     {hint}" for hint in dict.fromkeys(message.hints)] + ["```\n"]
    lines.append(
        f"An error of the kind `{cls.kind}`, exit code {cls.exit_code}. "
        + ("The same request may succeed when it is made again." if cls.retry else "Made again it fails again.")
    )
    lines += ["\n## Why\n", " ".join((cls.__doc__ or "").split("\n\n")[0].split()) + "\n"]
    lines += [f"- {_escaped(reason)}" for reason in dict.fromkeys(message.reasons)]
    lines += ["", "Raised by " + "; ".join(dict.fromkeys(message.places)) + ".", "\n## What to do\n"]
    lines += [_escaped(hint) + "\n" for hint in dict.fromkeys(message.hints)] or ["The message says it.\n"]
    if cls.kind in RELATED:
        lines.append(f"More: {RELATED[cls.kind]}.\n")
    return "\n".join(lines)


def index(all_messages: list[Message]) -> str:
    """The list of all pages, by kind."""
    lines, cls = [HEAD], None
    for message in all_messages:
        if message.cls is not cls:
            cls = message.cls
            summary = " ".join((cls.__doc__ or "").split("\n\n")[0].split())
            lines += ["", f"## {cls.__name__}\n", f"{summary} Kind `{cls.kind}`, exit code {cls.exit_code}.\n"]
        lines.append(f"- [{_escaped(message.text)}]({_file(message)})")
    return "\n".join(lines) + "\n"


def pages() -> dict[str, str]:
    """File below docs/errors to content."""
    found = messages()
    return {"index.md": index(found)} | {_file(message): page(message) for message in found}


def _file(message: Message) -> str:
    folder = re.sub(r"(?<=[a-z])(?=[A-Z])", "-", message.cls.__name__.removesuffix("Error")).lower()
    return f"{folder}/{message.slug}.md"


def _escaped(text: str) -> str:
    """``text`` so that Markdown shows it as it is."""
    return re.sub(r"([<>\[\]*_`])", r"\\\1", " ".join(text.split()))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="fail when a page is out of date")
    check = parser.parse_args().check
    wanted = pages()
    found = {path.relative_to(FOLDER).as_posix(): path.read_text(encoding="utf-8") for path in FOLDER.rglob("*.md")}
    if check:
        wrong = sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name))
        if wrong:
            names = ", ".join(wrong)
            print(f"docs/errors is out of date ({names}): run python scripts/error_pages.py", file=sys.stderr)
        return int(bool(wrong))
    for name in found.keys() - wanted.keys():
        (FOLDER / name).unlink()
    for name, text in wanted.items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
