"""From text to policy: what is refused and where, and what the rest means."""

import hashlib
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from signalbox.policy.load import load_file, load_resource, parse
from signalbox.policy.problems import PolicyInvalid, Problem
from tests.unit.policy.samples import SMALL, pointed_at, problems, shape, with_routes


def refused(text: str) -> list[Problem]:
    with pytest.raises(PolicyInvalid) as caught:
        parse(text, "policy.yaml")
    return caught.value.problems


def test_names_are_resolved_and_defaults_applied() -> None:
    policy = parse("defaults: {deadline_ms: 7000}\n" + SMALL, "policy.yaml")
    short = policy.routes[1]
    assert [model.id for model in short.role.candidates] == ["small", "large"]
    assert (short.deadline_ms, policy.default_max_output_tokens) == (7000, 1024)
    assert policy.roster["small"].profile.system_prompt == "Be brief."
    assert policy.token_thresholds == (512,)
    assert not policy.needs_exact_tokens


def test_a_roster_id_as_target_is_a_role_with_that_model_alone() -> None:
    role = parse(SMALL, "policy.yaml").routes[2].role
    assert (role.name, role.candidates, role.pinned) == ("large", (role.pin,), False)


def test_the_version_names_the_text() -> None:
    text = SMALL + "# one more comment\n"
    assert parse(text, "x").version == hashlib.sha256(text.encode()).hexdigest()[:12]


def test_without_rules_nothing_speaks_for_a_small_model() -> None:
    policy = parse(SMALL, "policy.yaml")
    assert [rule.value for rule in policy.complexity] == ["bounded"]
    assert [rule.value for rule in policy.confidence] == [0.0]


def test_routes_without_a_name_are_numbered_and_a_path_covers_what_is_below() -> None:
    routes = parse(with_routes("{path: /v1/chat, target: fast}", "{target: large}"), "x").routes
    assert [route.name for route in routes] == ["pinned", "route-2", "route-3"]
    assert [routes[1].covers(p) for p in ("/v1/chat", "/v1/chat/completions", "/v1/chats", "/v1")] == [
        True,
        True,
        False,
        False,
    ]


@pytest.mark.row("E11")
@pytest.mark.parametrize(
    ("old", "new", "line", "at", "code", "hint"),
    [
        ("fallbacks: [large]", "fallbacks: [lrage]", 7, "lrage", "unknown_name", "did you mean 'large'?"),
        ("target: fast", "target: fsat", 11, "fsat", "unknown_name", "did you mean 'fast'?"),
        ("profile: plain}", "profile: plan}", 4, "plan}", "unknown_name", "did you mean 'plain'?"),
        ("pin: small, ", "", 7, "{fallbacks", "role_without_model", "add `pin:`"),
        ("window_tokens: 1000,", "window_tokens: '1000',", 4, "'1000'", "wrong_type", None),
        ("matcher: needs", "macher: needs", 10, "macher", "unknown_field", "did you mean 'matcher'?"),
        ("token_count < 512", "tokn_count < 512", 11, "tokn_count", "unknown_name", "did you mean 'token_count'?"),
        ("token_count <", "path == ''a'' && tokn_count <", 11, "tokn_count", "unknown_name", "'token_count'?"),
        ("== normal", "== ''urgnt''", 11, "''urgnt''", "not_in_enum", "known: high"),
        ("pinned: true", "pinned: true, fallbacks: [small]", 8, "[small]", "pinned_fallbacks", "remove one"),
        ("provider: gemini", "provider: gemnii", 5, "gemnii", "unknown_name", None),
        ("  compliance: {pin", "  small: {pin", 8, "small", "reserved_name", None),
        ("  compliance: {pin", "  auto: {pin", 8, "auto", "reserved_name", None),
        ("name: rest", "name: short", 12, "short", "duplicate_name", None),
        ("roles:", "roster: {}\nroles:", 6, "roster", "duplicate_key", None),
    ],
)
def test_what_is_wrong_is_named_with_its_place_and_a_fix(
    old: str, new: str, line: int, at: str, code: str, hint: str | None
) -> None:
    assert old in SMALL
    text = SMALL.replace(old, new)
    problem = next(one for one in refused(text) if one.code == code)
    assert problem.line == line
    assert pointed_at(text, problem).startswith(at)
    assert (hint or "") in (problem.suggestion or "")


