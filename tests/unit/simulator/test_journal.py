"""What the simulator writes down."""

from workbench.simulator.journal import Entry, Journal, now


def entry(at: str) -> Entry:
    return Entry(at, "POST", "/v1/messages", "anthropic")


def test_a_call_that_came_before_a_fresh_start_is_not_of_the_new_journal() -> None:
    """GIVEN a slow call in flight WHEN the journal is started afresh THEN its end is not written down."""
    journal, slow = Journal(), entry("2026-11-21T12:00:00.000+00:00")
    journal.add(entry(now()))
    journal.clear()
    journal.add(slow)
    later = entry(now())
    journal.add(later)
    assert [one["at"] for one in journal.listed()] == [later.at]
