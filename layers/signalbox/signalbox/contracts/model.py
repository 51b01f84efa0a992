"""The one base that every contract shares."""

from pydantic import BaseModel, ConfigDict


class Contract(BaseModel):
    """An immutable value; a field nobody declared is an error, never ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")
