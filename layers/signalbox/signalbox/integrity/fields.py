"""What in a value breaks a schema, field by field, in work that is counted. Pure.

Schemas can be written that take time exponential in their length; every schema applied to a value and every piece of
one compared is a step out of a fixed number.
"""

from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from signalbox.integrity.keywords import Break, Path, checks_of, expected_types, is_of
from signalbox.integrity.schema import Prepared, Schema, Unusable

MOST_STEPS = 1_000_000  # about 2 s
_MOST_DEPTH = 150  # schemas applied inside one another; Python's own limit is not far above
_MATCHING_STEP = 40  # characters times a pattern's weight


def breaks(prepared: Prepared, value: Any, steps: int = MOST_STEPS) -> Iterator[Break]:
    """Every break of ``prepared`` in ``value``, in an order that hangs on nothing but the two.

    Raises Unusable where finding out takes more than ``steps``.
    """
    return _Walk(prepared, steps).breaks(prepared.root, value, ())


@dataclass
class _Walk:
    prepared: Prepared
    steps: int
    depth: int = 0
    listed: dict[int, frozenset[Hashable]] = field(default_factory=dict)  # of each enum, by its identity

    def spend(self, steps: int = 1) -> None:
        self.steps -= steps
        if self.steps < 0:
            raise Unusable("it takes too long to check by")

    def breaks(self, schema: Schema, value: Any, path: Path) -> Iterator[Break]:
        self.spend()
        if not isinstance(schema, Mapping):
            if not schema:
                yield Break(path, "absent", value)
            return
        if self.depth >= _MOST_DEPTH:
            raise Unusable("it goes too deep to check by")
        self.depth += 1
        try:
            yield from self._of(schema, value, path)
        finally:
            self.depth -= 1

    def _of(self, schema: Mapping[str, Any], value: Any, path: Path) -> Iterator[Break]:
        kinds = schema.get("type")
        if kinds is not None and not is_of(value, kinds):
            yield Break(path, expected_types(kinds), value)
            return  # whatever else it says is of another kind of value
        for keyword, check in checks_of(value).items():
            if keyword in schema:
                yield from check(self, schema, value, path)

    def holds(self, schema: Schema, value: Any) -> bool:
        return next(self.breaks(schema, value, ()), None) is None

    def matches(self, expression: str, text: str) -> bool:
        pattern = self.prepared.patterns.get(expression)
        if pattern is None:
            return True
        self.spend(1 + len(text) * pattern.weight // _MATCHING_STEP)
        return pattern.found_in(text)

    def key(self, value: Any) -> Hashable:
        """Equal for values that JSON Schema calls equal: 1 and 1.0 are, 1 and true are not."""
        self.spend()
        match value:
            case bool() | None:
                return value  # which no number is equal to, as those are pairs here
            case dict():
                return ("OBJECT", frozenset((name, self.key(one)) for name, one in value.items()))
            case list():
                return ("ARRAY", tuple(self.key(one) for one in value))
            case str():
                self.spend(len(value) // 1_000)
                return value
            case _:
                return (0, value)
