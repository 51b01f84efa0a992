"""Collections as they travel: built, uploaded to a stack's bucket, fetched and searched; Knowledge Bases over HTTP."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from signalbox.retrieval.bedrock import KnowledgeBases
from signalbox.retrieval.errors import RetrievalUnavailable
from signalbox.retrieval.sqlite import LOOK_AGAIN_S, SqliteFiles
from tests.functional.knowledge_bases import BASE, Double, knowledge_base_double
from tests.functional.stores import Stores, aws_keys
from tests.unit.retrieval.examples import BILLING, PASSAGES, built, collection, knowledge_base
from workbench.commands.collection import app
from workbench.local.ministack import REGION
from workbench.passages.build import build_all
from workbench.passages.push import BUCKET_OUTPUT, push, push_all
from workbench.problem import Problem
from workbench.stack import Stack

pytestmark = [pytest.mark.row("C7"), pytest.mark.row("A8")]

LIMIT_MS = 5_000
RESULT: dict[str, Any] = {
    "content": {"type": "TEXT", "text": "Refunds take 5 to 10 days."},
    "location": {"type": "S3", "s3Location": {"uri": "s3://docs/refunds.md"}},
    "metadata": {"x-amz-bedrock-kb-chunk-id": "1%3A0%3Aabc", "page": 3},
    "score": 0.7,
}


@pytest.fixture
def stack(stores: Stores, request: pytest.FixtureRequest) -> Iterator[Stack]:
    """A stack that has nothing but the bucket, under the output that the template gives it."""
    name = f"retrieval-{abs(hash(request.node.name)) % 10**8}"
    template = (
        '{"Resources": {"B": {"Type": "AWS::S3::Bucket", "Properties": {"VersioningConfiguration": '
        f'{{"Status": "Enabled"}}}}}}}}, "Outputs": {{"{BUCKET_OUTPUT}": {{"Value": {{"Ref": "B"}}}}}}}}'
    )
    formation = stores.boto("cloudformation")
    formation.create_stack(StackName=name, TemplateBody=template)
    formation.get_waiter("stack_create_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    yield Stack(name, stores.url, REGION)
    formation.delete_stack(StackName=name)


def files_of(stores: Stores, stack: Stack) -> SqliteFiles:
    s3 = stores.boto("s3")
    return SqliteFiles(stack.output(BUCKET_OUTPUT), lambda: s3)


def test_the_shipped_collections_are_built_pushed_and_searched(stores: Stores, stack: Stack, tmp_path: Path) -> None:
    push_all(stack, build_all(BILLING.parent, tmp_path))
    found = files_of(stores, stack).search(collection("billing-policy"), "My card was charged twice. What now?")
    assert "refunds.duplicate-charges" in [one.id for one in found]
    assert len(found) == 4


def test_a_new_upload_is_taken_up(stores: Stores, stack: Stack, tmp_path: Path) -> None:
    files, now_s = files_of(stores, stack), [0.0]
    files.now_s = lambda: now_s[0]
    with pytest.raises(RetrievalUnavailable, match="NoSuchKey"):
        files.search(collection(), "cash")
    push(stack, built(tmp_path / "x.sqlite"), "billing")
    now_s[0] += LOOK_AGAIN_S
    assert files.search(collection(), "cash")[0] == PASSAGES[1]
    now_s[0] += LOOK_AGAIN_S
    assert files.search(collection(), "cash")[0] == PASSAGES[1]  # 304
    push(stack, built(tmp_path / "x.sqlite", PASSAGES[2:]), "billing")
    assert files.search(collection(), "cash")
    now_s[0] += LOOK_AGAIN_S
    assert files.search(collection(), "cash") == ()
    assert files.search(collection(), "reminder") == (PASSAGES[2],)


def test_what_is_no_collection_is_not_pushed(stores: Stores, stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "x.sqlite").write_text("hello")
    with pytest.raises(Problem, match="damaged"):
        push(stack, tmp_path / "x.sqlite", "billing")
    with pytest.raises(ClientError):
        stores.boto("s3").get_object(Bucket=stack.output(BUCKET_OUTPUT), Key="billing.sqlite")


def test_by_command(stores: Stores, stack: Stack, tmp_path: Path) -> None:
    runner, file = CliRunner(), tmp_path / "bills.sqlite"
    made = runner.invoke(app, ["build", str(BILLING), "--out", str(file)])
    assert "65 passages" in made.output
    pushed = runner.invoke(app, ["push", str(file), "--stack", stack.name, "--endpoint-url", stores.url])
    assert f"bills is in stack {stack.name}" in pushed.output
    assert files_of(stores, stack).search(collection("bills"), "late fee")
    shown = runner.invoke(app, ["search", str(file), "charged twice", "--passages", "2"])
    assert "[doc:refunds.duplicate-charges]" in shown.output
    assert shown.output.count("[doc:") == 2
    assert "Nothing fits." in runner.invoke(app, ["search", str(file), "xylophone"]).output
    assert isinstance(runner.invoke(app, ["push", str(tmp_path / "none"), "--stack", "x"]).exception, Problem)


@pytest.fixture
def double() -> Iterator[Double]:
    with knowledge_base_double() as running:
        yield running


@pytest.fixture
def bases(double: Double) -> Iterator[KnowledgeBases]:
    with httpx.Client() as client:
        yield KnowledgeBases(REGION, double.url, aws_keys, lambda: client)


def test_a_knowledge_base_is_asked_as_aws_describes_it(double: Double, bases: KnowledgeBases) -> None:
    double.results = [RESULT]
    (one,) = bases.search(knowledge_base(passages=7), "How long? \ud800", LIMIT_MS)
    assert (one.title, one.text) == ("refunds", "Refunds take 5 to 10 days.")
    assert double.asked == [
        {
            "knowledgeBaseId": BASE,
            "retrievalQuery": {"text": "How long? \ufffd"},
            "retrievalConfiguration": {"vectorSearchConfiguration": {"numberOfResults": 7}},
        }
    ]


def test_the_call_is_signed_and_read_as_awss_own_client_does(double: Double, bases: KnowledgeBases) -> None:
    double.results = [RESULT]
    make: Any = boto3.client
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
    theirs = make("bedrock-agent-runtime", region_name=REGION, endpoint_url=double.url, **keys)
    read = theirs.retrieve(**{"knowledgeBaseId": BASE, "retrievalQuery": {"text": "refund"}})["retrievalResults"]
    ours = bases.search(knowledge_base(), "refund", LIMIT_MS)
    assert [one.text for one in ours] == [one["content"]["text"] for one in read]
    signed = [headers["Authorization"].split(", ")[0].split("/", 1)[1] for headers in double.headers]
    assert signed[0] == signed[1]
    assert signed[0].endswith(f"/{REGION}/bedrock/aws4_request")


def test_a_long_question_is_cut(double: Double, bases: KnowledgeBases) -> None:
    bases.search(knowledge_base(), "why " * 100_000 + "refund?", LIMIT_MS)
    asked = double.asked[0]["retrievalQuery"]["text"]
    assert len(asked) <= 1_000
    assert asked.endswith("refund?")


def test_nothing_asked_is_nothing_found(double: Double, bases: KnowledgeBases) -> None:
    assert bases.search(knowledge_base(), " \n", LIMIT_MS) == ()
    assert double.asked == []


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, "ThrottlingException"),
        (404, "ResourceNotFoundException"),
        (400, "ValidationException"),
        (403, "AccessDeniedException"),
        (424, "DependencyFailedException"),
        (500, "InternalServerException"),
    ],
)
def test_its_errors_are_told_by_name(double: Double, bases: KnowledgeBases, status: int, error: str) -> None:
    double.status, double.error = status, error
    with pytest.raises(RetrievalUnavailable) as raised:
        bases.search(knowledge_base(), "my secret", LIMIT_MS)
    assert str(raised.value) == f"bases: Retrieve failed: {error}"


def test_another_answer(double: Double, bases: KnowledgeBases) -> None:
    double.raw = b"<html>"
    with pytest.raises(RetrievalUnavailable, match="answered something else"):
        bases.search(knowledge_base(), "my secret", LIMIT_MS)


def test_nobody_answers(bases: KnowledgeBases) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(RetrievalUnavailable, match="Retrieve failed: ConnectError"):
        replace(bases, url=f"http://127.0.0.1:{port}").search(knowledge_base(), "x", LIMIT_MS)


def test_one_that_is_silent_is_left(bases: KnowledgeBases) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(RetrievalUnavailable, match="Retrieve failed: ReadTimeout"):
            replace(bases, url=url).search(knowledge_base(), "x", 100)
