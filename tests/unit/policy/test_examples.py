"""The write-ups' own rules, as they ship."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

import signalbox.policy
from signalbox.policy.lint import check
from signalbox.policy.load import load_file
from signalbox.policy.resolved import Gate, Policy, Role
from signalbox.signals.text import distinct_entities, shannon_entropy
from tests.unit.policy.samples import TODAY, shape

EXAMPLES = Path(signalbox.policy.__path__[0]) / "examples"
BEGAN = {"customer-pipeline": date(2025, 8, 14), "payments": date(2025, 9, 14), "support": date(2025, 6, 18)}


def example(name: str) -> Policy:
    return load_file(EXAMPLES / f"{name}.yaml")


def chosen(name: str, **signals: Any) -> Role:
    seen = shape(**signals)
    return next(r.role for r in example(name).routes if r.covers(seen["path"]) and r.matcher.matches(seen))


def codes(name: str, now: date) -> list[tuple[str, str]]:
    file = EXAMPLES / f"{name}.yaml"
    return [(p.severity, p.code) for p in check(file.read_text("utf-8"), file.name, now, lambda provider, model: True)]


@pytest.mark.row("E11")
def test_each_was_sound_in_its_day() -> None:
    assert codes("customer-pipeline", BEGAN["customer-pipeline"]) == []
    assert codes("payments", BEGAN["payments"]) == []
    # As written, nothing bounds the size of a short dialogue: 200,000 tokens would not fit Sonnet 3.7.
    assert codes("support", BEGAN["support"]) == [("warning", "beyond_window")]


@pytest.mark.row("E8")
def test_retired_pins_are_errors_today() -> None:
    assert codes("customer-pipeline", TODAY).count(("error", "retired")) == 2
    assert codes("support", TODAY).count(("error", "retired")) == 1
    assert {severity for severity, _ in codes("payments", TODAY)} == {"warning"}


@pytest.mark.row("A9")
@pytest.mark.parametrize(
    ("compliance", "tokens", "model"),
    [
        (True, 10, "Claude-3.5-Sonnet"),
        (True, 90_000, "Claude-3.5-Sonnet"),
        (False, 2047, "claude_3_5_haiku"),
        (False, 2048, "gpt_4_1_models"),
        (False, 131_072, "gpt_4_1_models"),
    ],
)
@pytest.mark.parametrize("complexity", ["trivial", "bounded", "extended"])
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions", "/v1/infer"])
def test_the_customer_pipeline_selects_as_written(
    compliance: bool, tokens: int, model: str, complexity: str, path: str
) -> None:
    role = chosen(
        "customer-pipeline", needs_compliance_check=compliance, token_count=tokens, complexity=complexity, path=path
    )
    assert (role.pin.id, role.pinned) == (model, compliance)


@pytest.mark.row("B1")
@pytest.mark.parametrize("tokens", [1, 512, 513])
@pytest.mark.parametrize("newline", [False, True])
@pytest.mark.parametrize("confidence", [0.85, 0.86, 1.0])
def test_the_pre_check_is_the_snippet(tokens: int, newline: bool, confidence: float) -> None:
    length = "long" if tokens > 512 or newline else "short"
    written = "classifier" if confidence > 0.85 and length == "short" else "summarizer"
    for workload in ("chat", "classify"):
        seen = {"token_count": tokens, "tail_newline": newline, "confidence": confidence, "workload": workload}
        assert chosen("payments", **seen).name == written


@pytest.mark.row("B2")
def test_each_workload_has_a_route_of_its_own() -> None:
    taken = {workload: chosen("payments", workload=workload).name for workload in ("classify", "extract", "summarize")}
    assert taken == {"classify": "classifier", "extract": "extractor", "summarize": "summarizer"}


@pytest.mark.row("B1")
@pytest.mark.parametrize(
    ("text", "confident"),
    [
        ("Payout PO_8891ab for merchant MID-4411 is late, when will it settle?", True),
        ("Refund for ORDER-1234 failed with code 51", True),
        ("Please change our settlement account", True),
        ("ok", True),
        ("MID-1 ORD-22 INV-33 missing", True),
        ("MID-1 ORD-22 INV-33 STL-44 missing", False),
        ("INV-1, INV-22, INV-333 and INV-4444 are unpaid", False),
        ("".join(map(chr, range(33, 126))), False),
    ],
)
def test_confidence_falls_with_entities_and_entropy(text: str, confident: bool) -> None:
    policy = example("payments")
    seen = shape(entropy=shannon_entropy(text), distinct_entities=distinct_entities(text, policy.entities))
    value = next(r.value for r in policy.confidence if r.matcher is None or r.matcher.matches(seen))
    assert (float(value) > 0.85) is confident


@pytest.mark.row("C1")
def test_the_support_routes_stand_as_written() -> None:
    routes = yaml.safe_load((EXAMPLES / "support.yaml").read_text("utf-8"))["routes"]
    assert routes[1:3] == [
        {"path": "/v1/chat", "matcher": "convo_length <= 8 && priority == normal", "target": "claude-sonnet-37"},
        {"path": "/v1/chat", "matcher": "convo_length > 8 || escalation == true", "target": "heavy-foundation"},
    ]


@pytest.mark.row("C1")
@pytest.mark.parametrize(
    ("length", "priority", "escalation", "model"),
    [
        (8, "normal", False, "claude-sonnet-37"),
        (9, "normal", False, "heavy-foundation"),
        (3, "high", True, "heavy-foundation"),
        (3, "normal", True, "claude-sonnet-37"),  # the first rule comes first, as written
        (3, "low", False, "heavy-foundation"),  # neither rule: the large model
    ],
)
def test_the_support_assistant_selects_as_written(length: int, priority: str, escalation: bool, model: str) -> None:
    role = chosen("support", path="/v1/chat", convo_length=length, priority=priority, escalation=escalation)
    assert role.pin.id == model
    assert chosen("support", path="/v1/chat", convo_length=length, needs_compliance_check=True).pinned


@pytest.mark.row("C6")
def test_support_profiles_are_per_model() -> None:
    roster = example("support").roster
    prompts = {model.profile.system_prompt for model in roster.values()}
    assert prompts == {"Provide concise, accurate answers. If unsure, ask for clarification."}
    assert roster["claude-sonnet-37"].profile.sampling.temperature == 0.2
    assert roster["compact"].profile.sampling.frequency_penalty == 0.3
    assert roster["heavy-foundation"].profile.sampling.temperature is None


@pytest.mark.row("A12")
def test_the_fast_path_of_the_customer_pipeline_short_circuits() -> None:
    assert {route.name: route.cache for route in example("customer-pipeline").routes} == {
        "pinned": None,
        "fast-path": True,
        "long-context-path": None,
    }


@pytest.mark.row("C4")
def test_the_large_model_of_the_support_assistant_is_behind_a_gate() -> None:
    assert example("support").gates == {"heavy-foundation": Gate(least=1, most=5)}
