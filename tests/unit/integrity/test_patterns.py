"""Patterns mean what ECMA-262 means, and take time linear in the text."""

import pytest

from signalbox.integrity.patterns import compiled, weight


@pytest.mark.parametrize(
    ("expression", "text", "found"),
    [
        ("b", "abc", True),
        ("^[A-Z]{2}$", "DE", True),
        ("^[A-Z]{2}$", "DE\n", False),
        ("^\\d+$", "123", True),
        ("^\\d+$", "\u0661\u0662", False),
        ("^\\D$", "\u0661", True),
        ("^\\w+$", "é", False),
        ("^[\\w.-]+$", "a.b-c", True),
        ("^\\\\d$", "\\d", True),
        ("^[[a]$", "[", True),
        ("^[a&&b]$", "&", True),
        ("^[+--]$", ",", True),
        ("^\\<a\\>$", "<a>", True),
        ("^(a+)+$", "a" * 100_000 + "b", False),
        ("a", "\ud800", False),
    ],
)
def test_patterns_mean_what_json_schema_says(expression: str, text: str, found: bool) -> None:
    pattern = compiled(expression)
    assert pattern is not None
    assert pattern.found_in(text) is found


@pytest.mark.parametrize("expression", ["(?=a)", "(a)\\1", "[", "(", "a{2", "*", "\ud800", "(.{0,999}){0,999}"])
def test_what_the_engine_does_not_know_is_no_pattern(expression: str) -> None:
    assert compiled(expression) is None


def test_counted_repetitions_multiply() -> None:
    assert weight("a{10}") < 15
    assert weight("(ab){10}") > 20
    assert weight("((a{10}){10}){10}") > 1_000
    assert weight("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{12}") < 40
