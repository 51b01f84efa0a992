"""What calling an AWS service takes, without an AWS SDK: credentials and an address."""

import os
from functools import cache
from typing import TYPE_CHECKING

from signalbox.transport.sigv4 import Keys

if TYPE_CHECKING:
    from botocore.credentials import Credentials


class NoAwsKeys(Exception):
    """There are no usable credentials. The message says why and quotes none."""


def ambient_keys() -> Keys:
    """Of the Lambda role, from the environment; else wherever botocore finds them (SnapStart, a laptop).

    Raises ``NoAwsKeys``.
    """
    if (access := os.environ.get("AWS_ACCESS_KEY_ID")) and (secret := os.environ.get("AWS_SECRET_ACCESS_KEY")):
        return Keys(access, secret, os.environ.get("AWS_SESSION_TOKEN"))
    from botocore.exceptions import BotoCoreError

    try:
        if (found := _session_credentials()) is None:
            raise NoAwsKeys("no AWS credentials were found")
        frozen = found.get_frozen_credentials()
    except BotoCoreError as error:
        raise NoAwsKeys(f"the AWS credentials cannot be used ({type(error).__name__})") from None
    return Keys(frozen.access_key or "", frozen.secret_key or "", frozen.token)


@cache
def _session_credentials() -> "Credentials | None":
    from botocore.session import Session  # 140 ms of CPU, and hardly ever needed

    return Session().get_credentials()


# Hosts that AWS's variables know by another name. Step Functions has one of its own for calls that wait.
_NAMES = {"states": "sfn", "sync-states": "sfn"}


def service_url(service: str, region: str) -> str:
    """Where ``service`` is called: at the address that AWS's own variables name, else the region's own."""
    variable = f"AWS_ENDPOINT_URL_{_NAMES.get(service, service).upper().replace('-', '_')}"
    return os.environ.get(variable) or os.environ.get("AWS_ENDPOINT_URL") or endpoint(service, region)


def endpoint(service: str, region: str) -> str:
    """The service's own address in ``region``, such as ``bedrock-runtime``'s."""
    suffix = "amazonaws.com.cn" if region.startswith("cn-") else "amazonaws.com"
    return f"https://{service}.{region}.{suffix}"
