"""The Lambdas as AWS invokes them: environment, secret, provider, result."""

import importlib
import json
from types import SimpleNamespace

import pytest

from signalbox.contracts.adapters import AdapterResult
from tests.functional.adapting import a_request
from tests.functional.aimock import Aimock
from tests.functional.secrets_manager import running_secrets_manager

CONTEXT = SimpleNamespace(
    function_name="adapter", memory_limit_in_mb=256, invoked_function_arn="arn:fn", aws_request_id="aws-1"
)


@pytest.mark.row("D2")
@pytest.mark.parametrize(
    ("provider", "model", "path"), [("anthropic", "claude-haiku-5-5", ""), ("openai", "gpt-6-luna", "/v1")]
)
@pytest.mark.parametrize(("key", "outcome"), [("sk-real", None), ("unset", "AuthenticationFailed")])
def test_a_function(
    aimock: Aimock, monkeypatch: pytest.MonkeyPatch, provider: str, model: str, path: str, key: str, outcome: str | None
) -> None:
    usage = {"prompt_tokens": 1_000, "completion_tokens": 50, "total_tokens": 1_050}
    aimock.reply({"content": "Hello.", "model": model, "usage": usage}, userMessage="hello")
    with running_secrets_manager() as secrets:
        secret = secrets.admin.create_secret(Name=f"signalbox/{provider}", SecretString=key)
        for name, value in secrets.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("ROSTER_MODEL", model)
        monkeypatch.setenv("PROVIDER_BASE_URL", aimock.url + path)
        monkeypatch.setenv("PROVIDER_SECRET_ARN", secret["ARN"])
        app = importlib.reload(importlib.import_module(f"adapters.{provider}.app"))
        event = a_request(model=model, provider_model=model).model_dump(mode="json")
        result = AdapterResult.model_validate(json.loads(json.dumps(app.handler(event, CONTEXT))))
    if outcome:
        assert result.failure is not None
        assert result.failure.name == outcome
        assert f"signalbox/{provider}" in result.failure.message
        assert aimock.journal() == []
    else:
        assert result.reply is not None, result.failure
        assert (result.reply.text, result.reply.model_version) == ("Hello.", model)
        assert result.reply.cost_microusd > 0
