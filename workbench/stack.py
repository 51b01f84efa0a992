"""The deployed stack that a command talks to: the local one, or one in the user's account."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.exceptions import BotoCoreError, ClientError

LOCAL_FILE = Path(".signalbox/local.json")
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
DEFAULT_REGION = "us-east-1"


class StackNotFound(Exception):
    """There is no such stack, or no way to know which. The message says what to do."""


@dataclass(frozen=True)
class LocalStack:
    """What `make run` wrote down about the stack it started; every field empty when there is none."""

    base_url: str = ""
    api_key: str = ""
    stack: str = ""
    endpoint_url: str = ""
    region: str = ""

    @classmethod
    def read(cls, file: Path = LOCAL_FILE) -> "LocalStack":
        """The nearest file upwards from the working directory; empty without one."""
        found = next((folder / file for folder in (Path.cwd(), *Path.cwd().parents) if (folder / file).exists()), None)
        known = json.loads(found.read_text("utf-8")) if found else {}
        return cls(**{name: known.get(name) or "" for name in cls.__dataclass_fields__})


@dataclass(frozen=True)
class Stack:
    """A deployed stack. ``endpoint_url`` empty: AWS itself, with the user's own credentials."""

    name: str
    endpoint_url: str = ""
    region: str = ""
    _clients: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def find(cls, name: str | None = None, endpoint_url: str | None = None) -> "Stack":
        """The stack called ``name``, else the one that runs locally.

        A name alone means AWS unless it is the local stack's; an endpoint comes from the argument,
        else from AWS_ENDPOINT_URL. Raises ``StackNotFound`` without a name and a local stack.
        """
        local = LocalStack.read()
        name = name or local.stack
        if not name:
            raise StackNotFound("No stack: give --stack NAME, or start the local one with `make run`.")
        endpoint_url = endpoint_url or os.environ.get("AWS_ENDPOINT_URL") or ""
        if not endpoint_url and name == local.stack:
            endpoint_url = local.endpoint_url
        return cls(name, endpoint_url, local.region if name == local.stack else "")

    @property
    def is_local(self) -> bool:
        return urlsplit(self.endpoint_url).hostname in LOCAL_HOSTS

    def client(self, service: str) -> Any:
        """A boto3 client, made once. Real credentials are never sent to a local endpoint."""
        if service not in self._clients:
            options: dict[str, Any] = {"endpoint_url": self.endpoint_url} if self.endpoint_url else {}
            if self.is_local:
                options |= {"aws_access_key_id": "test", "aws_secret_access_key": "test"}
                options |= {"region_name": self.region or DEFAULT_REGION}
            elif self.region:
                options |= {"region_name": self.region}
            make: Callable[..., Any] = boto3.client  # its overloads name services one by one
            self._clients[service] = make(service, **options)
        return self._clients[service]

    @cached_property
    def outputs(self) -> dict[str, str]:
        """The stack's outputs by name. Raises ``StackNotFound``."""
        try:
            stacks = self.client("cloudformation").describe_stacks(StackName=self.name)["Stacks"]
        except (ClientError, BotoCoreError) as error:
            where = self.endpoint_url or "AWS"
            raise StackNotFound(f"Stack {self.name} cannot be read from {where}: {error}") from None
        return {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}

    def output(self, name: str) -> str:
        """One output. Raises ``StackNotFound`` when the stack has none of that name."""
        if name not in self.outputs:
            raise StackNotFound(f"Stack {self.name} has no output {name}; deploy it again.")
        return self.outputs[name]
