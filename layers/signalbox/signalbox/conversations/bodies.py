"""Long bodies outside the table: DynamoDB takes no item over 400 KB, S3 does."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote

from signalbox.transport.dynamodb import StoreUnavailable

if TYPE_CHECKING:
    from botocore.client import BaseClient

CONNECT_LIMIT_S = 1
READ_LIMIT_S = 5
ATTEMPTS = 3


class Bodies(Protocol):
    """Bytes by key. A key begins with its caller. Raises ``StoreUnavailable``."""

    def put(self, key: str, body: bytes) -> None:
        """Keep ``body``, in place of what was there."""

    def get(self, key: str) -> bytes | None:
        """None when there is none."""

    def delete(self, key: str) -> None:
        """Gone afterwards, whether it was there or not."""


def body_key(*names: str) -> str:
    """``names`` as the folders of a key; what a caller wrote can be neither a slash nor a dot folder."""
    return "/".join(quote(name, safe="").replace(".", "%2E") for name in names)


@cache
def _ambient_client() -> "BaseClient":
    from botocore.config import Config
    from botocore.session import Session  # 140 ms of CPU, and hardly ever needed

    limits = Config(
        connect_timeout=CONNECT_LIMIT_S, read_timeout=READ_LIMIT_S, retries={"total_max_attempts": ATTEMPTS}
    )
    return Session().create_client("s3", config=limits)


@dataclass(frozen=True)
class S3Bodies:
    """One object a body, encrypted as its bucket says."""

    bucket: str
    client: Callable[[], "BaseClient"] = field(default=_ambient_client)

    def put(self, key: str, body: bytes) -> None:
        self._call("put_object", Key=key, Body=body, ContentType="application/octet-stream")

    def get(self, key: str) -> bytes | None:
        return self._call("get_object", Key=key)

    def delete(self, key: str) -> None:
        self._call("delete_object", Key=key)

    def _call(self, operation: str, **arguments: object) -> bytes | None:
        """The object's bytes, where the answer has some; None where there is no such object."""
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = getattr(self.client(), operation)(Bucket=self.bucket, **arguments)
            body: bytes | None = answer["Body"].read() if "Body" in answer else None
        except ClientError as error:
            code = str(error.response.get("Error", {}).get("Code"))
            # Who may not list a bucket is told AccessDenied of an object that is not there.
            if code == "NoSuchKey" or (code == "AccessDenied" and operation == "get_object"):
                return None
            # The cause is cut off: it names the key, and so the conversation.
            raise StoreUnavailable(f"{operation} failed: {code}") from None
        except BotoCoreError as error:
            raise StoreUnavailable(f"{operation} failed: {type(error).__name__}") from None
        return body
