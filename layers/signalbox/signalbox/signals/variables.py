"""The names, types and words that matchers see. Declared once, here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args

from signalbox.contracts.requests import Mode, Priority, Workload
from signalbox.contracts.signals import Complexity, Signals
from signalbox.contracts.tags import INTENTS, Tags

VariableType = Literal["int", "double", "bool", "string"]

# What is known before any rule has run: complexity rules see these.
BASE_VARIABLES: Mapping[str, VariableType] = MappingProxyType(
    {
        "path": "string",
        "mode": "string",
        "tier": "string",
        "lane": "string",  # empty: the caller named none
        "workload": "string",
        "convo_length": "int",
        "token_count": "int",
        "tail_newline": "bool",
        "entropy": "double",
        "distinct_entities": "int",
        "has_code": "bool",
        "has_tools": "bool",
        "needs_compliance_check": "bool",
        "priority": "string",
        "escalation": "bool",
        "max_output_tokens": "int",  # 0: the caller named none
        "deadline_ms": "int",  # 0: the caller named none
        "hour": "int",
        "p_fast": "double",
        "p_trivial": "double",
        "p_extended": "double",
        "intent": "string",
        "intent_confidence": "double",
        "billing_dispute": "double",
        "compliance": "double",
    }
)

# Those of the tagger: a policy that reads one has every request tagged, and one that reads none has none.
TAG_VARIABLES = frozenset(Tags.model_fields) & BASE_VARIABLES.keys() - {"workload"}

# Confidence rules see what complexity came to as well; routes see everything.
CONFIDENCE_VARIABLES: Mapping[str, VariableType] = MappingProxyType({**BASE_VARIABLES, "complexity": "string"})
VARIABLES: Mapping[str, VariableType] = MappingProxyType({**CONFIDENCE_VARIABLES, "confidence": "double"})

# Variables that hold one of a closed set of words, and the words.
ENUMS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "mode": get_args(Mode),
        "workload": get_args(Workload),
        "priority": get_args(Priority),
        "complexity": get_args(Complexity),
        "intent": INTENTS,
    }
)

# Words that matchers spell without quotes. Intents are many, and one is called as a variable is.
BARE_WORDS = frozenset(word for name, words in ENUMS.items() if name != "intent" for word in words)
# Decimals that lie within 0 and 1.
PROBABILITIES = frozenset({"confidence", *(name for name in TAG_VARIABLES if name != "intent")})


def variables(signals: Signals) -> dict[str, object]:
    """The signals under the names of ``VARIABLES``, each of its declared type."""
    return matcher_values({name: getattr(signals, name) for name in Signals.model_fields})


def matcher_values(facts: Mapping[str, Any]) -> dict[str, object]:
    """Fields of ``Signals``, all or those known so far, under the names that matchers use."""
    values = {name: value for name, value in facts.items() if name not in ("tokens", "tags")}
    tags = facts.get("tags")
    return values | {
        **({name: getattr(tags, name) for name in TAG_VARIABLES} if tags else {}),
        "token_count": facts["tokens"].value,
        "max_output_tokens": facts["max_output_tokens"] or 0,
        "deadline_ms": facts["deadline_ms"] or 0,
    }
