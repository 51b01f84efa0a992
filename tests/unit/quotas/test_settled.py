"""What each hold becomes once its request has ended."""

import pytest

from signalbox.contracts.adapters import FailureName, Usage
from signalbox.contracts.ledger import AttemptFacts
from signalbox.quotas.settled import booked_microusd, settled, worst
from tests.unit.quotas.samples import entry, hold

ALL = (
    hold("global"),
    hold("model#small"),
    hold("model#large"),
    hold(measure="tokens"),
    hold("model#small", "tokens"),
    hold(measure="requests", amount=1),
    hold(measure="in_flight", amount=1),
)
REPLY = AttemptFacts(model="large", usage=Usage(input_tokens=8, output_tokens=4), cost_microusd=33)


@pytest.mark.row("E2")
def test_money_and_tokens_become_what_was_billed_a_models_own_only_its_own() -> None:
    ended = entry(*ALL, attempts=(AttemptFacts(model="small", failure="RateLimited"), REPLY))
    assert settled(ended) == (33, 0, 33, 12, 0, 1, 0)
    assert booked_microusd(ended) == 33


@pytest.mark.row("E2")
@pytest.mark.parametrize("failure", ["DeadlineExceeded", "MalformedReply"])
def test_what_may_have_been_billed_untold_is_booked_at_the_worst(failure: FailureName) -> None:
    ended = entry(*ALL, attempts=(AttemptFacts(model="small", failure=failure), REPLY))
    assert settled(ended) == (63, 30, 33, 72, 60, 1, 0)
    assert booked_microusd(ended) == 63


@pytest.mark.parametrize("failure", ["DeadlineExceeded", "MalformedReply"])
def test_what_was_told_goes_before_the_worst(failure: FailureName) -> None:
    told = AttemptFacts(model="small", failure=failure, usage=Usage(input_tokens=5, output_tokens=1), cost_microusd=6)
    assert settled(entry(*ALL, attempts=(told,))) == (6, 6, 0, 6, 6, 1, 0)


@pytest.mark.parametrize(
    "failure", ["ContextOverflow", "RateLimited", "ProviderUnavailable", "InvalidRequest", "AuthenticationFailed"]
)
def test_other_failures_cost_nothing(failure: FailureName) -> None:
    assert settled(entry(*ALL, attempts=(AttemptFacts(model="small", failure=failure),))) == (0, 0, 0, 0, 0, 1, 0)


def test_no_attempt_costs_nothing_and_the_request_still_counts() -> None:
    assert settled(entry(*ALL)) == (0, 0, 0, 0, 0, 1, 0)


@pytest.mark.row("E2")
def test_a_reply_found_again_was_booked_by_the_request_that_died() -> None:
    ended = entry(*ALL, attempts=(REPLY.model_copy(update={"recovered": True}),))
    assert booked_microusd(ended) == 0


def test_the_worst_of_a_place_in_flight_is_nothing() -> None:
    assert [worst(one) for one in ALL] == [100, 100, 100, 100, 100, 1, 0]
