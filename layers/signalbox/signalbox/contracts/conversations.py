"""What is known of a conversation without reading its turns."""

from typing import Literal

from pydantic import Field

from signalbox.contracts.model import Contract

# auto: whole when the messages begin as the stored conversation does, else new turns.
History = Literal["auto", "new", "whole"]


class Spoken(Contract):
    """The beginning and the end of an earlier turn: what the tagger reads of it."""

    user: bool
    text: str


class Snapshot(Contract):
    """A conversation up to and including a request's new turns, by its figures; with it nothing is counted again.

    ``tokens`` are o200k_base, exact, of the texts of all ``messages``.
    """

    messages: int = Field(ge=0)
    convo_length: int = Field(ge=0)  # user and assistant messages
    tokens: int = Field(ge=0)
