"""The router's environment, read once."""

import os
from functools import cache

from signalbox.contracts.model import Contract


class Settings(Contract):
    """``adapter_prefix`` + roster id names the Lambda that serves a model."""

    adapter_prefix: str
    region: str


@cache
def settings() -> Settings:
    return Settings(adapter_prefix=os.environ["ADAPTER_PREFIX"], region=os.environ["AWS_REGION"])
