"""What a reply's own words give away: that it declines, and that it takes back what it says. English only.

Words are compared, not characters, so every list costs one plain search through the text: linear, whatever it holds.
"""

import re

# Words that a refusal is over by, or it is an answer that mentions one.
_OPENING_WORDS = 40
_WORD = re.compile(r"[\w']+")
_STRAIGHT = str.maketrans({"\u2019": "'", "\u2018": "'", "\u02bc": "'"})

REFUSALS = (
    "i can't help",
    "i cannot help",
    "i can't assist",
    "i cannot assist",
    "i can't provide",
    "i cannot provide",
    "i can't answer",
    "i cannot answer",
    "i can't do that",
    "i cannot do that",
    "i can't comply",
    "i cannot comply",
    "i'm unable to",
    "i am unable to",
    "i'm not able to",
    "i am not able to",
    "i won't be able to",
    "i'm sorry but i can't",
    "i'm sorry but i cannot",
    "i must decline",
    "i have to decline",
    "i don't have access to",
    "i do not have access to",
    "i don't have enough information",
    "i do not have enough information",
    "i don't know",
    "i do not know",
)
HEDGES = (
    "i think",
    "i believe",
    "i guess",
    "i assume",
    "i'm not sure",
    "i am not sure",
    "i'm not certain",
    "i am not certain",
    "not entirely sure",
    "not completely sure",
    "it's possible that",
    "it is possible that",
    "it seems",
    "it appears",
    "it might be",
    "it may be",
    "might be wrong",
    "may be wrong",
    "could be wrong",
    "may not be accurate",
    "might not be accurate",
    "if i recall",
    "if i remember",
    "as far as i know",
    "to the best of my knowledge",
    "hard to say",
    "please verify",
    "please double check",
    "presumably",
    "perhaps",
)


def declines(text: str) -> bool:
    """Whether ``text`` says nothing, or that it will not or cannot answer, in its first 40 words."""
    words = words_of(text)
    return not text.strip() or any(_spaced(phrase.split()) in _spaced(words[:_OPENING_WORDS]) for phrase in REFUSALS)


def count_hedges(text: str) -> int:
    """How many phrases of ``HEDGES`` it has, each as often as it stands there."""
    spaced = _spaced(words_of(text))
    return sum(spaced.count(_spaced(phrase.split())) for phrase in HEDGES)


def words_of(text: str) -> list[str]:
    """Its words and numbers in their order, without case and with straight apostrophes."""
    return _WORD.findall(text.translate(_STRAIGHT).casefold())


def _spaced(words: list[str]) -> str:
    """Two spaces between words, one around: phrases that follow one another share no character."""
    return f" {'  '.join(words)} "
