"""The models the simulator plays, read from ``models.yaml``."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, PositiveInt

Provider = Literal["anthropic", "openai", "gemini", "bedrock"]
Rule = Literal[
    "sampling",
    "sampling_with_reasoning",
    "prefill",
    "forced_tools",
    "thinking_disabled",
    "thinking_budget",
    "max_tokens",
    "tools_with_reasoning",
    "reasoning_none",
    "missing_thought_signature",
]
DEFAULT_MODELS = Path(__file__).with_name("models.yaml")


class Model(BaseModel):
    """One model: its limits, its speed and what it refuses. The fields are explained in ``models.yaml``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: Provider
    id: str = Field(min_length=1)
    window_tokens: PositiveInt
    input_cap_tokens: PositiveInt | None = None
    output_cap_tokens: PositiveInt
    token_factor: PositiveFloat = 1.0
    ttft_ms: float = Field(ge=0)
    tokens_per_second: PositiveFloat
    requests_per_minute: PositiveInt
    tokens_per_minute: PositiveInt
    logprobs: bool = False
    thinks: bool = False
    caching: Literal["automatic", "explicit", "none"] = "none"
    cache_min_tokens: PositiveInt = 1024
    cache_step_tokens: PositiveInt = 1
    stops_at_window: bool = False
    refuses: frozenset[Rule] = frozenset()

    @property
    def input_limit_tokens(self) -> int:
        """The most input tokens the model takes."""
        return self.input_cap_tokens or self.window_tokens


class ModelFile(BaseModel):
    """What a models file holds."""

    model_config = ConfigDict(extra="forbid")

    models: list[Model] = Field(min_length=1)


def load_models(path: Path = DEFAULT_MODELS) -> list[Model]:
    """The models in the file at ``path``. Raises ``OSError``, ``yaml.YAMLError`` or ``pydantic.ValidationError``."""
    return ModelFile.model_validate(yaml.safe_load(path.read_text("utf-8"))).models
