"""Who gets in, and what those hear who do not."""

import httpx
import openai
import pytest

from workbench.local.stack import Running

pytestmark = pytest.mark.row("D2")


def ask(running: Running, path: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{running.local.base_url}{path}", headers=headers, timeout=30)


@pytest.mark.parametrize("path", ["/health", "/openapi.json"])
def test_public_paths_need_no_key(running: Running, path: str) -> None:
    assert ask(running, path).status_code == 200


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "missing_api_key"),
        ({"authorization": "Bearer sb_aaaaaaaaaa_" + "x" * 43}, "invalid_api_key"),
        ({"x-api-key": "sb_aaaaaaaaaa_" + "x" * 43}, "invalid_api_key"),
        ({"authorization": "Bearer nonsense"}, "invalid_api_key"),
    ],
)
def test_without_a_valid_key_the_answer_is_401_in_openais_shape(
    running: Running, headers: dict[str, str], code: str
) -> None:
    answer = ask(running, "/models", **headers)
    assert answer.status_code == 401
    error = answer.json()["error"]
    assert set(error) == {"type", "code", "message", "param", "request_id"}
    assert (error["type"], error["code"]) == ("authentication_error", code)
    assert error["request_id"]


def test_the_sdk_raises_its_own_authentication_error(running: Running) -> None:
    stranger = openai.OpenAI(base_url=running.local.base_url, api_key="sb_wrong", max_retries=0)
    with pytest.raises(openai.AuthenticationError) as raised:
        stranger.models.list()
    assert raised.value.code == "invalid_api_key"


@pytest.mark.parametrize("header", ["authorization", "x-api-key"])
def test_a_key_opens_in_either_header(running: Running, header: str) -> None:
    key = running.local.api_key
    assert ask(running, "/models", **{header: f"Bearer {key}" if header == "authorization" else key}).status_code == 200


def test_an_unknown_path_is_404_in_openais_shape(running: Running) -> None:
    answer = ask(running, "/nowhere", authorization=f"Bearer {running.local.api_key}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_path")


def test_the_sdk_gets_an_answer(client: openai.OpenAI) -> None:
    reply = client.chat.completions.create(
        model="auto", messages=[{"role": "user", "content": "My card was charged twice. What now?"}]
    )
    assert reply.choices[0].message.content
    assert reply.usage is not None
    assert reply.usage.total_tokens > 0
