"""The shipped example collection, and small ones."""

from functools import cache
from pathlib import Path

from signalbox.contracts.passages import Passage
from signalbox.policy.resolved import Collection
from workbench.passages.build import write
from workbench.passages.documents import read_documents
from workbench.paths import ROOT

BILLING = ROOT / "collections" / "billing-policy"
PASSAGES = (
    Passage(id="refunds.cards", title="Refunds > Cards", text="Money is back on the card after 5 to 10 days."),
    Passage(id="refunds.cash", title="Refunds > Cash", text="Money is never paid back in cash."),
    Passage(id="fees", title="Late fees", text="5 euros with the reminder on day 10."),
)


def collection(name: str = "billing", passages: int = 4, most_characters: int = 1200) -> Collection:
    return Collection(name, "sqlite", passages, most_characters)


def knowledge_base(name: str = "bases", passages: int = 4, most_characters: int = 1200) -> Collection:
    return Collection(name, "bedrock", passages, most_characters, "ABCDE12345")


@cache
def billing() -> tuple[Passage, ...]:
    return read_documents(BILLING)


def built(file: Path, passages: tuple[Passage, ...] = PASSAGES) -> Path:
    write(passages, file)
    return file
