from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from faa_tui.row_filter import Columns, FilterError, parse


@dataclass(frozen=True)
class Ware:
    name: str
    about: str
    price: float
    sizes: tuple[float, ...] = ()


WARES = (
    Ware("L2H3", "induction", 0.2, (2, 3)),
    Ware("L21H0", "previous token", -0.3, (21, 0)),
    Ware("L2H31", "Sink (first token)", math.nan, (2, 31)),
)
COLUMNS: Columns[Ware] = Columns(
    numbers={"price": lambda ware: ware.price, "size": lambda ware: ware.sizes},
    names=lambda ware: (ware.name, ware.name.replace("L", "").replace("H", ".")),
    texts=lambda ware: (ware.about,),
)


def chosen(text: str) -> list[str]:
    wanted = parse(text, COLUMNS)
    return [ware.name for ware in WARES if wanted(ware)]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ["L2H3", "L21H0", "L2H31"]),
        ("   ", ["L2H3", "L21H0", "L2H31"]),
        ("induc", ["L2H3"]),
        ("TOKEN", ["L21H0", "L2H31"]),
        ("token first", ["L2H31"]),
        ("l2h3", ["L2H3"]),
        ("2.3", ["L2H3"]),
        ("L2", ["L2H3", "L2H31"]),
        ("!L2", ["L21H0"]),
        ("nothing", []),
        ("price>0", ["L2H3"]),
        ("price<.1", ["L21H0"]),
        ("price>=-.3 price<=0.2", ["L2H3", "L21H0"]),
        ("price=.2", ["L2H3"]),
        ("price==.2", ["L2H3"]),
        ("price!=.2", ["L21H0"]),
        ("|price|>.25", ["L21H0"]),
        ("PRICE>−1", ["L2H3", "L21H0"]),
        ("price<1e-2", ["L21H0"]),
        ("!price>0", ["L21H0", "L2H31"]),
        ("size=2", ["L2H3", "L2H31"]),
        ("size>30", ["L2H31"]),
        ("size=2 !induction", ["L2H31"]),
    ],
)
def test_words_and_comparisons(text: str, names: list[str]) -> None:
    assert chosen(text) == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prise>1", "no column is called 'prise'; did you mean price?"),
        ("zzz>1", "no column is called 'zzz'; there are price, size"),
        ("price>", "'price>' wants a number, as in price>.1"),
        ("price>dear", "'dear' in 'price>dear' is no number"),
        ("price>nan", "'nan' in 'price>nan' is no number"),
        ("price", "'price' is a column: compare it with a number, as in price>.1"),
        (">1", "'>1' does not say of what: write a column first, one of price, size"),
        ("|price>1", "no column is called '|price'; did you mean price?"),
        ("ok !prise>1", "did you mean price?"),
    ],
)
def test_what_means_nothing_is_explained(text: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, COLUMNS)
    assert said in str(caught.value)
