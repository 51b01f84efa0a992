"""``[doc:ID]`` in a reply: what it cites. Pure, and in time linear in the text.

Several in one bracket count as several: ``[doc:a, doc:b]``, ``[doc:a, b]``. Whatever stands in such a bracket is a
reference, well spelt or not: a reader takes it for one.
"""

import re

# Never goes back: a reference ends at the next bracket or line, and the next search begins there.
_BRACKET = re.compile(r"\[ *+doc:([^\[\]\n]*+)\]", re.IGNORECASE)
_PREFIX = re.compile(r"doc:", re.IGNORECASE)


def cited(text: str) -> tuple[str, ...]:
    """The ids that ``text`` refers to, each once, in order."""
    found: dict[str, None] = {}
    for bracket in _BRACKET.finditer(text):
        for reference in bracket[1].split(","):
            reference = reference.strip()
            if prefix := _PREFIX.match(reference):
                reference = reference[prefix.end() :].strip()
            found[reference] = None
    return tuple(found)
