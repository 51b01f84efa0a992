"""The simulator's Bedrock side, called by boto3."""

import json
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from workbench.simulator.models import load_models
from workbench.simulator.testing import Running, running

NOVA = "global.amazon.nova-2-lite-v1:0"
PARAMETERS = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOLS: Any = {
    "tools": [{"toolSpec": {"name": "get_weather", "description": "Weather", "inputSchema": {"json": PARAMETERS}}}]
}


def client_of(sim: Running, key: str = "AKIDEXAMPLE") -> Any:
    return boto3.client(
        "bedrock-runtime",
        endpoint_url=sim.url,
        region_name="us-east-1",
        aws_access_key_id=key,
        aws_secret_access_key="secret",
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running() as simulator:
        yield simulator


@pytest.fixture(scope="module")
def bedrock(sim: Running) -> Any:
    return client_of(sim)


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": [{"text": text}]}]


def refused(call: Any, **arguments: Any) -> tuple[str, str, int]:
    """Code, message and status of the error that ``call`` ends in."""
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    error = raised.value.response
    return error["Error"]["Code"], error["Error"]["Message"], error["ResponseMetadata"]["HTTPStatusCode"]


@pytest.mark.parametrize("model", [NOVA, f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/{NOVA}"])
def test_text_with_usage(bedrock: Any, model: str) -> None:
    reply = bedrock.converse(modelId=model, messages=user("Hello"), system=[{"text": "Be kind"}])
    assert reply["output"]["message"]["content"][0]["text"].startswith(f"[simulated {NOVA}] ")
    assert reply["stopReason"] == "end_turn"
    usage = reply["usage"]
    assert usage["totalTokens"] == usage["inputTokens"] + usage["outputTokens"] > 0
    assert reply["ResponseMetadata"]["HTTPHeaders"]["x-simulated"] == "true"


def test_a_tool_call_and_its_result(bedrock: Any) -> None:
    messages = user("Weather in Oslo?")
    first = bedrock.converse(modelId=NOVA, messages=messages, toolConfig=TOOLS)
    assert first["stopReason"] == "tool_use"
    use = first["output"]["message"]["content"][0]["toolUse"]
    Draft202012Validator(PARAMETERS).validate(use["input"])
    result = {"toolUseId": use["toolUseId"], "content": [{"json": {"degrees": 4}}]}
    messages += [first["output"]["message"], {"role": "user", "content": [{"toolResult": result}]}]
    second = bedrock.converse(modelId=NOVA, messages=messages, toolConfig=TOOLS)
    assert '"degrees": 4' in second["output"]["message"]["content"][0]["text"]
    code, message, _ = refused(bedrock.converse, modelId=NOVA, messages=messages[:2], toolConfig=TOOLS)
    assert (code, "must end with a user message" in message) == ("ValidationException", True)
    assert refused(bedrock.converse, modelId=NOVA, messages=messages)[0] == "ValidationException"


def test_a_demanded_tool_and_json(bedrock: Any) -> None:
    demanded = TOOLS | {"toolChoice": {"tool": {"name": "get_weather"}}}
    reply = bedrock.converse(modelId=NOVA, messages=user("Joke"), toolConfig=demanded)
    assert reply["stopReason"] == "tool_use"
    form = {"type": "json_schema", "structure": {"jsonSchema": {"schema": json.dumps(PARAMETERS), "name": "place"}}}
    reply = bedrock.converse(modelId=NOVA, messages=user("Where?"), outputConfig={"textFormat": form})
    Draft202012Validator(PARAMETERS).validate(json.loads(reply["output"]["message"]["content"][0]["text"]))


def test_a_marked_prompt_is_cached(bedrock: Any) -> None:
    system = [{"text": "Some long preamble. " * 400}, {"cachePoint": {"type": "default"}}]
    first, second = (bedrock.converse(modelId=NOVA, messages=user("Hi"), system=system)["usage"] for _ in range(2))
    assert first["cacheWriteInputTokens"] == second["cacheReadInputTokens"] > 1024
    assert first["totalTokens"] == second["totalTokens"]


def test_errors_in_bedrocks_words(sim: Running, bedrock: Any) -> None:
    ask = {"modelId": NOVA, "messages": user("Hi")}
    assert refused(bedrock.converse, modelId="nope", messages=user("Hi")) == (
        "ValidationException",
        "The provided model identifier is invalid.",
        400,
    )
    assert refused(client_of(sim, "invalidKEY").converse, **ask)[::2] == ("UnrecognizedClientException", 403)
    code, message, _ = refused(bedrock.converse, **ask, inferenceConfig={"maxTokens": 70_000})
    assert (code, "exceeds the model limit of 65535" in message) == ("ValidationException", True)
    sim.faults(kind="status", status=503, times=1)
    assert refused(bedrock.converse, **ask)[::2] == ("ServiceUnavailableException", 503)
    sim.faults(kind="overflow", times=1)
    assert refused(bedrock.converse, **ask)[1] == "Input is too long for requested model."


def test_windows_and_limits() -> None:
    nova = next(model for model in load_models() if model.id == NOVA)
    tight = nova.model_copy(update={"window_tokens": 100, "requests_per_minute": 2})
    with running(models=[tight]) as sim:
        converse = client_of(sim).converse
        assert refused(converse, modelId=NOVA, messages=user("word " * 200))[1].startswith("Input is too long")
        converse(modelId=NOVA, messages=user("Hi"))
        converse(modelId=NOVA, messages=user("Hi"))
        code, message, status = refused(converse, modelId=NOVA, messages=user("Hi"))
        assert (code, message, status) == (
            "ThrottlingException",
            "Too many requests, please wait before trying again.",
            429,
        )
