import ast
import json
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner

from signalbox.contracts import errors as tree
from signalbox.contracts.decisions import Decision, Hop, Rejection
from signalbox.contracts.messages import ToolCall
from signalbox.contracts.signals import Signals, TokenCount
from signalbox.decision.render import as_json
from signalbox.dialects import errors, native, openai_chat
from tests.unit.dialects.sdk import EXTRAS, WHO, reply
from workbench import openapi
from workbench.commands.openapi import app as command
from workbench.error_codes import ERROR_CODES
from workbench.paths import ROOT

DOCUMENT: dict[str, Any] = json.loads(openapi.FILE.read_text(encoding="utf-8"))
CALLS = (ToolCall(id="call_1", name="lookup", arguments="{}"),)


def check(value: Any, name: str) -> None:
    """``value`` fits the schema ``name`` of the committed document."""
    schema = {**DOCUMENT, "$ref": f"#/components/schemas/{name}"}
    jsonschema.Draft202012Validator(schema).validate(value)


def test_the_committed_file_is_current() -> None:
    assert openapi.FILE.read_text(encoding="utf-8") == openapi.text(), "run `signalbox openapi --write`"


def test_the_command_prints_what_is_served() -> None:
    printed = CliRunner().invoke(command, [])
    assert printed.stdout == openapi.FILE.read_text(encoding="utf-8")


def test_every_reference_leads_somewhere() -> None:
    def references(value: Any) -> list[str]:
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        own = [value["$ref"]] if isinstance(value, dict) and isinstance(value.get("$ref"), str) else []
        return own + [one for child in inner for one in references(child)]

    for reference in references(DOCUMENT):
        here: Any = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            here = here[step]


def test_replies_are_as_the_document_says() -> None:
    request = openai_chat.parse({"messages": [{"role": "user", "content": "x"}]}, **WHO)
    for answer in (reply(), reply(text="", tool_calls=CALLS, finish_reason="tool_calls"), reply(refusal="No.")):
        check(openai_chat.render(request, answer, EXTRAS), "ChatCompletion")
        check(native.render(request, answer, EXTRAS), "InferReply")
    for error in (tree.BadRequest("invalid_value", "No.", param="n"), ValueError()):
        check(errors.render(error, "req-1")[2], "ErrorBody")


def test_a_decision_is_as_the_document_says() -> None:
    hop = Hop(
        model="small",
        provider="openai",
        provider_model="small-1",
        window_tokens=9,
        input_tokens=1,
        max_output_tokens=1,
        worst_cost_microusd=1,
    )
    signals = Signals(
        path="/v1/chat",
        mode="live",
        tier="standard",
        workload="chat",
        convo_length=1,
        tokens=TokenCount(value=1, lower=1, upper=2, exact=False),
        tail_newline=False,
        entropy=1.5,
        distinct_entities=0,
        has_code=False,
        has_tools=False,
        complexity="trivial",
        confidence=0.5,
        needs_compliance_check=False,
        priority="normal",
        escalation=False,
        max_output_tokens=None,
        deadline_ms=None,
        hour=3,
    )
    decision = Decision(
        route="r",
        role=None,
        plan="single",
        pinned=False,
        deadline_ms=9,
        hops=(hop,),
        rejected=(Rejection(model="big", reason="window", detail="d"),),
        reasons=("because",),
        signals=signals,
        policy_version="abc",
    )
    check(as_json(decision), "DecisionReply")


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"model": "auto", "messages": [{"role": "user", "content": "x"}], "n": 1}, "ChatCompletionBody"),
        ({"messages": [{"role": "user", "content": "x"}], "path": "/v1/chat"}, "RouteChatCompletionBody"),
        ({"conversation": [1, 2], "max_tokens": 5}, "InferBody"),
        ({"id": "a", "text": "x", "mode": "canary", "path": "/v1/infer"}, "RouteInferBody"),
    ],
)
def test_bodies_are_as_the_document_says(body: dict[str, Any], name: str) -> None:
    check(body, name)
    with pytest.raises(jsonschema.ValidationError):
        check({**body, "nonsense": 1}, name)


def test_every_code_raised_is_in_the_table_with_its_status() -> None:
    kinds: dict[str, Any] = {name: one for name, one in vars(tree).items() if isinstance(one, type)}
    for file in [*ROOT.glob("layers/signalbox/signalbox/**/*.py"), *ROOT.glob("functions/router/**/*.py")]:
        for call in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in kinds):
                continue
            code = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            if isinstance(code, str):
                assert code in ERROR_CODES, f"{file.name} raises {code}: describe it in workbench/error_codes.py"
                status, note = ERROR_CODES[code]
                raised = kinds[call.func.id].status
                assert status == raised or str(raised) in note, f"{file.name} raises {code} with {raised}"
