"""Texts of any length to time the tagger on: what people write, and what they write to make it slow."""

import random
import string
from collections.abc import Callable

from signalbox.tagger.excerpt import Turn
from workbench.bench.decision import PROSE

# Characters a token takes in English prose, about; 2,000 tokens are 9,000 of them.
CHARACTERS_PER_TOKEN = 4.5
# Of a kind that is drawn at random so many texts, taken in turn: no cache learns one by heart.
VARIANTS = 8

_CODE = '''def settle(orders, limit=100):
    """Adds up what is owed."""
    total = 0
    for order in orders:
        if order["state"] != "paid" and order["amount"] > 0:
            total += order["amount"] * (1 + order.get("rate", 0.19))
    return {"total": round(total, 2), "over": total > limit}

'''
_VOCABULARY = [word for word in PROSE.split() if word]
_LETTERS = string.ascii_lowercase

Make = Callable[[int, random.Random], str]


def kinds() -> dict[str, Make]:
    """By name: a text of exactly so many characters."""
    return {
        "prose": prose,
        "code": lambda length, _: repeated(_CODE, length),
        "unknown words": _unknown_words,
        "one letter": lambda length, _: "a" * length,
        "one word": lambda length, chance: "".join(chance.choices(_LETTERS, k=length)),
        "letter, space": lambda length, chance: repeated(" ".join(chance.sample(_LETTERS, 26)) + " ", length),
        "digits": lambda length, chance: "".join(chance.choices(string.digits, k=length)),
        "punctuation": lambda length, chance: "".join(chance.choices(string.punctuation, k=length)),
        "spaces": lambda length, _: " " * length,
        "newlines": lambda length, _: "\n" * length,
        "emoji": lambda length, _: repeated("😀👩\u200d💻🇩🇪🔥", length),
        "Chinese": lambda length, chance: "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(length)),
        "nested JSON": lambda length, _: repeated('[{"a":', length),
        "lone surrogates": lambda length, _: "\ud800" * length,
        "NULs": lambda length, _: "\0" * length,
    }


def prose(length: int, chance: random.Random) -> str:
    """Words of customers, in sentences."""
    words: list[str] = []
    size = 0
    while size <= length:
        sentence = " ".join(chance.choices(_VOCABULARY, k=chance.randrange(6, 18))).capitalize() + ". "
        words.append(sentence)
        size += len(sentence)
    return "".join(words)[:length]


def dialogue(turns: int, chance: random.Random) -> tuple[Turn, ...]:
    """So many turns of about 40 words, a user's last."""
    return tuple(Turn((turns - at) % 2 == 1, prose(chance.randrange(100, 300), chance)) for at in range(turns))


def repeated(pattern: str, length: int) -> str:
    return (pattern * (length // len(pattern) + 1))[:length]


def _unknown_words(length: int, chance: random.Random) -> str:
    """Words that nobody has in a vocabulary, so that each is taken apart."""
    letters = chance.choices(_LETTERS, k=length)
    at = chance.randrange(3, 9)
    while at < length:
        letters[at] = " "
        at += chance.randrange(4, 10)
    return "".join(letters)
