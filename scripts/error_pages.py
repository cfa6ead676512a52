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
from typing import Any

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

WORDS = {
    # What went wrong, and what another part of the program says of it.
    "error": "<reason>",
    "strerror": "<reason>",
    "error.strerror or error": "<reason>",
    "what": "<what is wrong>",
    "error.message": "<what is wrong>",
    "text[:1].lower()": "",
    "text[1:]": "<what is wrong>",
    "hint": "<what to do about that>",
    "error.hint": "<what to do about that>",
    "hints.get(code, '')": "<what to do about that>",
    "said": "<what SQLite says>",
    "_quote": "<what it printed>",
    "said(process.stderr_tail)": "<what it printed>",
    "text[:-1]": "<how the worker ended>",
    "exit_.text": "<how the worker ended>",
    "end.text.replace('The worker', 'The study')": "<how the study ended>",
    "end.text.replace('The worker', f'The process {module}')": "<how the process ended>",
    # Models and what they are made of.
    "parsed": "<model>",
    "reference": "<model>",
    "alone": "<file>",
    "family": "<architecture>",
    "cls.__name__": "<architecture>",
    "type(model).__name__": "<class>",
    "type(module).__name__": "<architecture>",
    "type(self.module).__name__": "<architecture>",
    "type(event).__name__": "<kind>",
    "type(message).__name__": "<kind>",
    "type_.__name__": "<kind>",
    "wanted.__name__": "<answer>",
    "__name__": "<type>",
    "missing": "<file>",
    "pickled[0]": "<file>",
    "serious[0]": "<tensor>",
    "len(shards)": "<m>",
    "max(tokens.ids)": "<id>",
    "hub": "<address>",
    "SCHEMA": "<older version>",
    # Memory.
    "needed.told()": "<n> GiB",
    "max_gpu_memory_gb": "<n>",
    "place": "<devices>",
    "place.devices[0]": "<device>",
    "present": "<devices>",
    "free": "<what is free>",
    "what_is_free": "<what is free>",
    "figures": "<what it needs, and what is free>",
    "shortage": "<what it needs, and what is free>",
    # Places in a map, a text or a model.
    "layer.shape[1]": "<queries>",
    "layer.shape[2]": "<keys>",
    "array.dtype.name": "<dtype>",
    "most - 1": "<last head>",
    "found.heads - 1": "<last head>",
    "info.heads - 1": "<last head>",
    "result.info.heads - 1": "<last head>",
    "layers[-1].layer": "<last layer>",
    "top + 1": "<layers>",
    "len(mapped)": "<layers>",
    "(str(info.layer) for info in mapped)": "<layers>",
    "_described": "<layers and heads>",
    "height - 1": "<last row>",
    "text + 1": "<number>",
    "place + 1": "<number>",
    "a.rows.tolist()": "<rows>",
    "b.rows.tolist()": "<rows>",
    "1 << job.level": "<n>",
    "numbers": "<n> and <m>",
    "self._texts": "<n>",
    "heads_a": "<kinds>",
    "heads_b": "<kinds>",
    # Files, programs and names.
    "words[0] if words else given": "<program>",
    "_ssh": "<ssh command>",
    "given": "<value>",
    "aside": "<file>",
    "empty": "<file>",
    "aside.name": "<file>",
    "target": "<path>",
    "error.start": "<position>",
    "error.object[error.start]": "<value>",
    "full": "<key>",
    "near[0]": "<the nearest key>",
    "near": "<names>",
    "unknown": "<name>",
    "(f'.{form}' for form in FORMS[:-1])": "<endings>",
    "staying": "<other run>",
    "available": "<styles>",
    "'' if len(texts) == 1 else 's'": "s",
}
"""What an expression, a function or a name is called in a message where its own words would not tell a reader."""


