from __future__ import annotations

import numpy as np
import pytest

from faa_tui.row_filter import Columns, FilterError, matching

NAMES = ("L2H3", "L21H0", "L2H31")
COLUMNS = Columns(
    3,
    {
        "price": np.array([0.2, -0.3, np.nan]),
        "size": np.array([[2.0, 3.0], [21.0, 0.0], [2.0, 31.0]]),
        "sizes": np.array([2.0, 2.0, 2.0]),
        "prints": np.array([1.0, 2.0, 3.0]),
    },
    {"label": ("induction", "previous token", "Sink (first token)")},
    lambda row: (NAMES[row], NAMES[row].replace("L", "").replace("H", ".")),
    {"cost": "price", "H/ln": "prints"},
)


def chosen(text: str) -> list[str]:
    return [NAMES[row] for row in np.flatnonzero(matching(text, COLUMNS))]


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
        ("label=induc", ["L2H3"]),
        ("LABEL=Previous_Token", ["L21H0"]),
        ("label!=token", ["L2H3"]),
        ("!label=token", ["L2H3"]),
        ("lab=token price<0", ["L21H0"]),
        ("cost>0", ["L2H3"]),
        ("c>0", ["L2H3"]),
        ("pric>0", ["L2H3"]),
        ("h/ln>=2", ["L21H0", "L2H31"]),
        ("|pric|>.25", ["L21H0"]),
    ],
)
def test_words_and_comparisons(text: str, names: list[str]) -> None:
    assert chosen(text) == names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prise>1", "no column is called 'prise'; did you mean price?"),
        ("zzz>1", "no column is called 'zzz'; there are price, size, sizes, prints and label"),
        ("pri>1", "'pri' begins price and prints; write more of it"),
        ("label>1", "label is a text: write label= or label!= and a part of it"),
        ("label=", "'label=' wants a part of the text, as in label=mixed"),
        ("price>", "'price>' wants a number, as in price>.1"),
        ("price>dear", "'dear' in 'price>dear' is no number"),
        ("price>nan", "'nan' in 'price>nan' is no number"),
        ("price", "'price' is a column: compare it with a number, as in price>.1"),
        (">1", "'>1' does not say of what: write a column first, price, size, sizes, prints or label"),
        ("|prise>1", "no column is called '|prise'; did you mean price?"),
        ("ok !prise>1", "did you mean price?"),
    ],
)
def test_what_means_nothing_is_explained(text: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        matching(text, COLUMNS)
    assert said in str(caught.value)
