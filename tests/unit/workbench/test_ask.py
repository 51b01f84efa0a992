"""``signalbox ask`` sends a turn, and tells what came with the answer."""

import json
from typing import Any

import httpx
import openai
import pytest
from typer.testing import CliRunner

from signalbox.contracts.requests import InferenceRequest
from signalbox.dialects import openai_chat
from tests.unit.dialects.sdk import EXTRAS, client, parsed, reply
from workbench.commands.ask import app

CONVERSATION = {"id": "c1", "version": 2, "messages": 4, "counted": 1, "saved": True}


def asked(monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], *arguments: str) -> tuple[InferenceRequest, str, str]:
    """What arrived, and what the command printed to its two outputs."""
    seen: list[InferenceRequest] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(parsed(request))
        return httpx.Response(200, text=json.dumps(openai_chat.render(seen[0], reply(), EXTRAS | facts)))

    monkeypatch.setattr(openai, "OpenAI", lambda **_: client(answer))
    result = CliRunner().invoke(app, ["hello", "--base-url", "http://x/v1", "--api-key", "sb_1", *arguments])
    assert result.exit_code == 0, result.output
    return seen[0], result.stdout, result.stderr


@pytest.mark.row("A5")
def test_a_turn_of_a_stored_conversation(monkeypatch: pytest.MonkeyPatch) -> None:
    request, said, told = asked(monkeypatch, {"conversation": CONVERSATION}, "--conversation-id", "c1")
    assert (request.conversation_id, request.conversation_history) == ("c1", "new")
    assert said == "Hello\n"
    assert "c1 version 2" in told
    assert "not saved" not in told


def test_what_was_not_saved_and_what_was_cached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    facts = {"conversation": CONVERSATION | {"saved": False}, "cached": True, "age_s": 7}
    request, _, told = asked(monkeypatch, facts)
    assert request.conversation_id is None
    assert "c1 version 2, not saved" in told
    assert "cached, 7 s old" in told
