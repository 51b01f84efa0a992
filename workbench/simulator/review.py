"""What a stronger model makes of drafts: the verifier's verdict, the chooser's pick."""

import json
import re
from typing import Any

from workbench.simulator.exchange import SimRequest
from workbench.simulator.moods import Mood
from workbench.simulator.parts import Part, drafts
from workbench.simulator.schema import PROSE_KEYS

_MARK = re.compile(r"\[simulated[^\]]*\] ")


def reviewed(request: SimRequest, part: Part, model_id: str, own: str, mood: Mood | None) -> dict[str, Any]:
    """The object asked for. ``own`` is the reply that the model would give to the conversation itself."""
    found = drafts(request)
    if part == "verify":
        draft = found[0] if found else own
        if mood == "disagree":
            return {"verdict": "replace", "answer": _replaced(draft, own, model_id)}
        if mood == "correct":
            return {"verdict": "correct", "answer": _amended(draft, f"[simulated {model_id}] Corrected: ")}
        return {"verdict": "confirm", "answer": None}
    if mood == "correct":
        merged = found[0] if found else own
        return {"pick": 0, "answer": _amended(merged, f"[simulated {model_id}] Merged: ")}
    return {"pick": max(1, len(found)) if mood == "disagree" else 1, "answer": None}


def _replaced(draft: str, own: str, model_id: str) -> str:
    """A text of its own; where the draft is JSON its form is kept, since nothing else tells what was asked for."""
    return own if _object(draft) is None else _amended(draft, f"[simulated {model_id}] Replaced: ")


def _amended(draft: str, mark: str) -> str:
    value = _object(draft)
    if value is None:
        return mark + _MARK.sub("", draft, count=1)
    _mark_text(value, mark)
    return json.dumps(value, ensure_ascii=False)


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _mark_text(value: dict[str, Any], mark: str) -> bool:
    """Puts ``mark`` before the first text of which one may think that any text will do."""
    for key, part in value.items():
        if isinstance(part, str) and (PROSE_KEYS.search(key) or part.startswith("simulated ")):
            value[key] = mark + _MARK.sub("", part, count=1)
            return True
        if isinstance(part, dict) and _mark_text(part, mark):
            return True
    return False
