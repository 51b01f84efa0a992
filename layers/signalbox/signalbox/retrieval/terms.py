"""What somebody said, as a query of SQLite's FTS5 that is never a syntax error and has no operators.

Each word stands in quotes, which makes it a string whatever it spells (``NEAR``, ``*``, ``title:``); any of them may
match. Source: https://sqlite.org/fts5.html#full_text_query_syntax
"""

import re
import unicodedata

from signalbox.retrieval.ends import both_ends

# A question is shorter; of a pasted log more would only cost time.
MOST_CHARACTERS = 4_000
MOST_TERMS = 64

# What FTS5's unicode61 takes for parts of words, or nearly: an underscore is none there.
_WORD = re.compile(r"[^\W_]+")
# Rare in documents that state rules, so ranking would take them for telling. Other languages' are rare here anyway.
_STOP_WORDS = """
    a about after again all also am an and any are as at be because been before being but by can could did do does
    doing don done else ever for from get give gives got had has have having he hello help her here hi him his how i
    if in into is isn it its just know let like ll long many may me might mine more most much must my need no not
    now of off ok on one only or other our out over own please re s said say says shall she should so some still
    such t tell than thank thanks that the their them then there these they this those to too up us ve very want
    wants was way we were what when where which while who whom whose why will with would yes you your yours
"""
_UNTELLING = frozenset(_STOP_WORDS.split())


def fts_query(text: str) -> str:
    """Empty when no word of ``text`` says what it is about."""
    # Composed, as a mark that stands alone would end a word.
    shown = unicodedata.normalize("NFC", both_ends(text, MOST_CHARACTERS)).lower()
    terms = list(dict.fromkeys(word for word in _WORD.findall(shown) if word not in _UNTELLING))
    if len(terms) > MOST_TERMS:
        half = MOST_TERMS // 2
        terms = terms[:half] + terms[-half:]
    return " OR ".join(f'"{term}"' for term in terms)
