"""The processes behind the local stack's functions: found, frozen and killed."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def workers(function: str) -> list[int]:
    """Process ids of the warm workers of one Lambda function."""
    wanted = f"AWS_LAMBDA_FUNCTION_NAME={function}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                environment = (folder / "environ").read_bytes().split(b"\0")
            except OSError:  # gone meanwhile, or another user's
                continue
            if wanted in environment:
                found.append(int(folder.name))
    return found


def send(processes: list[int], what: signal.Signals) -> None:
    """Every process gets the signal; those that are gone do not mind."""
    for process in processes:
        try:
            os.kill(process, what)
        except ProcessLookupError:
            continue


def until(found: Callable[[], T], limit_s: float = 15.0) -> T:
    """What ``found`` returns once it is true. Raises ``TimeoutError``."""
    ends_at = time.monotonic() + limit_s
    while not (value := found()):
        if time.monotonic() > ends_at:
            raise TimeoutError("it did not come about")
        time.sleep(0.02)
    return value
