"""Powertools' idempotency records over our own DynamoDB client; its own layer would bring boto3's.

The item is Powertools' (id, status, expiration, in_progress_expiration, data, validation), and one more
attribute: ``holder``, the run that works under the record. By it a run knows its own record again when the answer
to its first write was lost, and nobody ends a record that another one has taken over since.
"""

import datetime
import json
from contextlib import suppress
from typing import Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyInconsistentStateError,
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord
from aws_lambda_powertools.utilities.idempotency.serialization.base import BaseIdempotencySerializer
from pydantic import BaseModel, ValidationError, model_validator

from signalbox.contracts.answers import Answer
from signalbox.idempotency.items import Items
from signalbox.idempotency.kept import Damaged, drop, packed, unpacked
from signalbox.transport.dynamodb import ConditionFailed, StoreUnavailable

_FREE = (
    "attribute_not_exists(id) OR expiration < :now_s"
    " OR (#status = :in_progress AND attribute_exists(in_progress_expiration) AND in_progress_expiration < :now_ms)"
)
_STATUS = {"#status": "status"}

logger = Logger(child=True)


class TakenOver(Exception):
    """The lease ended before the work did, and another run has the record now."""


class Erased(Exception):
    """The record was taken away while the work was done."""


class _Stored(BaseModel):
    """An item that Powertools can make something of."""

    id: str
    status: Literal["INPROGRESS", "COMPLETED"]
    expiration: int
    in_progress_expiration: int | None = None
    validation: str
    data: str = ""

    @model_validator(mode="after")
    def _whole(self) -> "_Stored":
        if self.status == "INPROGRESS" and self.in_progress_expiration is None:
            raise ValueError("a lease that never ends")
        if self.status == "COMPLETED" and not isinstance(json.loads(self.data) or None, dict):
            raise ValueError("no answer")
        return self


class Records(BasePersistenceLayer):
    """The record of one run, which ``holder`` names. One that cannot be read is taken away, as if it had not been."""

    def __init__(self, items: Items, holder: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._items, self._holder = items, holder
        self._seen: dict[str, Any] = {}

    def discard_seen(self) -> None:
        """What was read last is of no use. Raises ``StoreUnavailable``."""
        logger.warning("a kept answer cannot be read")
        self._items.discard(self._seen)

    def _get_record(self, idempotency_key: str) -> DataRecord:
        item = self._items.get(idempotency_key)
        if item is None or (found := self._read(item)) is None:
            raise IdempotencyItemNotFoundError
        return found

    def _put_record(self, data_record: DataRecord) -> None:
        now_ms = int(datetime.datetime.now(datetime.UTC).timestamp() * 1_000)
        item = {
            "id": data_record.idempotency_key,
            "status": data_record.status,
            "expiration": data_record.expiry_timestamp,
            "in_progress_expiration": data_record.in_progress_expiry_timestamp,
            "validation": data_record.payload_hash,
            "holder": self._holder,
        }
        values = {":now_s": now_ms // 1_000, ":now_ms": now_ms, ":in_progress": "INPROGRESS"}
        try:
            self._items.dynamodb.put(self._items.table, item, condition=_FREE, names=_STATUS, values=values)
        except ConditionFailed as failed:
            there = failed.item or {}
            if there.get("holder") == self._holder:
                return  # it was written, and the answer was lost
            if (found := self._read(there) if there else None) is None:
                raise IdempotencyItemAlreadyExistsError from None  # Powertools looks again
            self._validate_payload(data_payload=data_record, stored_data_record=found)
            raise IdempotencyItemAlreadyExistsError(old_data_record=found) from None

    def _update_record(self, data_record: DataRecord) -> None:
        """Raises ``TakenOver``, ``Erased``: then what was put into the bucket is gone again."""
        sets = "#status = :status, expiration = :expiration, #data = :data, #validation = :validation"
        try:
            self._items.dynamodb.update(
                self._items.table,
                {"id": data_record.idempotency_key},
                f"SET {sets} REMOVE in_progress_expiration",
                condition="holder = :holder",
                names={**_STATUS, "#data": "data", "#validation": "validation"},
                values={
                    ":status": data_record.status,
                    ":expiration": data_record.expiry_timestamp,
                    ":data": data_record.response_data,
                    ":validation": data_record.payload_hash,
                    ":holder": self._holder,
                },
            )
        except ConditionFailed as failed:
            with suppress(StoreUnavailable):  # the bucket's own lifetime ends it
                drop(data_record.response_data, data_record.idempotency_key, self._items.bodies)
            raise (TakenOver if failed.item else Erased) from None

    def _delete_record(self, data_record: DataRecord) -> None:
        key, values = {"id": data_record.idempotency_key}, {":holder": self._holder}
        with suppress(ConditionFailed):  # another run has it now
            self._items.dynamodb.delete(self._items.table, key, condition="holder = :holder", values=values)

    def _read(self, item: dict[str, Any]) -> DataRecord | None:
        self._seen = item
        try:
            stored = _Stored.model_validate(item, strict=True)
        except ValidationError:
            self.discard_seen()
            return None
        return DataRecord(
            idempotency_key=stored.id,
            status=stored.status,
            expiry_timestamp=stored.expiration,
            in_progress_expiry_timestamp=stored.in_progress_expiration,
            response_data=stored.data,
            payload_hash=stored.validation,
        )


class Form(BaseIdempotencySerializer):
    """Answers to what Powertools keeps, and back; so that a bucket that fails is a save that failed."""

    def __init__(self, records: Records, items: Items, ticket_id: str) -> None:
        self._records, self._items, self._ticket_id = records, items, ticket_id

    def to_dict(self, data: Answer) -> dict[str, Any]:
        return packed(data, self._ticket_id, self._items.bodies)

    def from_dict(self, data: dict[str, Any]) -> Answer:
        """Raises what makes Powertools try again, the record it has read being of no use."""
        try:
            return unpacked(data, self._ticket_id, self._items.bodies)
        except Damaged:
            self._records.discard_seen()
            raise IdempotencyInconsistentStateError from None
