"""Where things stand in YAML, and what ends a hostile file early."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from incidentd.catalog import document
from incidentd.catalog.problem import CatalogError, Position

TEXT = """\
a: |
   x(
     needle
b: 'it''s the needle'
c: >-
  folded

  needle
d: "tab\\t\\"needle\\" \\\\"
base: &base {k: 1, switch: on}
merged:
  <<: *base
  own: plain
    needle
"""


@pytest.fixture
def parsed() -> document.Document:
    return document.parse("f.yaml", TEXT)


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "[on, no, 1:30, 2026-11-20, 012, 0o14, true, ~, 1.5, .inf, '1', =]"
    assert document.parse("f", text).data == [
        "on", "no", "1:30", "2026-11-20", 12, 12, True, None, 1.5, float("inf"), "1", "="
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("loc", "line", "column"),
    [(("a",), 3, 6), (("b",), 4, 15), (("c",), 8, 3), (("d",), 9, 12), (("merged", "own"), 14, 5)],
)
def test_characters_of_a_text_are_found_in_every_style(
    parsed: document.Document, loc: document.Loc, line: int, column: int
) -> None:
    text = parsed.data[loc[0]] if len(loc) == 1 else parsed.data[loc[0]][loc[1]]
    assert parsed.inside(loc, text.index("needle"), 6) == Position("f.yaml", line, column, 6)


def test_a_value_and_its_key_have_their_own_places(parsed: document.Document) -> None:
    assert parsed.position(("base", "switch")) == Position("f.yaml", 10, 28, 2)
    assert parsed.key_position(("base", "switch")) == Position("f.yaml", 10, 20, 6)


def test_a_merged_value_stands_where_it_was_written(parsed: document.Document) -> None:
    assert parsed.data["merged"]["k"] == 1
    assert parsed.position(("merged", "k")).line == 10


def test_a_path_that_the_model_made_up_leads_to_the_short_form(parsed: document.Document) -> None:
    assert parsed.position(("merged", "levels", 0, "own")).line == 13
    assert parsed.position(("merged", "levels", 0, "nothing")) == parsed.position(("merged",))
    assert parsed.position(("nowhere", "at", "all")).line == 1


def test_own_keys_win_over_merged_ones_and_earlier_merges_over_later() -> None:
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\n"
    assert document.parse("f", text).data["c"] == {"x": 1, "z": 2, "y": 3}


def test_keys_are_text_as_written() -> None:
    assert document.parse("f", "1: a\ntrue: b\nnull: c\n'<<': d\n").data == {
        "1": "a",
        "true": "b",
        "null": "c",
        "<<": "d",
    }


def laughs(levels: int) -> str:
    names = "abcdefghijkl"[:levels]
    lines = [f"{name}: &{name} [{', '.join(['*' + before] * 10)}]" for before, name in pairwise(names)]
    return "\n".join(["a: &a [x, x, x, x, x, x, x, x, x, x]", *lines])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "more than 50 levels of nesting"),
        ("- " * 100_000, "more than 50 levels of nesting"),
        (laughs(9), "more than 200000 values, aliases expanded"),
        ("a: &a {<<: *a}", "the alias `*a` is not defined"),
        ("a: " + "9" * 5000, "this value does not fit its type"),
        ("é: \x07", "the character U+0007 is not allowed"),
    ],
    ids=["brackets", "dashes", "laughs", "cycle", "digits", "bell"],
)
def test_a_hostile_file_is_refused(text: str, message: str) -> None:
    """The first two end the process in libyaml's own composer."""
    with pytest.raises(CatalogError) as caught:
        document.parse("f", text)
    assert [problem.message for problem in caught.value.problems] == [message]


def test_a_large_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    with path.open("wb") as stream:
        stream.truncate(5 * 1024 * 1024)
    with pytest.raises(CatalogError, match="larger than 4 MiB"):
        document.read(path)


def test_a_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    path = tmp_path / "windows.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\r\nb: x\r\n")
    read = document.read(path)
    assert read.data == {"a": 1, "b": "x"}
    assert read.position(("b",)) == Position(str(path), 2, 4, 1)
