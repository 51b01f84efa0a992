"""How a model is told to cite. Pure."""

from signalbox.integrity.demands import Demands

# In UTF-8 bytes.
INSTRUCTIONS_BYTES = 600


def citation_instructions(demands: Demands) -> str:
    """Empty where there is nothing to cite. ``INSTRUCTIONS_BYTES`` at most."""
    if not demands.grounded:
        return ""
    if not demands.documents:
        return "No document was found for this question. Cite none, and say so where the answer would rest on one."
    least = f"Cite at least {_documents(demands.citations)}. " if demands.citations else ""
    return (
        "Rest the answer on the documents given above. Behind every statement taken from one, cite it by its id in "
        f"square brackets, as [doc:ID] with the id in the place of ID, also inside the strings of JSON. {least}"
        "Cite no other documents, and none that the statement does not rest on."
    )


def _documents(count: int) -> str:
    return "one document" if count == 1 else f"{count} different documents"
