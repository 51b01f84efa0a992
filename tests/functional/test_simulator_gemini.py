"""The simulator's Gemini side, called over plain HTTP in the documented shapes."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from workbench.simulator.models import Model, load_models
from workbench.simulator.testing import Running, running

HEADERS = {"x-goog-api-key": "test"}
SCHEMA = {
    "type": "OBJECT",
    "properties": {"label": {"type": "STRING", "enum": ["hot", "cold"]}, "count": {"type": "INTEGER", "minimum": 3}},
    "required": ["label", "count"],
}
TOOLS = [
    {
        "functionDeclarations": [
            {
                "name": "get_weather",
                "description": "Weather",
                "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}, "required": ["city"]},
            }
        ]
    }
]


@pytest.fixture(scope="module")
def sim() -> Iterator[Running]:
    with running() as simulator:
        yield simulator


def post(
    sim: Running,
    text: str = "Hello",
    model: str = "gemini-3.8-flash",
    headers: dict[str, str] = HEADERS,
    **more: Any,
) -> httpx.Response:
    body = {"contents": [{"role": "user", "parts": [{"text": text}]}]} | more
    url = f"{sim.url}/v1beta/models/{model}:generateContent"
    return httpx.post(url, headers=headers, json=body, trust_env=False)


def error(response: httpx.Response) -> tuple[int, str, str]:
    """Code, status and message, with the shape checked on the way."""
    body = response.json()["error"]
    assert body["code"] == response.status_code
    return body["code"], body["status"], body["message"]


def part(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json()["candidates"][0]["content"]["parts"][0]
    return found


def test_text_with_usage(sim: Running) -> None:
    body = post(sim, systemInstruction={"parts": [{"text": "Be kind"}]}).json()
    candidate, usage = body["candidates"][0], body["usageMetadata"]
    assert candidate["content"]["parts"][0]["text"].startswith("[simulated gemini-3.8-flash] ")
    assert (candidate["finishReason"], candidate["content"]["role"]) == ("STOP", "model")
    assert (body["modelVersion"], bool(body["responseId"])) == ("gemini-3.8-flash", True)
    parts = usage["promptTokenCount"] + usage["candidatesTokenCount"] + usage["thoughtsTokenCount"]
    assert usage["totalTokenCount"] == parts
    quiet = post(sim, generationConfig={"thinkingConfig": {"thinkingBudget": 0}}).json()["usageMetadata"]
    assert "thoughtsTokenCount" not in quiet


def test_the_output_limit_cuts(sim: Running) -> None:
    body = post(sim, generation_config={"max_output_tokens": 8}).json()
    assert body["candidates"][0]["finishReason"] == "MAX_TOKENS"
    usage = body["usageMetadata"]
    assert usage["candidatesTokenCount"] + usage["thoughtsTokenCount"] == 8


def test_a_function_call_wants_its_signature_back(sim: Running) -> None:
    called = part(post(sim, "Weather in Rome?", tools=TOOLS))
    assert called["functionCall"]["name"] == "get_weather"
    assert isinstance(called["functionCall"]["args"]["city"], str)
    result = {"functionResponse": {"name": "get_weather", "response": {"degrees": 21}}}

    def contents(call: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"role": "user", "parts": [{"text": "Weather in Rome?"}]},
            {"role": "model", "parts": [call]},
            {"role": "user", "parts": [result]},
        ]

    assert '"degrees": 21' in part(post(sim, tools=TOOLS, contents=contents(called)))["text"]
    bare = contents({"functionCall": called["functionCall"]})
    assert "missing a thought_signature" in error(post(sim, tools=TOOLS, contents=bare))[2]
    assert "text" in part(post(sim, tools=TOOLS, contents=bare, model="gemini-2.5-pro"))


def test_a_demanded_function(sim: Running) -> None:
    config = {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["get_weather"]}}
    assert "functionCall" in part(post(sim, "Joke", tools=TOOLS, toolConfig=config))


def test_json_conforms(sim: Running) -> None:
    for name in ("responseSchema", "responseJsonSchema"):
        schema = SCHEMA if name == "responseSchema" else {"properties": {"label": {"enum": ["hot", "cold"]}}}
        config = {"responseMimeType": "application/json", name: schema}
        value = json.loads(part(post(sim, "It is cold", generationConfig=config))["text"])
        assert value["label"] == "cold"
        assert value.get("count", 3) >= 3


def test_logprobs_where_the_model_has_them(sim: Running) -> None:
    config = {"responseLogprobs": True, "logprobs": 2}
    candidate = post(sim, model="gemini-2.5-pro", generationConfig=config).json()["candidates"][0]
    chosen = candidate["logprobsResult"]["chosenCandidates"]
    assert "".join(one["token"] for one in chosen) == candidate["content"]["parts"][0]["text"]
    mean = sum(one["logProbability"] for one in chosen) / len(chosen)
    assert candidate["avgLogprobs"] == pytest.approx(mean)
    assert all(len(top["candidates"]) == 2 for top in candidate["logprobsResult"]["topCandidates"])
    message = error(post(sim, generationConfig=config))[2]
    assert message == "Logprobs is not enabled for models/gemini-3.8-flash"


def test_a_repeated_prompt_is_cached(sim: Running) -> None:
    first, second = (post(sim, "Long preamble. " * 800).json()["usageMetadata"] for _ in range(2))
    assert "cachedContentTokenCount" not in first
    assert second["cachedContentTokenCount"] > 2048


def test_errors_in_geminis_words(sim: Running) -> None:
    status, kind, message = error(post(sim, model="gemini-none"))
    assert (status, kind) == (404, "NOT_FOUND")
    assert message.startswith("models/gemini-none is not found for API version v1beta")
    assert error(post(sim, headers={}))[:2] == (403, "PERMISSION_DENIED")
    wrong = post(sim, headers={"x-goog-api-key": "invalid"})
    assert error(wrong) == (400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.")
    assert wrong.json()["error"]["details"][0]["reason"] == "API_KEY_INVALID"
    unknown = error(post(sim, generationConfig={"topQ": 1}))[2]
    assert "Unknown name \"topQ\" at 'generationConfig': Cannot find field." in unknown
    too_much = error(post(sim, generationConfig={"maxOutputTokens": 70_000}))[2]
    assert "supported range is from 1 (inclusive) to 65537 (exclusive)" in too_much
    sim.faults(kind="status", status=503, provider="gemini", times=1)
    assert error(post(sim)) == (503, "UNAVAILABLE", "The model is overloaded. Please try again later.")


def test_a_malformed_schema_is_the_callers_error(sim: Running) -> None:
    config = {"responseMimeType": "application/json", "responseSchema": {"type": "OBJECT", "properties": None}}
    assert error(post(sim, generationConfig=config))[:2] == (400, "INVALID_ARGUMENT")


def small(**limits: int) -> list[Model]:
    return [model.model_copy(update=limits) for model in load_models() if model.id == "gemini-3.8-flash"]


def test_windows_and_limits() -> None:
    with running(models=small(window_tokens=100, requests_per_minute=1)) as sim:
        message = error(post(sim, "word " * 200))[2]
        assert message.startswith("The input token count (")
        assert message.endswith(") exceeds the maximum number of tokens allowed (100).")
        post(sim)
        limited = post(sim)
        assert error(limited)[:2] == (429, "RESOURCE_EXHAUSTED")
        retry = limited.json()["error"]["details"][1]
        assert retry["@type"] == "type.googleapis.com/google.rpc.RetryInfo"
        assert float(retry["retryDelay"].rstrip("s")) > 0
