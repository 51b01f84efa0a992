"""The three write-ups' own rules, decided end to end by `signalbox explain` from a request as it arrives."""

import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from workbench.commands.explain import app

EXAMPLES = Path(str(files("signalbox.policy") / "examples"))
DATES = {"customer-pipeline": "2025-08-14T11:03:21Z", "payments": "2025-09-16T03:12:11Z", "support": "2025-06-18"}
WORD = "refund "  # one token each


def explain(tmp_path: Path, policy: str, body: dict[str, Any], *more: str) -> dict[str, Any]:
    request = tmp_path / "request.json"
    request.write_text(json.dumps(body))
    arguments = ["--policy", str(EXAMPLES / f"{policy}.yaml"), "--request", str(request), "--now", DATES[policy]]
    result = CliRunner().invoke(app, [*arguments, *more])
    assert result.exit_code == 0, result.output
    explained: dict[str, Any] = json.loads(result.stdout)
    return explained


def dialogue(turns: int) -> list[dict[str, str]]:
    """``turns`` messages, the last one the user's, as an assistant has just one to answer."""
    roles = ["user", "assistant"] if turns % 2 else ["assistant", "user"]
    return [{"role": roles[turn % 2], "content": f"turn {turn}"} for turn in range(turns)]


@pytest.mark.row("A9")
@pytest.mark.row("A8")
@pytest.mark.parametrize(
    ("body", "model"),
    [
        ({"conversation": "hi", "needs_compliance_check": True}, "Claude-3.5-Sonnet"),
        ({"conversation": WORD * 5_000, "needs_compliance_check": True}, "Claude-3.5-Sonnet"),
        ({"conversation": "hi", "max_tokens": 512}, "claude_3_5_haiku"),
        ({"conversation": WORD * 2_000}, "claude_3_5_haiku"),
        ({"conversation": WORD * 2_100}, "gpt_4_1_models"),
        ({"conversation": WORD * 131_072, "max_tokens": 512}, "gpt_4_1_models"),
        ({"messages": [{"role": "user", "content": "hi"}], "model": "auto"}, "claude_3_5_haiku"),
    ],
)
def test_the_customer_pipelines_rule(tmp_path: Path, body: dict[str, Any], model: str) -> None:
    assert explain(tmp_path, "customer-pipeline", body)["model"] == model


@pytest.mark.row("A9")
@pytest.mark.parametrize(("tokens", "route"), [(2_047, "fast-path"), (2_048, "long-context-path")])
def test_2048_tokens_is_the_first_count_on_the_long_path(tmp_path: Path, tokens: int, route: str) -> None:
    explained = explain(tmp_path, "customer-pipeline", {"conversation": [6951] * tokens})
    assert (explained["signals"]["token_count"], explained["route"]) == (tokens, route)
    assert explained["signals"]["tokens"]["exact"]


@pytest.mark.row("B1")
@pytest.mark.parametrize(("tokens", "role"), [(512, "classifier"), (513, "summarizer")])
def test_512_tokens_are_short_and_no_more(tmp_path: Path, tokens: int, role: str) -> None:
    explained = explain(tmp_path, "payments", {"conversation": [6951] * tokens, "confidence": 0.9})
    assert (explained["signals"]["token_count"] <= 512, explained["role"]) == (tokens <= 512, role)


def payment(text: str, **more: Any) -> dict[str, Any]:
    return {"id": "abc123", "text": text, "mode": "canary", **more}


SHORT = "Settlement STL-4471 for merchant MID 20391 has not arrived, please check."


@pytest.mark.row("B1")
@pytest.mark.row("B2")
@pytest.mark.row("B4")
@pytest.mark.parametrize(
    ("body", "role"),
    [
        (payment(SHORT), "classifier"),
        (payment(SHORT, workload="classify"), "classifier"),
        (payment(SHORT + "\nRegards"), "summarizer"),
        (payment("line one\n" + WORD * 100), "classifier"),
        (payment(WORD * 600), "summarizer"),
        (payment(SHORT, confidence=0.85), "summarizer"),
        (payment(SHORT, confidence=0.86), "classifier"),
        (payment("Compare MID 1, MID 2, MID 3 with STL-9 today."), "summarizer"),
        (payment("Compare MID 1, MID 2 with STL-9 today."), "classifier"),
        (payment(SHORT, workload="extract"), "extractor"),
        (payment(SHORT, workload="summarize"), "summarizer"),
    ],
)
def test_the_payments_pre_check(tmp_path: Path, body: dict[str, Any], role: str) -> None:
    assert explain(tmp_path, "payments", body)["role"] == role


@pytest.mark.row("C1")
@pytest.mark.parametrize("path", ["/v1/chat", "/v1/chat/completions"])
@pytest.mark.parametrize(
    ("turns", "hints", "model"),
    [
        (1, {}, "claude-sonnet-37"),
        (8, {"priority": "normal"}, "claude-sonnet-37"),
        (9, {}, "heavy-foundation"),
        (9, {"priority": "normal", "escalation": True}, "heavy-foundation"),
        (3, {"priority": "high", "escalation": True}, "heavy-foundation"),
        (3, {"priority": "high"}, "heavy-foundation"),
    ],
)
def test_the_support_matchers(tmp_path: Path, path: str, turns: int, hints: dict[str, Any], model: str) -> None:
    native = path == "/v1/chat"
    said = {"conversation": dialogue(turns), **hints} if native else {"messages": dialogue(turns), "signalbox": hints}
    assert explain(tmp_path, "support", said, "--path", path)["model"] == model


@pytest.mark.row("C1")
def test_a_native_body_without_a_path_takes_the_path_that_the_rules_name(tmp_path: Path) -> None:
    explained = explain(tmp_path, "support", {"conversation": dialogue(2)})
    assert (explained["signals"]["path"], explained["model"]) == ("/v1/chat", "claude-sonnet-37")


@pytest.mark.row("C1")
@pytest.mark.parametrize("where", [{"path": "/v1/chat"}, {"priority": "normal"}])
def test_messages_may_stand_in_a_native_body(tmp_path: Path, where: dict[str, str]) -> None:
    explained = explain(tmp_path, "support", {"messages": dialogue(9), **where})
    assert (explained["signals"]["path"], explained["model"]) == ("/v1/chat", "heavy-foundation")


@pytest.mark.row("E8")
def test_today_the_retired_pins_answer_no_more(tmp_path: Path) -> None:
    body = {"conversation": "hi", "needs_compliance_check": True}
    explained = explain(tmp_path, "customer-pipeline", body, "--now", "2026-11-21")
    assert explained["model"] is None
    assert explained["rejected"][0]["reason"] == "retired"
    assert explained["error"]["code"] == "no_eligible_model"


def test_an_api_gateway_event_is_read_like_its_body(tmp_path: Path) -> None:
    event = json.loads((Path(__file__).parents[3] / "events" / "router_chat.json").read_text())
    assert explain(tmp_path, "support", event)["signals"]["path"] == "/v1/chat"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--request", "no-such.json"], "no-such.json"),
        (["--request", "-"], "invalid_request"),
        (["--request", "-", "--policy", "no-such.yaml"], "no-such.yaml"),
    ],
)
def test_what_cannot_be_explained_says_why_and_exits_1(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(app, arguments, input="")
    assert result.exit_code == 1
    assert told in result.output
