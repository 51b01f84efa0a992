"""What each way to answer a prompt costs, from the shipped prices and stated assumptions about lengths."""

import math
from dataclasses import dataclass
from datetime import date

from signalbox.contracts.adapters import Usage
from signalbox.policy.resolved import Policy, RosterModel
from signalbox.pricing.table import PriceTable
from signalbox.signals.tokens import count_text
from workbench.confidence.curves import Outcome
from workbench.confidence.recorded import Trial


@dataclass(frozen=True)
class Assumptions:
    """Tokens that the recorded data do not tell. ``thinking`` is output of the strong model, billed as such."""

    draft: int = 300  # a reply, of either model
    thinking: int = 600
    instructions: int = 250  # of the verifier
    confirmation: int = 20  # what a verifier writes that changes nothing
    verified: float = 0.5  # of the replies not accepted; the others are answered anew

    def __str__(self) -> str:
        return (
            f"a reply is {self.draft} tokens; the strong model thinks for {self.thinking} more; a verifier reads the "
            f"draft and {self.instructions} tokens of instructions and writes {self.confirmation} where it confirms; "
            f"{self.verified:.0%} of the replies not accepted are verified, the others answered anew; prompts are "
            "counted by o200k_base with each model's factor; nothing is cached"
        )


@dataclass(frozen=True)
class Costs:
    """Prices of two models. Micro-dollars a prompt."""

    fast: RosterModel
    strong: RosterModel
    prices: PriceTable
    assumed: Assumptions = Assumptions()

    def routed(self, trial: Trial) -> Outcome:
        """One of the two answers, chosen before either has."""
        tokens = count_text(trial.prompt)
        return Outcome(trial.weak, trial.strong, self._fast(tokens), self._anew(tokens))

    def judged(self, trial: Trial) -> Outcome:
        """The fast one answers in any case; the strong one verifies that or answers anew.

        A verifier is taken to be as good as its own answer: it confirms where both were right, else writes its own.
        """
        tokens = count_text(trial.prompt)
        fast, assumed = self._fast(tokens), self.assumed
        confirms = trial.weak * trial.strong
        written = confirms * assumed.confirmation + (1 - confirms) * assumed.draft
        verifying = self._call(
            self.strong, tokens + assumed.instructions + assumed.draft, round(assumed.thinking + written)
        )
        sent = fast + assumed.verified * verifying + (1 - assumed.verified) * self._anew(tokens)
        return Outcome(trial.weak, trial.strong, fast, sent)

    def _fast(self, tokens: int) -> int:
        return self._call(self.fast, tokens, self.assumed.draft)

    def _anew(self, tokens: int) -> int:
        return self._call(self.strong, tokens, self.assumed.draft + self.assumed.thinking)

    def _call(self, model: RosterModel, input_tokens: int, output_tokens: int) -> int:
        system = count_text(model.profile.system_prompt or "")
        usage = Usage(
            input_tokens=math.ceil((input_tokens + system) * model.token_factor),
            output_tokens=math.ceil(output_tokens * model.token_factor),
        )
        return self.prices.cost_microusd(model.provider, model.provider_model, usage)


def shipped_costs(policy: Policy, prices: PriceTable) -> Costs:
    """The default policy's fast and escalation pins, at the prices of the day that the table was made."""
    dated = prices.at(date.fromisoformat(prices.generated))
    return Costs(policy.roles["fast"].pin, policy.roles["escalation"].pin, dated)
