"""``signalbox policy``, as a person runs it."""

import json
from pathlib import Path

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml
from typer.testing import CliRunner

import signalbox.policy
from signalbox.policy.document import json_schema_text
from tests.unit.policy.samples import SMALL
from workbench.commands.policy import SCHEMA_FILE, app

POLICY = Path(signalbox.policy.__path__[0])
RUNNER = CliRunner()


def run(*arguments: object) -> tuple[int, str]:
    result = RUNNER.invoke(app, [str(argument) for argument in arguments])
    return result.exit_code, result.stdout


@pytest.mark.row("E11")
def test_a_problem_is_one_line_with_its_place(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(SMALL.replace("target: fast", "target: fsat"), "utf-8")
    code, out = run("check", file)
    assert code == 1
    assert out == f"{file}:11:95: error unknown_name: no role or model named 'fsat' (did you mean 'fast'?)\n"


@pytest.mark.row("E8")
def test_the_day_can_be_set() -> None:
    file = POLICY / "examples/customer-pipeline.yaml"
    assert "error retired" not in run("check", file, "--now", "2025-08-14T11:03:21Z")[1]
    code, out = run("check", file, "--now", "2026-11-21")
    assert code == 1
    assert f"{file}:53:21: error retired: Claude-3.5-Sonnet retired on 2025-10-28 (line 28)" in out
    assert run("check", file, "--now", "yesterday")[0] == 2


@pytest.mark.parametrize("content", [None, b"a: [", b"\xff", b""])
def test_what_cannot_be_read_is_one_clear_line(tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "policy.yaml"
    if content is not None:
        file.write_bytes(content)
    code, out = run("check", file)
    assert code == 1
    assert out.startswith(f"{file}:1:") or out.startswith(f"{file}:2:")
    assert len(out.splitlines()) == 1


def test_the_shipped_policy_is_sound() -> None:
    assert run("check", POLICY / "model-routing.yaml", "--now", "2026-11-21") == (0, "")


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text("utf-8") == json_schema_text() == run("schema")[1]


@pytest.mark.parametrize(
    "file", sorted([*POLICY.glob("*.yaml"), *POLICY.glob("examples/*.yaml")]), ids=lambda p: p.stem
)
def test_policies_name_the_schema_and_meet_it(file: Path) -> None:
    text = file.read_text("utf-8")
    named = text.splitlines()[0].removeprefix("# yaml-language-server: $schema=")
    assert (file.parent / named).resolve() == SCHEMA_FILE.resolve()
    document = json.loads(json.dumps(yaml.safe_load(text), default=str))
    jsonschema.validate(document, json.loads(SCHEMA_FILE.read_text("utf-8")))


def test_editors_complete_the_closed_sets() -> None:
    definitions = json.loads(json_schema_text())["$defs"]
    assert definitions["ModelSpec"]["properties"]["provider"]["enum"] == ["anthropic", "openai", "gemini", "bedrock"]
    assert "penalties" in definitions["ModelSpec"]["properties"]["features"]["items"]["enum"]
    assert definitions["RouteSpec"]["properties"]["plan"]["enum"] == ["single", "cascade", "verify", "rerank"]
