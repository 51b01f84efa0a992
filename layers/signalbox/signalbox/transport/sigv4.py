"""AWS Signature Version 4 of a POST, with the standard library alone: importing botocore's costs 90 ms of CPU.

Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
"""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from typing import NamedTuple
from urllib.parse import quote, urlsplit

_DEFAULT_PORTS = {"http": 80, "https": 443}


class Keys(NamedTuple):
    """What a request is signed with."""

    access_key: str
    secret_key: str
    token: str | None = None


def signed(
    url: str, headers: Mapping[str, str], body: bytes, *, service: str, region: str, keys: Keys, now: datetime
) -> dict[str, str]:
    """``headers`` and those that prove to AWS who sends them. ``now`` is in UTC.

    ``url`` is as it will be sent: quoted, without a query and without empty or dot segments. The
    client sends ``Host`` by itself; it is signed as RFC 9110 has it, without a default port.
    """
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    sent = {**headers, "X-Amz-Date": stamp}
    if keys.token:
        sent["X-Amz-Security-Token"] = keys.token
    checked = {name.lower(): " ".join(value.split()) for name, value in sent.items()} | {"host": _host(url)}
    names = ";".join(sorted(checked))
    # Every service but S3 wants the path quoted again, so that %3A becomes %253A.
    path = quote(urlsplit(url).path or "/", safe="/~")
    fields = [f"{name}:{checked[name]}" for name in sorted(checked)]
    canonical = "\n".join(["POST", path, "", *fields, "", names, hashlib.sha256(body).hexdigest()])
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{hashlib.sha256(canonical.encode()).hexdigest()}"
    signature = reduce(_hmac, (*scope.split("/"), to_sign), f"AWS4{keys.secret_key}".encode()).hex()
    proof = f"AWS4-HMAC-SHA256 Credential={keys.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**sent, "Authorization": proof}


def _hmac(key: bytes, text: str) -> bytes:
    return hmac.digest(key, text.encode(), "sha256")


def _host(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:  # an IPv6 address
        host = f"[{host}]"
    return host if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f"{host}:{parts.port}"