@dataclass
class Message:
    """A message, wherever it is raised.

    Attributes:
        cls: Class of the error.
        text: The message, with ``<name>`` for what is put in.
        hints: What to do, as the places that raise it say.
        places: Where it is raised.
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


Constants = dict[str, ast.expr]
"""Name to what is assigned to it."""


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
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._enter(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._enter(node)

    def _enter(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._functions.append(node)
        self.generic_visit(node)
        self._functions.pop()

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._classes.append(node.name)
        self.generic_visit(node)
        self._classes.pop()

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
        if len(arguments) > 1:
            message.hints += filter(None, map(self._text, self._alternatives(arguments[1])))
        function = self._functions[-1] if self._functions else None
        place = ".".join([self.name, *self._classes, *([function.name] if function is not None else [])])
        message.places.append(f"`{place}`")
        for outer in reversed(self._functions):
            message.reasons += _raises(ast.get_docstring(outer) or "", cls.__name__)
        self.found.append(message)

    def _alternatives(self, node: ast.expr) -> list[ast.expr]:
        """The hints that a place may give, where it chooses between sentences."""
        known = self._known()
        if isinstance(node, ast.Name) and isinstance(known.get(node.id), ast.IfExp):
            node = known[node.id]
        return [node.body, node.orelse] if isinstance(node, ast.IfExp) else [node]

    def _known(self) -> Constants:
        return self._constants | (_strings(self._functions[-1]) if self._functions else {})

    def _text(self, node: ast.expr) -> str:
        known = self._known()
        if (value := _value(node, known)) is not None:
            return value
        match node:
            case ast.JoinedStr(values=values):
                return "".join(self._text(value) for value in values)
            case ast.FormattedValue(value=value):
                return self._text(value)
            case ast.Call(func=ast.Attribute(value=ast.JoinedStr() as value, attr="strip")):
                return self._text(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right) if _is_text(left, known) or _is_text(right, known):
                return self._text(left) + self._text(right)
            case ast.IfExp(body=body, orelse=orelse) if _is_text(body, known):
                words = [text for text in (self._text(body), self._text(orelse)) if re.search("[A-Za-z<]", text)]
                return " or ".join(words) if len(words) == 2 and " " in "".join(words) else "".join(words[:1])
            case ast.Name(id=name) if _is_text(node, known):
                return self._text(known[name])
            case _:
                return _placeholder(node)


def _strings(where: ast.Module | ast.FunctionDef | ast.AsyncFunctionDef) -> Constants:
    """What is assigned to names: plain data in a module, and in a function the strings with what is put into them."""
    found: Constants = {}
    module = isinstance(where, ast.Module)
    given = set() if isinstance(where, ast.Module) else {one.arg for one in [*where.args.args, *where.args.kwonlyargs]}
    for statement in where.body if isinstance(where, ast.Module) else ast.walk(where):
        for name, value in _assigned(statement):
            if isinstance(value, ast.Dict) and all(isinstance(key, ast.Constant) for key in value.keys):
                value = ast.Tuple([key for key in value.keys if key is not None], ast.Load())  # it is told by its keys
            used = _names(value)
            if name in used | given:
                continue
            if (used <= found.keys()) if module else (isinstance(value, ast.Name) or _is_text(value, {})):
                found[name] = value
    return found


def _assigned(statement: ast.AST) -> list[tuple[str, ast.expr]]:
    """Names and what a statement gives them."""
    match statement:
        case ast.Assign(targets=[ast.Tuple(elts=names)], value=ast.Tuple(elts=values)):
            pairs = list(zip(names, values, strict=False))
        case ast.Assign(targets=[target], value=value) | ast.AnnAssign(target=target, value=ast.expr() as value):
            pairs = [(target, value)]
        case _:
            pairs = []
    return [(target.id, value) for target, value in pairs if isinstance(target, ast.Name)]


def _names(node: ast.expr) -> set[str]:
    """Names in an expression that it does not bind itself."""
    bound = {
        part.target.id
        for part in ast.walk(node)
        if isinstance(part, ast.comprehension) and isinstance(part.target, ast.Name)
    }
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)} - bound


def _is_text(node: ast.expr, known: Constants) -> bool:
    """Whether an expression is a string that the code spells out, or a choice of such strings."""
    match node:
        case ast.Constant(value=value):
            return isinstance(value, str) and value != ""
        case ast.JoinedStr():
            return True
        case ast.IfExp(body=body, orelse=orelse):
            return any(_is_text(one, known) for one in (body, orelse))
        case ast.BinOp(left=left, right=right):
            return _is_text(left, known) or _is_text(right, known)
        case ast.Name(id=name):
            return name in known
    return False


def _value(node: ast.expr, known: Constants) -> str | None:
    """What an expression of constants comes to, as a reader is shown it; ``None`` for one of anything else."""
    match _data(node, known):
        case bool() | None:
            return None
        case str(text):
            return text
        case int(number) | float(number):
            return f"{number:,}"
        case tuple(parts) | list(parts) if parts and all(isinstance(part, str) for part in parts):
            return ", ".join(parts)
    return None


def _data(node: ast.expr, known: Constants) -> Any:
    """The same as data."""
    names = _names(node)
    if not names <= known.keys():
        return None
    data = {name: _data(known[name], {key: value for key, value in known.items() if key != name}) for name in names}
    if None in data.values():
        return None
    try:
        code = compile(ast.Expression(ast.fix_missing_locations(node)), "", "eval")
        return eval(code, {"__builtins__": {}} | data)
    except Exception:
        return None  # it needs more than data


def _placeholder(node: ast.expr) -> str:
    """What a reader is shown for something that only a run of the program knows: a word or two in ``<>``.

    Raises:
        ValueError: There is no word for it.
    """
    text = ast.unparse(node)
    if text in WORDS:
        return WORDS[text]
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return WORDS.get(name) or f"<{name.strip('_').replace('_', ' ').lower()}>"
        case ast.Call(func=ast.Name(id=name)) if name in WORDS:
            return WORDS[name]
        case ast.Call(func=ast.Name(id="len")):
            return "<n>"
        case ast.Subscript(value=value) | ast.Starred(value=value) | ast.FormattedValue(value=value):
            return _placeholder(value)
        case ast.Call(args=[value, *_]) | ast.Call(func=ast.Name() as value, args=[]):
            return _placeholder(value)
        case ast.Call(func=ast.Attribute(value=ast.Name() as value), args=[]):
            return _placeholder(value)
        case ast.BoolOp(op=ast.Or(), values=[value, ast.Constant()]):
            return _placeholder(value)
    raise ValueError(f"{text} stands in a message, and a reader cannot know what it is: say so in WORDS.")


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