def test_every_problem_is_reported_at_once() -> None:
    text = (
        SMALL.replace("pin: small", "pin: tiny")
        .replace("token_count", "tokens")
        .replace("target: large", "target: huge")
    )
    assert [(one.line, one.code) for one in refused(text)] == [
        (7, "unknown_name"),
        (11, "unknown_name"),
        (12, "unknown_name"),
    ]


@pytest.mark.parametrize(
    ("rules", "line"),
    [
        ("  - {when: escalation, is: trivial}\n", 2),
        ("  - {is: trivial}\n  - {is: bounded}\n", 2),
        ("  - {when: escalation, is: trivial}\n  - {is: trivial}\n  - {when: has_code, is: bounded}\n", 3),
    ],
)
def test_only_the_last_rule_has_no_condition(rules: str, line: int) -> None:
    assert (refused(f"complexity:\n{rules}{SMALL}")[0].line, refused(f"complexity:\n{rules}{SMALL}")[0].code) == (
        line,
        "rule_order",
    )


def test_a_block_matcher_is_placed_line_by_line() -> None:
    text = with_routes(
        "name: block\n    matcher: |\n      escalation ||\n        hoour > 3\n    target: fast", "{target: large}"
    )
    assert [(one.line, one.column) for one in refused(text)] == [(14, 9)]


def test_words_are_words_as_editors_read_them() -> None:
    """YAML 1.1 would make ``no`` a boolean; the schema checking in editors reads YAML 1.2."""
    text = SMALL.replace("plain:", "no:").replace("profile: plain", "profile: no, retires: 2027-01-31")
    model = parse(text, "x").roster["small"]
    assert (model.profile.name, model.retires) == ("no", date(2027, 1, 31))


def test_an_entity_pattern_must_compile() -> None:
    assert [(one.line, one.code) for one in refused("entities:\n  bad: '(a'\n" + SMALL)] == [(2, "entity_pattern")]


def test_files_are_utf8(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + SMALL.encode())
    assert len(load_file(file).routes) == 3
    file.write_bytes(b"# a\n\xff")
    with pytest.raises(PolicyInvalid) as caught:
        load_file(file)
    assert [(one.line, one.code) for one in caught.value.problems] == [(2, "yaml_syntax")]


def test_the_shipped_policy_is_read_once() -> None:
    assert load_resource() is load_resource()
    assert load_resource().routes


@pytest.mark.parametrize(
    "text",
    ["", "a", "[]", "a: [", "a: &x [*x]", "a: *b", "- " * 50_000, "[" * 50_000, "a: !!python/name:os x", "--- 1\n--- 2",
     "\x00", "a: \x07", "\ud800", "? [a]\n: b", "<<: {a: 1}", "%YAML 9.9\n---\n1", "a: !!binary ####", "a: 2025-13-45",
     "routes: &r [*r]", "x" * 600_000],
)  # fmt: skip
def test_what_is_not_a_policy_is_refused_with_a_place(text: str) -> None:
    assert all(one.line >= 1 and one.column >= 1 and one.message for one in refused(text))


@pytest.mark.parametrize("text", ["- " * 17 + "a", "[" * 17, "a: &a [[[[[[[[[[x]]]]]]]]]]\nb: [[[[[[[[*a]]]]]]]]"])
def test_nesting_has_a_limit(text: str) -> None:
    assert refused(text)[0].message == "nested more than 16 deep"


@given(st.text(alphabet=st.characters(), max_size=80))
@example("a: &a [x]\nb: [*a, *a]")
def test_any_text_is_refused_with_places(text: str) -> None:
    assert all(one.line >= 1 and one.column >= 1 for one in refused(text))


