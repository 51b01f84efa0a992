"""Ids of our own: whoever calls cannot choose them, and they sort by time."""

import re
import secrets
import time

_REQUEST_ID = re.compile(r"req_[0-9a-f]{32}")


def is_request_id(text: str) -> bool:
    """Whether it could be one of ours."""
    return _REQUEST_ID.fullmatch(text) is not None


def request_id(now_ms: int | None = None) -> str:
    """``req_`` and a UUIDv7 in hex (RFC 9562, 5.7): 48 bits of Unix milliseconds, then 74 random ones.

    Python has one of its own from 3.14 on.
    """
    at_ms = time.time_ns() // 1_000_000 if now_ms is None else now_ms
    value = (at_ms & (1 << 48) - 1) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 0x7 << 76  # version 7
    value = value & ~(0x3 << 62) | 0x2 << 62  # variant of RFC 9562
    return f"req_{value:032x}"
