"""``${NAME}`` in the texts of incidentd.yaml."""

from __future__ import annotations

import pytest

from incidentd.catalog import document, environment


@pytest.mark.parametrize(
    ("authored", "expected"),
    [
        ("${HOST}:9090", "db:9090"),
        ("${HOST}${HOST}", "dbdb"),
        ("${EMPTY}", ""),
        ("${EMPTY:-x}", "x"),
        ("${NOBODY:-}", ""),
        ("${NOBODY:-http://a}/b", "http://a/b"),
        ("$${HOST}", "${HOST}"),
        ("$HOST and $5", "$HOST and $5"),
    ],
)
def test_a_reference_becomes_the_value(authored: str, expected: str) -> None:
    filled = environment.fill(document.parse("f", f"a: ['{authored}']"), {"HOST": "db", "EMPTY": ""})
    assert filled.document.data == {"a": [expected]}
    assert filled.problems == []


def test_a_value_is_not_expanded_again_and_cannot_add_yaml() -> None:
    filled = environment.fill(document.parse("f", "a: ${X}"), {"X": "${Y}\nb: 1"})
    assert filled.document.data == {"a": "${Y}\nb: 1"}


def test_keys_and_comments_are_left_alone() -> None:
    filled = environment.fill(document.parse("f", "${X}: 1 # ${Y}"), {})
    assert (filled.document.data, filled.problems) == ({"${X}": 1}, [])


@pytest.mark.parametrize("reference", ["${TOKEN}", "${TOKEN:-nothing}"])
def test_a_message_quotes_what_was_authored(reference: str) -> None:
    filled = environment.fill(document.parse("f", f"a: https://{reference}@host"), {"TOKEN": "hunter2"})
    assert filled.masked("'https://hunter2@host' is not good") == f"'https://{reference}@host' is not good"
