"""What every ``Conversations`` must do: run against the one in memory and the one in DynamoDB."""

from dataclasses import dataclass, field

import pytest

from signalbox.contracts.errors import Conflict, NotFound
from signalbox.contracts.messages import Message
from signalbox.conversations.opened import Opened
from signalbox.execution.ports import Conversations
from signalbox.signals.tokens import message_tokens
from tests.builders import FakeClock, said

START_MS = 1_790_000_000_000
KEEP_S = 1_000


@dataclass
class Setting:
    """Conversations with what stands around them."""

    port: Conversations
    clock: FakeClock
    forgotten: list[str] = field(default_factory=list)

    def say(self, *messages: Message, caller: str = "alice", reply: str = "fine", by: str = "r1") -> Opened:
        """One request from its opening to its commit."""
        opened = self.read(*messages, caller=caller)
        self.port.claim(opened, by, self.clock.now_ms() + 30_000)
        self.port.commit(opened, by, said(reply, "assistant"))
        return opened

    def read(
        self, *messages: Message, caller: str = "alice", history: str = "auto", whole: bool = False, id_: str = "c1"
    ) -> Opened:
        return self.port.open(caller, id_, messages, history, whole=whole)  # type: ignore[arg-type]

    def texts(self, opened: Opened) -> list[str]:
        return [one.text for one in self.port.messages(opened)]


def added(opened: Opened) -> list[str]:
    return [turn.message.text for turn in opened.new]


