"""A small valid policy, and ways to change it."""

import re
from datetime import date
from typing import Any

from signalbox.policy.lint import check
from signalbox.policy.problems import Problem

TODAY = date(2026, 11, 21)

SMALL = """\
profiles:
  plain: {system_prompt: "Be brief."}
roster:
  small: {provider: openai, model: small-1, window_tokens: 1000, output_cap_tokens: 100, profile: plain}
  large: {provider: gemini, model: large-1, window_tokens: 9000, output_cap_tokens: 100}
roles:
  fast: {pin: small, fallbacks: [large]}
  compliance: {pin: large, pinned: true}
routes:
  - {name: pinned, matcher: needs_compliance_check, target: compliance}
  - {name: short, path: /v1/chat, matcher: 'token_count < 512 && priority == normal', target: fast}
  - {name: rest, target: large}
"""


def with_routes(*routes: str) -> str:
    """``SMALL`` with other routes, the compliance pin first."""
    head = SMALL[: SMALL.index("  - {name: short")]
    return head + "".join(f"  - {route}\n" for route in routes)


def pointed_at(text: str, problem: Problem) -> str:
    """What the line holds from the problem's place on."""
    return text.splitlines()[problem.line - 1][problem.column - 1 :]


def problems(text: str, **options: Any) -> list[Problem]:
    fixed: dict[str, Any] = {"now": TODAY, "prices": lambda provider, model: True}
    return check(text, "policy.yaml", **(fixed | options))


def found(text: str, **options: Any) -> list[tuple[int, str, str, str]]:
    """Line, the word pointed at, severity and code of each problem."""
    return [
        (one.line, re.split(r"[],:} ]", pointed_at(text, one))[0], one.severity, one.code)
        for one in problems(text, **options)
    ]


def shape(**signals: Any) -> dict[str, Any]:
    """Values for every variable that matchers see."""
    fixed: dict[str, Any] = {
        "path": "/v1/infer",
        "mode": "live",
        "tier": "standard",
        "lane": "",
        "workload": "chat",
        "convo_length": 1,
        "token_count": 40,
        "tail_newline": False,
        "entropy": 4.0,
        "distinct_entities": 0,
        "has_code": False,
        "has_tools": False,
        "needs_compliance_check": False,
        "priority": "normal",
        "escalation": False,
        "max_output_tokens": 0,
        "deadline_ms": 0,
        "hour": 12,
        "p_fast": 0.7,
        "p_trivial": 0.2,
        "p_extended": 0.1,
        "intent": "other",
        "intent_confidence": 0.5,
        "billing_dispute": 0.0,
        "compliance": 0.0,
        "complexity": "bounded",
        "confidence": 0.9,
    }
    return fixed | signals
