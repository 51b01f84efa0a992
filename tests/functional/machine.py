"""The machine's real definition on a local Step Functions, before a function that does what a test's table says.

The function is a real one, so that errors reach the machine by the names of its exceptions, and what it was sent is
what the machine sends. It keeps a journal, one file an execution.
"""

import io
import json
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import boto3
import httpx

from signalbox.contracts.plans import Start
from signalbox.machine.step_functions import StepFunctionsMachine
from tests.functional.stores import aws_keys
from workbench.local.ministack import CREDENTIALS, REGION, ministack
from workbench.local.processes import free_port

DEFINITION = Path(__file__).parents[2] / "functions" / "cascade" / "definition.asl.json"
ROLE = "arn:aws:iam::000000000000:role/any"
# What each attempt of a step comes to, by step: a dict is its answer, a text the name of its error, a number the
# seconds that it hangs. The last one stands for all that follow.
Outcome = dict[str, Any] | str | float
Script = Mapping[str, list[Outcome]]

# `SCRIPTS/{request_id}.json` says what to do; `.jsonl` beside it takes what came.
_HANDLER = """
import json, os, time
from pathlib import Path

def handler(event, context):
    scripts = Path(os.environ["SCRIPTS"])
    journal = scripts / (event["request_id"] + ".jsonl")
    before = journal.read_text().splitlines() if journal.exists() else []
    with journal.open("a") as file:
        file.write(json.dumps(event) + "\\n")
    attempt = sum(json.loads(line)["step"] == event["step"] for line in before)
    outcomes = json.loads((scripts / (event["request_id"] + ".json")).read_text())[event["step"]]
    outcome = outcomes[min(attempt, len(outcomes) - 1)]
    if isinstance(outcome, str):
        raise type(outcome, (Exception,), {})("words that must not travel")
    if not isinstance(outcome, dict):
        time.sleep(outcome)
        return {}
    return outcome
"""


@dataclass(frozen=True)
class Walk:
    """How an execution went: the states that it entered, what the function was sent, and how it ended."""

    states: tuple[str, ...]
    sent: tuple[dict[str, Any], ...]
    status: str
    output: dict[str, Any]
    history: str

    @property
    def steps(self) -> tuple[str, ...]:
        return tuple(one["step"] for one in self.sent)


@dataclass(frozen=True)
class LocalMachine:
    """``machine`` is the product's own client; ``sfn`` the official one, to look behind it."""

    arn: str
    machine: StepFunctionsMachine
    scripts: Path
    sfn: Any

    def prepare(self, start: Start, script: Script) -> None:
        (self.scripts / f"{start.request_id}.json").write_text(json.dumps(dict(script)))

    def begin(self, start: Start, script: Script) -> str:
        """Starts it without waiting; gives the execution's name."""
        self.prepare(start, script)
        answer = self.sfn.start_execution(
            stateMachineArn=self.arn, name=start.request_id, input=start.model_dump_json()
        )
        return cast(str, answer["executionArn"])

    def walk(self, execution: str) -> Walk:
        """Waits for it to end."""
        until = time.monotonic() + 30
        while (found := self.sfn.describe_execution(executionArn=execution))["status"] == "RUNNING":
            assert time.monotonic() < until, "it does not end"
            time.sleep(0.01)
        events = self.sfn.get_execution_history(executionArn=execution, maxResults=1000)["events"]
        entered = [one["stateEnteredEventDetails"]["name"] for one in events if one["type"].endswith("StateEntered")]
        journal = self.scripts / f"{json.loads(found['input'])['request_id']}.jsonl"
        sent = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        output = json.loads(found.get("output") or "{}")
        kept = json.dumps([one for one in events if one["type"].endswith(("StateEntered", "StateExited"))], default=str)
        return Walk(tuple(entered), tuple(sent), found["status"], output, kept)


@contextmanager
def running_machine(files: Path) -> Iterator[LocalMachine]:
    """Its retries wait for nothing."""
    scripts = files / "scripts"
    scripts.mkdir()
    with ministack(free_port(), files / "ministack.log", {"SFN_WAIT_SCALE": "0"}) as url, httpx.Client() as client:
        make: Any = boto3.client  # the stubs know services by literal names
        session = {
            "endpoint_url": url,
            "region_name": REGION,
            "aws_access_key_id": CREDENTIALS["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        }
        function = make("lambda", **session).create_function(
            FunctionName="cascade",
            Runtime="python3.12",
            Role=ROLE,
            Handler="app.handler",
            Code={"ZipFile": _package()},
            Timeout=30,
            Environment={"Variables": {"SCRIPTS": str(scripts)}},
        )["FunctionArn"]
        sfn = make("stepfunctions", **session)
        arn = sfn.create_state_machine(
            name="cascade",
            definition=DEFINITION.read_text().replace("${CascadeFunctionArn}", function).replace("${Partition}", "aws"),
            roleArn=ROLE,
            type="EXPRESS",
        )["stateMachineArn"]
        machine = StepFunctionsMachine(arn, REGION, url, url, aws_keys, lambda: client)
        yield LocalMachine(arn, machine, scripts, sfn)


def _package() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", _HANDLER)
    return content.getvalue()