class ConversationsContract:
    """A subclass gives the fixture ``at``."""

    def test_a_new_conversation_is_all_new(self, at: Setting) -> None:
        opened = at.read(said("be brief", "system"), said("hello"))
        assert (opened.version, opened.kept, added(opened)) == (0, 0, ["be brief", "hello"])
        assert (opened.snapshot.messages, opened.snapshot.convo_length) == (2, 1)
        assert opened.snapshot.tokens == sum(turn.tokens for turn in opened.new) > 0

    def test_new_turns_go_on_from_the_reply(self, at: Setting) -> None:
        at.say(said("one"), reply="two")
        opened = at.read(said("three"))
        assert (opened.version, opened.kept, added(opened)) == (1, 2, ["three"])
        assert at.texts(opened) == ["one", "two", "three"]
        words = [said("one"), said("two", "assistant"), said("three")]
        assert opened.snapshot.tokens == sum(map(message_tokens, words))
        assert opened.snapshot.convo_length == 3

    @pytest.mark.row("E6")
    def test_it_stays_bound_to_its_pin_until_it_is_gone(self, at: Setting) -> None:
        at.say(said("open"), by="r0")
        opened = at.read(said("secret"))
        assert opened.bound_to is None
        at.port.claim(opened, "r1", at.clock.now_ms() + 30_000, bound_to="pin")
        at.port.commit(opened, "r1", said("fine", "assistant"))
        assert at.read(said("and?")).bound_to == "pin"
        at.say(said("and?"), by="r2")
        assert at.read(said("more")).bound_to == "pin"
        assert at.read(said("more"), id_="c2").bound_to is None
        at.port.erase("alice", "c1")
        at.say(said("anew"), by="r3")
        assert at.read(said("on")).bound_to is None

    def test_the_whole_history_again_keeps_what_is_stored(self, at: Setting) -> None:
        at.say(said("one"), reply="two")
        opened = at.read(said("one"), said("two", "assistant"), said("three"), whole=True)
        assert (opened.kept, added(opened)) == (2, ["three"])

    def test_an_edit_forks_at_the_first_difference(self, at: Setting) -> None:
        history = [said("one"), said("two", "assistant"), said("three"), said("four", "assistant")]
        at.say(*history, reply="five")
        edited = [*history[:2], said("3"), said("four", "assistant")]
        opened = at.read(*edited)
        assert (opened.kept, added(opened)) == (2, ["3", "four"])
        assert at.texts(opened) == ["one", "two", "3", "four"]
        at.port.claim(opened, "r2", at.clock.now_ms() + 1)
        assert at.port.commit(opened, "r2", said("cinq", "assistant")) == 2
        assert at.texts(at.read(said("go on"))) == ["one", "two", "3", "four", "cinq", "go on"]
        back = at.read(*history, said("five", "assistant"), said("six"))  # the other branch is still there
        assert (back.kept, added(back)) == (5, ["six"])
        assert at.texts(back) == ["one", "two", "three", "four", "five", "six"]

    def test_a_stored_history_again_asks_for_another_reply(self, at: Setting) -> None:
        at.say(said("one"), reply="two")
        opened = at.read(said("one"), whole=True)
        assert (opened.kept, opened.new, at.texts(opened)) == (1, (), ["one"])
        at.port.claim(opened, "r2", at.clock.now_ms() + 1)
        at.port.commit(opened, "r2", said("zwei", "assistant"))
        assert at.texts(at.read(said("go on"))) == ["one", "zwei", "go on"]

    def test_a_single_message_like_the_first_is_what_its_dialect_says(self, at: Setting) -> None:
        at.say(said("hello"))
        assert at.read(said("hello")).kept == 2
        assert at.read(said("hello"), whole=True).kept == 1

    def test_what_the_caller_says_of_its_history_counts(self, at: Setting) -> None:
        at.say(said("one"), reply="two")
        again = (said("one"), said("two", "assistant"))
        assert at.read(*again, history="new").snapshot.messages == 4
        edited = at.read(said("uno"), history="whole")
        assert (edited.kept, added(edited), edited.version) == (0, ["uno"], 1)

    def test_the_system_message_again_is_not_said_twice(self, at: Setting) -> None:
        system = said("be brief", "system")
        at.say(system, said("one"), reply="two")
        assert added(at.read(system, said("three"))) == ["three"]
        assert added(at.read(system, said("three"), history="new")) == ["three"]
        assert added(at.read(said("be long", "system"), said("three"))) == ["be long", "three"]
        assert at.read(system, said("one"), said("two", "assistant"), said("three")).kept == 3
        assert added(at.read(system)) == ["be brief"]

    def test_another_callers_conversation_is_absent(self, at: Setting) -> None:
        mine = at.say(said("one"))
        theirs = at.read(said("one"), caller="bob", whole=True)
        assert (theirs.version, theirs.kept, theirs.snapshot.messages) == (0, 0, 1)
        assert theirs.new[0].prefix_hash != mine.new[0].prefix_hash
        with pytest.raises(NotFound):
            at.port.erase("bob", "c1")
        assert at.read(said("two")).kept == 2

    def test_one_claim_at_a_time(self, at: Setting) -> None:
        at.say(said("one"))
        opened = at.read(said("two"))
        at.port.claim(opened, "r2", at.clock.now_ms() + 5_000)
        at.port.claim(opened, "r2", at.clock.now_ms() + 5_000)
        with pytest.raises(Conflict, match="version is 1") as refused:
            at.port.claim(opened, "r3", at.clock.now_ms() + 5_000)
        assert refused.value.code == "conversation_conflict"
        at.clock.at_ms += 5_000
        at.port.claim(opened, "r3", at.clock.now_ms() + 5_000)
        with pytest.raises(Conflict):
            at.port.commit(opened, "r2", said("late", "assistant"))
        assert at.port.commit(opened, "r3", said("fine", "assistant")) == 2
        with pytest.raises(Conflict, match="version is 2"):
            at.port.claim(opened, "r4", at.clock.now_ms() + 5_000)

    def test_a_new_conversation_is_claimed_once(self, at: Setting) -> None:
        mine, theirs = at.read(said("one")), at.read(said("uno"))
        at.port.claim(mine, "r1", at.clock.now_ms() + 5_000)
        with pytest.raises(Conflict, match="version is 0"):
            at.port.claim(theirs, "r2", at.clock.now_ms() + 5_000)
        at.port.release(mine, "r1")
        at.port.claim(theirs, "r2", at.clock.now_ms() + 5_000)
        with pytest.raises(Conflict):
            at.port.commit(mine, "r1", said("late", "assistant"))
        assert at.port.commit(theirs, "r2", said("due", "assistant")) == 1
        with pytest.raises(Conflict, match="version is 1"):
            at.port.claim(mine, "r1", at.clock.now_ms() + 5_000)

    def test_committing_twice_is_committing_once(self, at: Setting) -> None:
        opened = at.say(said("one"), reply="two", by="r1")
        assert at.port.commit(opened, "r1", said("two", "assistant")) == 1
        assert at.texts(at.read(said("three"))) == ["one", "two", "three"]

    def test_nobody_commits_without_a_claim(self, at: Setting) -> None:
        opened = at.read(said("one"))
        with pytest.raises(Conflict):
            at.port.commit(opened, "r1", said("two", "assistant"))
        at.port.claim(opened, "r1", at.clock.now_ms() + 5_000)
        at.port.release(opened, "r2")  # of another one's claim: nothing
        with pytest.raises(Conflict):
            at.port.claim(opened, "r2", at.clock.now_ms() + 5_000)
        at.port.release(opened, "r1")
        at.port.release(opened, "r1")
        with pytest.raises(Conflict):
            at.port.commit(opened, "r1", said("two", "assistant"))
        assert at.read(said("one")).version == 0

    def test_erasing_takes_everything_and_stops_who_is_at_it(self, at: Setting) -> None:
        at.say(said("one"))
        opened = at.read(said("two"))
        at.port.claim(opened, "r2", at.clock.now_ms() + 5_000)
        at.port.link(opened, ["alice#1", "alice#2"])
        at.port.erase("alice", "c1")
        assert sorted(at.forgotten) == ["alice#1", "alice#2"]
        for act in (
            lambda: at.port.commit(opened, "r2", said("late", "assistant")),
            lambda: at.port.link(opened, ["alice#3"]),
            lambda: at.port.messages(opened),
            lambda: at.port.claim(opened, "r2", at.clock.now_ms() + 5_000),
        ):
            with pytest.raises(Conflict):
                act()
        at.port.release(opened, "r2")
        with pytest.raises(NotFound) as absent:
            at.port.erase("alice", "c1")
        assert absent.value.code == "conversation_not_found"
        again = at.say(said("one"), by="r3")
        assert (again.version, again.kept) == (0, 0)
        with pytest.raises(Conflict):  # of the same id and version, but another life
            at.port.claim(opened, "r4", at.clock.now_ms() + 5_000)

    def test_what_has_expired_reads_as_absent(self, at: Setting) -> None:
        at.say(said("one"))
        at.clock.at_ms += KEEP_S * 1_000 - 1
        assert at.read(said("two")).version == 1
        at.clock.at_ms += 1
        assert at.read(said("two")).version == 0
        with pytest.raises(NotFound):
            at.port.erase("alice", "c1")
        at.say(said("one"), reply="zwei", by="r2")
        assert at.texts(at.read(said("two"))) == ["one", "zwei", "two"]
