"""Wires the router to AWS, once per process and only when first needed."""

import time
from functools import cache

from router.settings import settings
from signalbox.execution.answer import Services
from signalbox.execution.lambda_invoker import LambdaInvoker
from signalbox.policy.load import load_resource
from signalbox.pricing.table import load_prices
from signalbox.transport.aws import service_url


class SystemClock:
    """The time of day."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000


@cache
def services() -> Services:
    """Raises ``PolicyInvalid`` when the shipped policy is damaged: better no router than a wrong one."""
    known = settings()
    return Services(
        policy=load_resource(),
        prices=load_prices(),
        invoker=LambdaInvoker(known.adapter_prefix, known.region, service_url("lambda", known.region)),
        clock=SystemClock(),
    )
