"""What concerns all items of a conversation at once: a longer stay, or their end."""

from collections.abc import Callable, Iterable

from signalbox.conversations.bodies import Bodies
from signalbox.conversations.partition import Guard, Partition, prefix_hash_of
from signalbox.transport.dynamodb import ConditionFailed, StoreUnavailable, TransactionRefused

_ERASED = "attribute_exists(erased)"


def renewed(part: Partition, guard: Guard, bodies: Bodies, until_s: int) -> bool:
    """Whether the turns of every branch, with their bodies, now stay until ``until_s`` (Unix).

    Bodies are written anew, since the bucket counts from when an object was written.
    """
    try:
        turns = [item for item in part.listed() if not item["item"].startswith("link#")]
        for item in turns:
            key = part.body_key(prefix_hash_of(item))
            if item.get("in_bucket") and (body := bodies.get(key)):
                bodies.put(key, body)
        part.write([part.renewed(item, until_s) for item in turns], guard)
    except (StoreUnavailable, TransactionRefused):
        return False
    return True


def erase_all(part: Partition, life: str, bodies: Bodies, forget: Callable[[Iterable[str]], None]) -> None:
    """Marks the head first, so that nothing is added any more, and deletes it last, so that this can be repeated.

    Raises ``StoreUnavailable``. Where another one has erased it meanwhile, there is nothing to do.
    """
    guard = Guard(life, _ERASED)
    try:
        part.change_head("life = :life", {":life": life}, {"erased": True}, ("claimed_by", "claimed_until_ms"))
        listed = part.listed()
        for item in listed:
            if item["item"].startswith("body#"):
                bodies.delete(part.body_key(prefix_hash_of(item)))
        if links := [item["item"].removeprefix("link#") for item in listed if item["item"].startswith("link#")]:
            forget(links)
        part.write([part.deleted(item) for item in listed], guard)
        part.delete_head(guard)
    except (ConditionFailed, TransactionRefused):
        return
