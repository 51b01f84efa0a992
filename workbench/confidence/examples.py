"""An operator's own evidence with known outcomes, one JSON object a line."""

from pathlib import Path

from pydantic import ValidationError

from signalbox.contracts.evidence import Evidence
from signalbox.contracts.ledger import Entry
from signalbox.contracts.model import Contract
from workbench.problem import Problem


class Example(Contract):
    """``good``: the verifier confirmed the reply; false when it corrected or replaced it."""

    evidence: Evidence
    good: bool


# What a stronger model's word on a fast reply says of it; other ends say nothing, or were chosen by other things.
_TELLING = {"confirmed": True, "corrected": False, "replaced": False}


def example_of(entry: Entry) -> Example | None:
    """What a plan's record teaches; None where nobody looked at the fast reply."""
    good = _TELLING.get(entry.resolution or "")
    judged = next((one for one in entry.steps if one.evidence is not None), None)
    return Example(evidence=judged.evidence, good=good) if judged and judged.evidence and good is not None else None


def read_examples(file: Path) -> list[Example]:
    """Empty lines are skipped. Raises ``Problem`` with the number of the line that is no example."""
    try:
        lines = file.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"cannot read {file}: {type(error).__name__}.") from error
    examples = [_example(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not examples:
        raise Problem(f"{file} holds no evidence.")
    return examples


def _example(file: Path, number: int, line: str) -> Example:
    try:
        return Example.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        raise Problem(f"{file}, line {number}: {where}: {first['msg']}.") from None
