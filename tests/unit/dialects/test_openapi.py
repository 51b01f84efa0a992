import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner

from router.incoming import READ_HEADERS
from signalbox.contracts import errors as tree
from workbench import openapi
from workbench.commands.openapi import app as command
from workbench.error_codes import ERROR_CODES
from workbench.paths import ROOT

DOCUMENT: dict[str, Any] = json.loads(openapi.FILE.read_text(encoding="utf-8"))
ROUTES = re.compile(r'^app\.(get|post|delete)\("([^"]+)"\)', re.MULTILINE)


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


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"model": "auto", "messages": [{"role": "user", "content": "x"}], "n": 1}, "ChatCompletionBody"),
        ({"messages": [{"role": "user", "content": "x"}], "path": "/v1/chat"}, "RouteChatCompletionBody"),
        ({"conversation": [1, 2], "max_tokens": 5}, "InferBody"),
        ({"id": "a", "text": "x", "mode": "canary", "path": "/v1/infer"}, "RouteInferBody"),
        ({"text": "x", "conversation_id": "support:42", "conversation_history": "new"}, "InferBody"),
        ({"model": "fast", "tokens": 1200}, "MetricsBody"),
    ],
)
def test_bodies_are_as_the_document_says(body: dict[str, Any], name: str) -> None:
    check(body, name)
    with pytest.raises(jsonschema.ValidationError):
        check({**body, "nonsense": 1}, name)


def test_every_path_served_is_described() -> None:
    text = (ROOT / "functions/router/app.py").read_text(encoding="utf-8")
    served = {(method, re.sub(r"<(\w+)>", r"{\1}", path)) for method, path in ROUTES.findall(text)}
    assert ("delete", "/v1/conversations/{id}") in served
    assert served == {
        (method, path) for path, item in DOCUMENT["paths"].items() for method in item if method != "parameters"
    }


def test_what_is_asked_by_header_is_described() -> None:
    headers = {one["name"].lower() for one in DOCUMENT["paths"]["/v1/infer"]["post"]["parameters"]}
    assert headers == set(READ_HEADERS)


def _sources() -> Iterator[tuple[Path, ast.Module]]:
    for file in [*ROOT.glob("layers/signalbox/signalbox/**/*.py"), *ROOT.glob("functions/router/**/*.py")]:
        yield file, ast.parse(file.read_text(encoding="utf-8"))


def test_every_code_raised_is_in_the_table_with_its_status() -> None:
    kinds: dict[str, Any] = {name: one for name, one in vars(tree).items() if isinstance(one, type)}
    for file, module in _sources():
        for call in ast.walk(module):
            if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in kinds):
                continue
            code = call.args[0].value if call.args and isinstance(call.args[0], ast.Constant) else None
            if isinstance(code, str):
                assert code in ERROR_CODES, f"{file.name} raises {code}: describe it in workbench/error_codes.py"
                status, note = ERROR_CODES[code]
                raised = kinds[call.func.id].status
                assert status == raised or str(raised) in note, f"{file.name} raises {code} with {raised}"


def test_every_code_in_the_table_is_told_somewhere() -> None:
    nodes = (node for _, module in _sources() for node in ast.walk(module))
    said = {node.value for node in nodes if isinstance(node, ast.Constant)}
    by_gateway = set(re.findall(r'"code":"(\w+)"', (ROOT / "template.yaml").read_text(encoding="utf-8")))
    assert ERROR_CODES.keys() <= said | by_gateway


def test_codes_stand_by_status() -> None:
    statuses = [status for status, _ in ERROR_CODES.values()]
    assert statuses == sorted(statuses)
