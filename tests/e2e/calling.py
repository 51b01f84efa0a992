"""Calls to the deployed stack, as any HTTP client makes them."""

import json
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx

from signalbox.callers.keys import issue_key
from signalbox.transport.dynamodb import DynamoDB
from signalbox.transport.sigv4 import Keys
from workbench.commands.keys import join_usage_plan, key_store
from workbench.local.ministack import CREDENTIALS
from workbench.local.stack import Running

LIMIT_S = 180


@dataclass(frozen=True)
class Caller:
    """Somebody with a key of their own."""

    name: str
    base_url: str
    key: str

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> httpx.Response:
        sent = {"authorization": f"Bearer {self.key}", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body).encode() if body is not None else None
        return httpx.request(method, f"{self.base_url}{path}", content=content, headers=sent, timeout=LIMIT_S)

    def ask(self, text: str, *, more: dict[str, Any] | None = None, **headers: str) -> httpx.Response:
        """One native request."""
        return self.send("POST", "/infer", {"text": text, **(more or {})}, **headers)


def new_caller(running: Running, name: str, tier: str = "premium") -> Caller:
    """A key for ``name``, in the usage plan of ``tier``."""
    key, record = issue_key(key_store(running.stack), name, tier)
    join_usage_plan(running.stack, record)
    return Caller(name, running.local.base_url, key)


def at_once(count: int, call: Callable[[int], httpx.Response], together: int | None = None) -> list[httpx.Response]:
    """``count`` calls, ``together`` of them (all, by default) at any time; the responses in the calls' order."""
    with ThreadPoolExecutor(together or count) as pool:
        return list(pool.map(call, range(count)))


def database(running: Running) -> DynamoDB:
    """The stack's DynamoDB, to look behind the API."""
    keys = Keys(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])
    client = httpx.Client()
    return DynamoDB(running.stack.region, running.stack.endpoint_url, lambda: keys, lambda: client)


def total(entries: Iterable[dict[str, Any]], field: str) -> int:
    return sum(entry[field] for entry in entries)
