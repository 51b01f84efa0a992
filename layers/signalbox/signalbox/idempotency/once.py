"""``Once`` by Powertools' idempotency utility: who comes first works, the others get what came of it.

Powertools is imported with the first ticket: it brings boto3, 250 ms of CPU that most requests need not pay
(docs/decisions/0011-idempotency-by-powertools.md).
"""

import hashlib
import json
import random
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from aws_lambda_powertools import Logger

from signalbox.contracts.answers import Answer
from signalbox.contracts.errors import Conflict
from signalbox.conversations.bodies import Bodies
from signalbox.idempotency.items import Items
from signalbox.idempotency.kept import packed
from signalbox.idempotency.ticket import Given, Ticket
from signalbox.transport.dynamodb import DynamoDB, StoreUnavailable

# Each look is a conditional write, so a crowd must not look often.
FIRST_PAUSE_MS, LONGEST_PAUSE_MS = 100, 1_000
RETRY_AFTER_MS = 1_000

logger = Logger(child=True)


@dataclass(frozen=True)
class _Lease:
    """As much of a Lambda context as Powertools asks for the time that work may take."""

    lease_ms: int

    def get_remaining_time_in_millis(self) -> int:
        return self.lease_ms


@dataclass(frozen=True)
class PowertoolsOnce:
    """See ``Once``. ``bodies`` has the answers that are too long for an item."""

    dynamodb: DynamoDB
    table: str
    bodies: Bodies
    now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000
    sleep_s: Callable[[float], None] = time.sleep

    def run(self, ticket: Ticket, work: Callable[[], Answer]) -> Given:
        """Work that outlived its lease and was done by another one too: everybody with the idempotency key is given
        the other's answer. In the cache, where nobody has a key to compare by, each is given his own."""
        from aws_lambda_powertools.utilities.idempotency import exceptions

        from signalbox.idempotency.records import TakenOver

        pause_ms = FIRST_PAUSE_MS
        while True:
            attempt = _Attempt(work)
            try:
                return self._given(ticket, attempt)
            except exceptions.IdempotencyValidationError:
                told = "This idempotency key was used for another request; use a new key."
                raise Conflict("idempotency_key_reuse", told, param="Idempotency-Key") from None
            except (
                exceptions.IdempotencyAlreadyInProgressError,
                exceptions.IdempotencyInconsistentStateError,
            ):
                self._wait(ticket, pause_ms)
                pause_ms = min(LONGEST_PAUSE_MS, pause_ms * 2)
            except exceptions.IdempotencyPersistenceLayerError as error:
                cause = error.__cause__
                if attempt.raised is not None:
                    _warn("a key could not be freed", cause)  # its lease frees it
                    raise attempt.raised from None
                if attempt.answer is None:
                    raise _unavailable(cause) from None
                if ticket.kind == "cache" or not isinstance(cause, TakenOver):
                    _warn("an answer was not kept", cause)
                    return Given(attempt.answer, fresh=True)
                work = _already(attempt.answer)  # should the other one fail, this is what is kept

    def renew(self, ticket: Ticket, answer: Answer) -> None:
        """Also where nothing is kept yet. A store that fails keeps nothing: the answer was given anyway."""
        try:
            values: dict[str, Any] = {
                "status": "COMPLETED",
                "expiration": self.now_ms() // 1_000 + ticket.keep_s,
                "data": json.dumps(packed(answer, ticket.id, self.bodies)),
                "validation": _hashed(ticket.fingerprint),
                "holder": secrets.token_hex(16),
            }
            self._items.replace(ticket.id, values)
        except StoreUnavailable as error:
            _warn("an answer was not kept", error)

    def forget(self, ids: Iterable[str]) -> None:
        """Raises ``StoreUnavailable``. Work that still runs gives its answer, and keeps it no more."""
        for one in ids:
            self._items.forget(one)

    @property
    def _items(self) -> Items:
        return Items(self.dynamodb, self.table, self.bodies)

    def _given(self, ticket: Ticket, attempt: "_Attempt") -> Given:
        """One try by Powertools, with its exceptions."""
        from aws_lambda_powertools.utilities.idempotency import IdempotencyConfig, idempotent_function

        from signalbox.idempotency.records import Form, Records

        config = IdempotencyConfig(
            event_key_jmespath="key",
            payload_validation_jmespath="fingerprint",
            raise_on_no_idempotency_key=True,
            expires_after_seconds=ticket.keep_s,
            hash_function="sha256",
            lambda_context=_Lease(ticket.lease_ms),  # type: ignore[arg-type] # only the time left is asked for
        )
        records = Records(self._items, secrets.token_hex(16))

        @idempotent_function(  # type: ignore[untyped-decorator]
            data_keyword_argument="asked",
            persistence_store=records,
            config=config,
            output_serializer=Form(records, self._items, ticket.id),
            key_prefix=f"{ticket.caller}#{ticket.kind}",
        )
        def kept(asked: dict[str, str]) -> Answer:  # noqa: ARG001 - Powertools reads it
            return attempt.done()

        answer: Answer = kept(asked={"key": ticket.key, "fingerprint": ticket.fingerprint})
        if attempt.answer is not None:
            return Given(answer, fresh=True)
        return Given(answer, fresh=False, age_s=max(0, self.now_ms() - answer.created_at_ms) // 1_000)

    def _wait(self, ticket: Ticket, pause_ms: int) -> None:
        """Raises ``Conflict`` when there is no more time to wait."""
        left_ms = ticket.wait_until_ms - self.now_ms()
        if left_ms <= 0:
            told = "A request with this idempotency key is still being answered."
            raise Conflict("request_in_flight", told, retry_after_ms=RETRY_AFTER_MS)
        chosen_ms = pause_ms * (0.5 + random.random() / 2)  # noqa: S311 - nothing to guess
        self.sleep_s(min(chosen_ms, left_ms) / 1_000)


def _already(done: Answer) -> Callable[[], Answer]:
    return lambda: done


class _Attempt:
    """Remembers what came of the work, whatever Powertools makes of it."""

    def __init__(self, work: Callable[[], Answer]) -> None:
        self._work = work
        self.answer: Answer | None = None
        self.raised: Exception | None = None

    def done(self) -> Answer:
        try:
            self.answer = self._work()
        except Exception as error:
            self.raised = error
            raise
        return self.answer


def _hashed(fingerprint: str) -> str:
    """As Powertools hashes what it validates."""
    return hashlib.sha256(json.dumps(fingerprint).encode()).hexdigest()


def _warn(told: str, cause: BaseException | None) -> None:
    logger.warning(told, extra={"error.type": type(cause).__name__})


def _unavailable(cause: BaseException | None) -> StoreUnavailable:
    return cause if isinstance(cause, StoreUnavailable) else StoreUnavailable(f"idempotency: {type(cause).__name__}")