@given(st.data())
def test_a_damaged_policy_never_breaks_the_checks(data: st.DataObject) -> None:
    """GIVEN a policy with a piece cut out, doubled or replaced THEN each problem has a place in the file."""
    start = data.draw(st.integers(0, len(SMALL)))
    stop = data.draw(st.integers(start, min(len(SMALL), start + 30)))
    piece = data.draw(
        st.one_of(
            st.just(""), st.just(SMALL[start:stop] * 2), st.text(max_size=6), st.sampled_from("{}[]:'\"&*-|>?\n ")
        )
    )
    text = SMALL[:start] + piece + SMALL[stop:]
    lines = len(text.splitlines()) + 1
    assert all(1 <= one.line <= lines and one.column >= 1 for one in problems(text))


CONDITIONS: dict[str, Callable[[dict[str, Any]], bool]] = {
    "token_count < 512": lambda s: s["token_count"] < 512,
    "512 <= token_count": lambda s: s["token_count"] >= 512,
    "priority == high || escalation": lambda s: s["priority"] == "high" or s["escalation"],
    "workload in [extract, summarize]": lambda s: s["workload"] in ("extract", "summarize"),
    "!tail_newline && confidence > 0.85": lambda s: not s["tail_newline"] and s["confidence"] > 0.85,
    "convo_length > 8 ? escalation : has_code": lambda s: s["escalation"] if s["convo_length"] > 8 else s["has_code"],
    "path.startsWith('/v1/chat')": lambda s: s["path"].startswith("/v1/chat"),
}
SHAPES = st.fixed_dictionaries(
    {
        "path": st.sampled_from(["/v1/chat", "/v1/chat/completions", "/v1/infer"]),
        "token_count": st.sampled_from([0, 511, 512, 513]),
        "priority": st.sampled_from(["low", "normal", "high"]),
        "workload": st.sampled_from(["chat", "extract", "summarize"]),
        "convo_length": st.sampled_from([8, 9]),
        "confidence": st.sampled_from([0.85, 0.86]),
        "escalation": st.booleans(),
        "tail_newline": st.booleans(),
        "has_code": st.booleans(),
    }
)
PATHS = st.sampled_from([None, "/v1", "/v1/chat", "/v1/infer"])


@given(st.lists(st.tuples(PATHS, st.sampled_from([*CONDITIONS, None])), min_size=1, max_size=8), SHAPES)
def test_the_first_route_that_holds_decides(
    rows: list[tuple[str | None, str | None]], drawn: dict[str, object]
) -> None:
    """GIVEN any routes WHEN a request comes THEN the policy's choice is the naive one."""
    signals = shape(**drawn)
    lines = []
    for path, source in rows:
        fields = ["target: fast", f"path: {path}" if path else "", f'matcher: "{source}"' if source else ""]
        lines.append("{" + ", ".join(filter(None, fields)) + "}")
    routes = parse(SMALL[: SMALL.index("  - {name: pinned")] + "".join(f"  - {line}\n" for line in lines), "x").routes
    chosen = next((i for i, r in enumerate(routes) if r.covers(signals["path"]) and r.matcher.matches(signals)), None)
    naive = None
    for index, (path, source) in enumerate(rows):
        here = path is None or (signals["path"] + "/").startswith(path + "/")
        if here and (source is None or CONDITIONS[source](signals)):
            naive = index
            break
    assert chosen == naive


@pytest.mark.row("E6")
@given(st.booleans(), st.lists(st.sampled_from(["small", "large"]), max_size=3))
def test_a_pinned_role_never_has_a_second_candidate(pinned: bool, fallbacks: list[str]) -> None:
    role = f"compliance: {{pin: large, pinned: {str(pinned).lower()}, fallbacks: [{', '.join(fallbacks)}]}}"
    try:
        policy = parse(SMALL.replace("compliance: {pin: large, pinned: true}", role), "x")
    except PolicyInvalid:
        assert pinned
        assert fallbacks
    else:
        assert all(len(one.candidates) == 1 for one in policy.roles.values() if one.pinned)
