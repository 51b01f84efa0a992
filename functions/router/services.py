"""Wires the router to AWS, once per process and only when first needed."""

import time
from functools import cache
from typing import Any

from router.settings import settings
from signalbox.execution.answer import Services
from signalbox.execution.lambda_invoker import LambdaInvoker
from signalbox.policy.load import load_resource
from signalbox.pricing.table import load_prices

# A hair over the longest an adapter may run; its own deadline ends it long before.
READ_TIMEOUT_S = 30


class SystemClock:
    """The time of day."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


class LazyLambdaClient:
    """Makes the botocore client at the first call: a decision alone never pays for it."""

    def invoke(self, **arguments: Any) -> Any:
        return _lambda_client().invoke(**arguments)


@cache
def _lambda_client() -> Any:
    import botocore.session
    from botocore.config import Config

    config = Config(
        connect_timeout=2,
        read_timeout=READ_TIMEOUT_S,
        # A retry would call the model a second time.
        retries={"total_max_attempts": 1},
        max_pool_connections=4,
    )
    return botocore.session.get_session().create_client("lambda", config=config)


@cache
def services() -> Services:
    """Raises ``PolicyInvalid`` when the shipped policy is damaged: better no router than a wrong one."""
    return Services(
        policy=load_resource(),
        prices=load_prices(),
        invoker=LambdaInvoker(LazyLambdaClient(), settings().adapter_prefix),
        clock=SystemClock(),
    )
