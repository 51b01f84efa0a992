"""Conversations for the tagger's tests: plain ones, and any that a caller could send."""

from collections.abc import Sequence

from hypothesis import strategies as st

from signalbox.tagger.excerpt import EARLIER_HEAD, EARLIER_TAIL, HEAD, TAIL, Turn

# All of Unicode, lone surrogates and NULs among it; and what words, signs and spaces are made of, densely.
DENSE = "aBz09 .!$%?`{\n\t\x00\x1f \x7f\x85éÉß料\U0001f600\ud800\udfff"
SHORT = st.text(st.characters(), max_size=60) | st.text(DENSE, max_size=120)
# As long as may be, and a little shorter or longer.
LONG = st.builds(
    lambda unit, length, end: (unit * length)[: max(0, length - len(end))] + end,
    st.text(DENSE, min_size=1, max_size=6),
    st.sampled_from([at + by for at in (HEAD + TAIL, EARLIER_HEAD + EARLIER_TAIL) for by in (-1, 0, 1, 2, 900)]),
    st.text(st.characters(), max_size=8),
)
TEXTS = SHORT | LONG
CONVERSATIONS = st.lists(st.builds(Turn, st.booleans(), TEXTS), max_size=7)


def user(text: str) -> Turn:
    return Turn(True, text)


def agent(text: str) -> Turn:
    return Turn(False, text)


def said(*texts: str) -> Sequence[Turn]:
    """The user first, then in turn; the last one is the user's if the number is odd."""
    return [Turn(at % 2 == 0, text) for at, text in enumerate(texts)]


# Nothing, halves of characters, ends of words, all that fits and far more than that.
HOSTILE = [
    "",
    "\x00",
    "\ud800",
    "a\udfff1\ud800B",
    "\n" * (HEAD + TAIL),
    "\U0001f600" * 5_000,
    "!" * 5_000,
    "a " * 3_000,
    "a!" * 3_000,
    "x" * 1_000_000,
    "7" * 10_000,
    "%" * 2_000,
    "\u202e\u0301\ufeff" * 700,
]
