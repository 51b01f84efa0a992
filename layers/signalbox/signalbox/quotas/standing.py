"""Where a limit stands."""

from dataclasses import dataclass

from signalbox.contracts.quotas import Hold


@dataclass(frozen=True)
class Standing:
    """``committed``: spent and reserved together, ``hold`` included once it was taken."""

    hold: Hold
    committed: int


class QuotaExceeded(Exception):
    """A limit has no room for what a request would hold; nothing was held. ``standings`` are those without room."""

    def __init__(self, standings: tuple[Standing, ...]) -> None:
        super().__init__("; ".join(one.hold.label for one in standings))
        self.standings = standings
