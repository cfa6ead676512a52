"""How far the weights of a model are read, told while transformers reads them, and the moment to give it up."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from transformers.utils import logging

from faa_core.models.fetching import Progress

TOLD_FROM = 256 * 1024 * 1024
"""Bytes of weights from which it is worth telling how many are read; fewer are there at once."""

_TITLE = "Loading weights"
"""What transformers calls the bar of the tensors that it reads."""


@contextmanager
def told(text: str, sizes: Mapping[str, int], progress: Progress) -> Iterator[None]:
    """Call ``progress`` after every tensor that transformers reads into a model, for as long as the context lasts.

    What it raises ends the reading.

    Args:
        text: What is read, for the user.
        sizes: Bytes of each tensor, by its name in the model; without them only the moment to give up is left.
        progress: Told the bytes.
    """
    total = sum(sizes.values())

    def hook(factory: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if kwargs.get("desc") != _TITLE or not args:
            return factory(*args, **kwargs)
        return _counted(args[0])

    def _counted(tensors: Any) -> Iterator[Any]:
        done = 0
        for item in tensors:
            yield item
            name = item[0] if isinstance(item, tuple) else ""
            done += sizes.get(name, 0)
            progress("load", text, min(done, total), total, "bytes" if total else "")
        progress("load", text, total, total, "bytes" if total else "")

    before = logging.set_tqdm_hook(hook)
    try:
        yield
    finally:
        logging.set_tqdm_hook(before)
