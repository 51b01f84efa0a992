"""The items that answers are kept in, without Powertools: what is there, and taking it away.

Every version of an item has a ``holder`` of its own: the run that works, or the renewal that wrote it. With its
``status`` that tells whether an item is still the one that was read.
"""

from dataclasses import dataclass
from typing import Any

from signalbox.conversations.bodies import Bodies
from signalbox.idempotency.kept import drop
from signalbox.transport.dynamodb import ConditionFailed, DynamoDB, Item

_VERSION = ("holder", "status")


@dataclass(frozen=True)
class Items:
    """Every method raises ``StoreUnavailable``."""

    dynamodb: DynamoDB
    table: str
    bodies: Bodies

    def get(self, ticket_id: str) -> dict[str, Any] | None:
        return self.dynamodb.get(self.table, {"id": ticket_id})

    def replace(self, ticket_id: str, values: Item) -> None:
        """Whatever is there by ``values``, its body included."""
        names = {f"#{name}": name for name in values}
        sets = ", ".join(f"#{name} = :{name}" for name in values)
        before = self.dynamodb.update(
            self.table,
            {"id": ticket_id},
            f"SET {sets} REMOVE in_progress_expiration",
            returned="ALL_OLD",
            names=names,
            values={f":{name}": value for name, value in values.items()},
        )
        if before.get("data") != values.get("data"):  # the same where it was made twice
            drop(before.get("data"), ticket_id, self.bodies)

    def discard(self, item: dict[str, Any]) -> bool:
        """Its body, then itself, so that a body never lies there unnamed; False when it is another by now."""
        drop(item.get("data"), item["id"], self.bodies)
        there = [name for name in _VERSION if name in item]
        condition = " AND ".join(
            f"#{name} = :{name}" if name in there else f"attribute_not_exists(#{name})" for name in _VERSION
        )
        try:
            self.dynamodb.delete(
                self.table,
                {"id": item["id"]},
                condition=f"attribute_not_exists(id) OR ({condition})",
                names={f"#{name}": name for name in _VERSION},
                values={f":{name}": item[name] for name in there},
            )
        except ConditionFailed:
            return False
        return True

    def forget(self, ticket_id: str) -> None:
        """Also what replaced it meanwhile."""
        while (item := self.get(ticket_id)) is not None and not self.discard(item):
            pass
