"""Who is simulated, and what the live log shows."""

from workbench.local.live_log import as_line
from workbench.local.providers import from_environment, simulated

SIMULATOR = "http://127.0.0.1:4571"


def test_without_keys_every_provider_is_simulated() -> None:
    providers = simulated(SIMULATOR)
    assert providers.simulated == ("anthropic", "openai", "gemini", "bedrock")
    assert all(url.startswith(SIMULATOR) for url in providers.parameters.values())
    assert set(providers.keys.values()) == {"simulated"}


def test_a_provider_with_a_key_is_real_and_the_others_stay_simulated() -> None:
    providers = from_environment(SIMULATOR, {"ANTHROPIC_API_KEY": "sk-ant-1"})
    assert providers.real == ("anthropic",)
    assert providers.parameters["AnthropicBaseUrl"] == "https://api.anthropic.com"
    assert providers.keys == {"anthropic": "sk-ant-1", "openai": "simulated", "gemini": "simulated"}
    assert providers.parameters["GeminiBaseUrl"] == SIMULATOR


def test_a_compatible_endpoint_needs_no_key() -> None:
    providers = from_environment(SIMULATOR, {"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"})
    assert providers.real == ("openai",)
    assert providers.parameters["OpenAIBaseUrl"] == "http://127.0.0.1:11434/v1"


def test_bedrock_is_reached_past_the_local_aws() -> None:
    providers = from_environment(SIMULATOR, {"AWS_BEARER_TOKEN_BEDROCK": "t", "AWS_REGION": "eu-west-1"})
    assert providers.parameters["BedrockBaseUrl"] == "https://bedrock-runtime.eu-west-1.amazonaws.com"
    assert providers.environment == {"AWS_BEARER_TOKEN_BEDROCK": "t"}


def test_keys_do_not_show_when_printed() -> None:
    assert "sk-ant-1" not in repr(from_environment(SIMULATOR, {"ANTHROPIC_API_KEY": "sk-ant-1"}))


def test_a_decision_is_one_line_with_its_figures() -> None:
    entry = {
        "caller": "local",
        "signalbox.route": "short",
        "gen_ai.request.model": "claude-haiku-5-5",
        "gen_ai.usage.input_tokens": 1234,
        "gen_ai.usage.output_tokens": 56,
        "cost_microusd": 789,
        "latency_ms": 321,
        "status": 200,
        "error.code": None,
    }
    words = as_line(entry).split()[1:]
    assert words == ["local", "short", "claude-haiku-5-5", "1,234", "56", "789", "321", "200"]
    assert as_line(entry | {"status": 429, "error.code": "rate_limited"}).endswith("429 rate_limited")
