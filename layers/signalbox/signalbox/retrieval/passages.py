"""What every collection promises of a passage: an id that can be cited, a title and a text of bounded length."""

import re
import unicodedata

from signalbox.contracts.passages import Passage

MOST_ID_CHARACTERS = 80
MOST_TITLE_CHARACTERS = 200

_UNCITABLE = re.compile(r"[^A-Za-z0-9._-]+")
_SURROGATES = re.compile("[\ud800-\udfff]")


def passage(name: str, title: str, text: str, most_characters: int) -> Passage:
    """``name`` is citable already; title and text are cut to their length, and hold what UTF-8 can say."""
    kept = cut(" ".join(sayable(title).split()), MOST_TITLE_CHARACTERS)
    return Passage(id=name[:MOST_ID_CHARACTERS], title=kept, text=cut(sayable(text), most_characters))


def cut(text: str, most_characters: int) -> str:
    """``text`` up to the last whole word, where one ends in the second half of what may stay."""
    if len(text) <= most_characters:
        return text
    head = text[: most_characters + 1]
    ends = max(head.rfind(space) for space in " \n\t")
    return head[: ends if ends > most_characters // 2 else most_characters].rstrip()


def sayable(text: str) -> str:
    """Half of a surrogate pair cannot be encoded; it becomes the replacement character."""
    return _SURROGATES.sub("\ufffd", text)


def citable(text: str) -> str:
    """``text`` as an id or a part of one: letters, digits, dot, dash, underscore. Empty when nothing of it fits."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return _UNCITABLE.sub("-", plain).strip("-._")
