"""Powertools' idempotency records over our own DynamoDB client; its own layer would bring boto3's.

The item is Powertools' (id, status, expiration, in_progress_expiration, data, validation), and one more
attribute: ``holder``, the run that works under the record. By it a run knows its own record again when the answer
to its first write was lost, and nobody ends a record that another one has taken over since.
"""

import datetime
from typing import Any

from aws_lambda_powertools.utilities.idempotency.exceptions import (
    IdempotencyItemAlreadyExistsError,
    IdempotencyItemNotFoundError,
)
from aws_lambda_powertools.utilities.idempotency.persistence.base import BasePersistenceLayer
from aws_lambda_powertools.utilities.idempotency.persistence.datarecord import DataRecord

from signalbox.transport.dynamodb import ConditionFailed, DynamoDB

_FREE = (
    "attribute_not_exists(id) OR expiration < :now_s"
    " OR (#status = :in_progress AND attribute_exists(in_progress_expiration) AND in_progress_expiration < :now_ms)"
)
_STATUS = {"#status": "status"}


class TakenOver(Exception):
    """The lease ended before the work did, and another run has the record now."""


class Records(BasePersistenceLayer):
    """The record of one run, which ``holder`` names."""

    def __init__(self, dynamodb: DynamoDB, table: str, holder: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._dynamodb, self._table, self._holder = dynamodb, table, holder

    def _get_record(self, idempotency_key: str) -> DataRecord:
        item = self._dynamodb.get(self._table, {"id": idempotency_key})
        if item is None:
            raise IdempotencyItemNotFoundError
        return _record(item)

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
            self._dynamodb.put(self._table, item, condition=_FREE, names=_STATUS, values=values)
        except ConditionFailed as failed:
            there = failed.item or {}
            if there.get("holder") == self._holder:
                return  # it was written, and the answer was lost
            if not there:
                raise IdempotencyItemAlreadyExistsError from None
            found = _record(there)
            self._validate_payload(data_payload=data_record, stored_data_record=found)
            raise IdempotencyItemAlreadyExistsError(old_data_record=found) from None

    def _update_record(self, data_record: DataRecord) -> None:
        sets = "#status = :status, expiration = :expiration, #data = :data, #validation = :validation"
        try:
            self._dynamodb.update(
                self._table,
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
        except ConditionFailed:
            raise TakenOver from None

    def _delete_record(self, data_record: DataRecord) -> None:
        key, values = {"id": data_record.idempotency_key}, {":holder": self._holder}
        try:
            self._dynamodb.delete(self._table, key, condition="holder = :holder", values=values)
        except ConditionFailed:
            return  # another run has it now


def _record(item: dict[str, Any]) -> DataRecord:
    return DataRecord(
        idempotency_key=item["id"],
        status=item["status"],
        expiry_timestamp=item["expiration"],
        in_progress_expiry_timestamp=item.get("in_progress_expiration"),
        response_data=item.get("data") or "",
        payload_hash=item.get("validation") or "",
    )
