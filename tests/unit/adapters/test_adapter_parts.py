import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalbox.adapters.keys import SecretKey
from signalbox.adapters.overflow import Overflow, overflow
from signalbox.adapters.retry_after import retry_after_ms, span_ms
from signalbox.adapters.settings import AdapterSettings
from signalbox.adapters.statuses import by_status
from signalbox.adapters.told import name, told
from signalbox.transport.within import OutOfTime, within
from tests.unit.adapters.samples import a_request, call, said


@pytest.mark.row("A16")
@pytest.mark.parametrize(
    ("message", "tokens", "limit"),
    [
        ("prompt is too long: 208310 tokens > 200000 maximum", 208310, 200000),
        (
            "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or "
            "`max_tokens` and try again",
            209573,
            200000,
        ),
        (
            "This model's maximum context length is 8192 tokens. However, your messages resulted in 10000 tokens. "
            "Please reduce the length of the messages.",
            10000,
            8192,
        ),
        (
            "This model's maximum context length is 4096 tokens. However, you requested 5000 tokens (4000 in the "
            "messages, 1000 in the completion).",
            5000,
            4096,
        ),
        (
            "'max_tokens' or 'max_completion_tokens' is too large: 4000. This model's maximum context length is 4096 "
            "tokens and your request has 100 input tokens (4000 > 4096 - 100).",
            4100,
            4096,
        ),
        (
            "You passed 4097 input tokens and requested 1 output tokens. However, the model's context length is only "
            "4096 tokens, resulting in a maximum input length of 4095 tokens.",
            4098,
            4096,
        ),
        (
            "This endpoint's maximum context length is 128000 tokens. However, you requested about 130000 tokens "
            "(129000 of text input, 1000 in the output).",
            130000,
            128000,
        ),
        (
            "Input tokens exceed the configured limit of 272000 tokens. Your messages resulted in 300007 tokens. "
            "Please reduce the length of the messages.",
            300007,
            272000,
        ),
        ("This model's maximum prompt length is 131072 but the request contains 150000 tokens.", 150000, 131072),
        ("request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", 5000, 4096),
        (
            "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
            40000,
            32768,
        ),
        ("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).", 1200000, 1048576),
        ("context window exceeded: tokens=131072 limit=65536", 131072, 65536),
        ("Your input exceeds the context window of this model.", None, None),
        ("the request exceeds the available context size. try increasing the context size", None, None),
        ("the input length exceeds the context length", None, None),
        ("Input is too long for requested model.", None, None),
        ("Input Tokens Exceeded: Number of input tokens exceeds maximum length.", None, None),
        ("Please reduce the length of the messages or completion.", None, None),
    ],
)
def test_overflows(message: str, tokens: int | None, limit: int | None) -> None:
    assert overflow(message) == Overflow(tokens, limit)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "max_tokens: 999999 > 128000, which is the maximum allowed number of output tokens",
        "max_tokens is too large: 300000. This model supports at most 128000 completion tokens.",
        "Request too large for model in organization on tokens per minute (TPM): Limit 6000, Requested 7000",
        "Rate limit reached: tokens per minute limit 30000",
    ],
)
def test_what_is_no_overflow(message: str) -> None:
    assert overflow(message) is None


@pytest.mark.parametrize(
    ("headers", "wait_ms"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3_000),
        ({"retry-after": "0.5"}, 500),
        ({"retry-after": "9", "retry-after-ms": "250"}, 250),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT", "date": "Sat, 21 Nov 2026 10:00:10 GMT"}, 20_000),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:00 GMT", "date": "Sat, 21 Nov 2026 10:00:10 GMT"}, 0),
        ({"retry-after": "Sat, 21 Nov 2026 10:00:30 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "0"}, 1_000),
        ({"x-ratelimit-reset-requests": "1s", "x-ratelimit-remaining-requests": "5"}, None),
        (
            {
                "x-ratelimit-reset-requests": "20ms",
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-tokens": "6m0s",
                "x-ratelimit-remaining-tokens": "0",
            },
            360_000,
        ),
    ],
)
def test_when_to_come_back(headers: dict[str, str], wait_ms: int | None) -> None:
    assert retry_after_ms(headers) == wait_ms


@pytest.mark.parametrize(
    ("text", "span"), [("1m30.5s", 90_500), ("20ms", 20), ("1h", 3_600_000), ("", None), ("5", None), ("1s?", None)]
)
def test_spans(text: str, span: int | None) -> None:
    assert span_ms(text) == span


@given(st.text(min_size=4, max_size=80), st.text(max_size=40), st.text(max_size=40))
def test_no_message_is_repeated(prompt: str, before: str, after: str) -> None:
    request = a_request(messages=(said("user", prompt),))
    kept = told(request, f"{before}{prompt}{after}")
    assert not prompt.strip() or len(prompt.strip()) < 4 or " ".join(prompt.split()) not in kept


def test_what_may_be_told() -> None:
    request = a_request(messages=(said("user", "the quick brown fox", "ab"), said("assistant", calls=(call(),))))
    assert told(request, "tools.0.name:  must match\n the pattern") == "tools.0.name: must match the pattern"
    assert told(request, None) == ""
    assert told(request, "invalid: quick brown f...") == ""
    assert told(request, 'got {"city": "Oslo"}') == ""
    assert told(request, "bad key sk-proj-abcdefgh12345") == ""
    assert told(request, "x" * 1_000) == "x" * 300


def test_only_identifiers_are_names() -> None:
    assert (name("messages.[0].role"), name("has blanks"), name(None), name("x" * 200)) == (
        "messages.[0].role",
        "",
        "",
        "",
    )


def test_statuses() -> None:
    assert [by_status(status) for status in (301, 400, 401, 402, 403, 404, 408, 409, 413, 429, 500, 529)] == [
        "MalformedReply",
        "InvalidRequest",
        *["AuthenticationFailed"] * 3,
        "InvalidRequest",
        *["ProviderUnavailable"] * 2,
        "InvalidRequest",
        "RateLimited",
        *["ProviderUnavailable"] * 2,
    ]


def test_settings() -> None:
    environment = {"ROSTER_MODEL": "m", "PROVIDER_BASE_URL": "http://x/v1/", "PROVIDER_SECRET_ARN": "arn"}
    assert AdapterSettings.read(environment) == AdapterSettings("m", "http://x/v1", "arn")
    assert AdapterSettings.read({"ROSTER_MODEL": "m"}) == AdapterSettings("m")
    with pytest.raises(KeyError, match="ROSTER_MODEL"):
        AdapterSettings.read({})


def test_a_secret_is_named_without_its_account() -> None:
    arn = "arn:aws:secretsmanager:eu-north-1:123456789012:secret:signalbox/anthropic-AbC123"
    assert SecretKey(arn).name == "signalbox/anthropic"


@pytest.mark.row("C3")
def test_within() -> None:
    def fail() -> None:
        raise ValueError("broken")

    never = threading.Event()
    assert within(1_000, lambda: 7) == 7
    with pytest.raises(ValueError, match="broken"):
        within(1_000, fail)
    with pytest.raises(OutOfTime):
        within(1, lambda: never.wait(5))
    never.set()
    begun: list[int] = []
    with pytest.raises(OutOfTime):
        within(0, lambda: begun.append(1))
    assert begun == []
