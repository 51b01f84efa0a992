"""What DynamoDB says no with: its error codes, and what each of them is to whoever asked.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Programming.Errors.html
"""

from collections.abc import Mapping, Sequence
from typing import Any

from signalbox.transport.attributes import from_wire
from signalbox.transport.exchange import Answer
from signalbox.transport.json_call import error_code

_IN_PROGRESS = "TransactionInProgressException"  # the same one: its answer was lost, and it is still at it
_PASSING = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "ThrottlingException",
    "Throttling",
    "InternalServerError",
    _IN_PROGRESS,
    "TransactionConflictException",  # a single write met a transaction on its item
    "ReplicatedWriteConflictException",
}
_PASSING_STATUSES = (429, 500, 502, 503, 504)
# Why a transaction was cancelled, where that passes.
_CONFLICT = "TransactionConflict"
_PASSING_REASONS = {_CONFLICT, "ThrottlingError", "ProvisionedThroughputExceeded"}


class StoreUnavailable(Exception):
    """DynamoDB could not be asked, or did not do it. The message has its code and never what was sent."""


class ConditionFailed(Exception):
    """A conditional write was refused. ``item`` is what was there instead, None for nothing."""

    def __init__(self, item: dict[str, Any] | None) -> None:
        super().__init__("the condition does not hold")
        self.item = item


class TransactionRefused(Exception):
    """No write of the transaction was made. ``items`` has, for each write whose condition failed, its index and
    what was there instead."""

    def __init__(self, items: Mapping[int, dict[str, Any] | None]) -> None:
        super().__init__("a condition of the transaction does not hold")
        self.items = items


class Passing(Exception):
    """The same call may be answered when it is made again. The message is as that of ``StoreUnavailable``."""


class StillAtIt(Passing):
    """An earlier attempt of the same transaction has not ended yet."""


class Conflicted(Exception):
    """Nothing was written: another transaction was at one of the items."""


def refusal(operation: str, answer: Answer, told: Mapping[str, Any]) -> Exception:
    """What to raise for an answer that is no success."""
    code = error_code(answer)
    if code == "ConditionalCheckFailedException":
        return ConditionFailed(read(told.get("Item")))
    if code == "TransactionCanceledException":
        return _cancelled(operation, told.get("CancellationReasons") or [])
    kind: type[Exception] = StoreUnavailable
    if code in _PASSING or answer.status in _PASSING_STATUSES:
        kind = StillAtIt if code == _IN_PROGRESS else Passing
    return kind(f"{operation} failed: {code}")


def _cancelled(operation: str, reasons: Sequence[Mapping[str, Any]]) -> Exception:
    """There is one reason for each write, in their order; ``None`` is that of a write that could have been made."""
    failed = {
        index: read(reason.get("Item"))
        for index, reason in enumerate(reasons)
        if reason.get("Code") == "ConditionalCheckFailed"
    }
    if failed:
        return TransactionRefused(failed)
    codes = {str(reason.get("Code")) for reason in reasons} - {"None"}
    kind: type[Exception] = StoreUnavailable
    if codes == {_CONFLICT}:
        kind = Conflicted
    elif codes and codes <= _PASSING_REASONS:
        kind = Passing
    return kind(f"{operation} failed: {', '.join(sorted(codes)) or 'cancelled'}")


def read(item: Any) -> dict[str, Any] | None:
    """None for none."""
    try:
        return from_wire(item) if item else None
    except (ValueError, AttributeError):
        raise StoreUnavailable("an item is not as it was written") from None


def read_all(items: Any) -> list[dict[str, Any]]:
    return [found for item in items or () if (found := read(item))]
