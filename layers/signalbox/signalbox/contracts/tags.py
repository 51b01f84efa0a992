"""What the tagger makes of a request. Every number is a calibrated probability unless it says otherwise."""

from typing import Literal, get_args

from pydantic import Field

from signalbox.contracts.model import Contract
from signalbox.contracts.requests import Workload

# What a request can be about; workbench/training/taxonomy.yaml says what is taken together under each.
Intent = Literal[
    "billing_dispute",
    "refund",
    "fees_and_rates",
    "payment_problem",
    "bills_and_payments",
    "transfers",
    "top_ups",
    "cash",
    "balance_and_transactions",
    "currency_exchange",
    "invoices",
    "taxes",
    "card_orders",
    "card_use",
    "card_lost_or_fraud",
    "credit",
    "rewards",
    "account_access",
    "account_details",
    "account_opening",
    "account_closing",
    "identity_verification",
    "source_of_funds",
    "regulatory",
    "privacy",
    "legal",
    "safety",
    "financial_advice",
    "orders",
    "order_changes",
    "order_status",
    "delivery",
    "subscriptions",
    "product_information",
    "technical_problem",
    "insurance",
    "human_agent",
    "complaint",
    "feedback",
    "food_orders",
    "flights",
    "travel",
    "payroll_and_leave",
    "greeting",
    "closing",
    "confirmation",
    "rejection",
    "details",
    "about_assistant",
    "assistant_settings",
    "calendar_and_lists",
    "devices_and_media",
    "facts_and_tools",
    "pastime",
    "driving",
    "food_and_restaurants",
    "other",
]
INTENTS: tuple[Intent, ...] = get_args(Intent)

Probability = Field(ge=0, le=1)


class Tags(Contract):
    """Of the latest user message, read in its conversation."""

    p_fast: float = Probability  # that a fast-class model answers as well as a strong one
    p_trivial: float = Probability  # that one look suffices
    p_extended: float = Probability  # that it takes many steps or much text; what is neither is bounded
    intent: Intent  # the most probable one
    intent_confidence: float = Probability
    billing_dispute: float = Probability  # money taken or not given back is contested
    compliance: float = Probability  # regulation, KYC, law, privacy or somebody's safety hangs on the answer
    workload: Workload  # the most probable one
    workload_confidence: float = Probability
