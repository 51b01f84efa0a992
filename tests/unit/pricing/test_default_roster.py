"""What the shipped policy promises of its roster, beyond what the linter asks of every policy."""

from pathlib import Path

import pytest
import yaml

import signalbox.policy
from signalbox.policy.document import Document
from signalbox.pricing.table import load_prices

TEXT = (Path(signalbox.policy.__path__[0]) / "model-routing.yaml").read_text("utf-8")
POLICY = Document.model_validate(yaml.safe_load(TEXT))
SAMPLING = {"temperature": "temperature", "top_p": "top_p", "frequency_penalty": "penalties", "seed": "seed"}


@pytest.mark.parametrize("name", POLICY.roles)
def test_an_outage_of_one_vendor_stops_no_role_but_a_pinned_one(name: str) -> None:
    role = POLICY.roles[name]
    vendors = {POLICY.roster[model].provider for model in (role.pin, *role.fallbacks)}
    assert len(vendors) == (1 if role.pinned else 3)


def test_compliance_is_pinned_and_before_all_other_routes() -> None:
    assert POLICY.roles["compliance"].pinned
    assert not POLICY.roles["compliance"].fallbacks
    bound = [index for index, one in enumerate(POLICY.routes) if one.target == "compliance"]
    assert bound == list(range(len(bound)))
    assert POLICY.routes[bound[-1]].matcher == "needs_compliance_check"


@pytest.mark.row("A7")
def test_summaries_go_to_a_flash_class_model() -> None:
    assert "flash" in POLICY.roles["summarizer"].pin


@pytest.mark.parametrize("name", POLICY.roster)
def test_a_model_is_spoken_to_in_words_that_it_takes(name: str) -> None:
    """Its profile sets nothing that the model would refuse, and its price is known."""
    model = POLICY.roster[name]
    profile = POLICY.profiles[model.profile or ""]
    for field, feature in SAMPLING.items():
        assert getattr(profile, field) is None or feature in model.features
    assert load_prices().has(model.provider, model.model)
    assert model.output_cap_tokens < model.window_tokens


@pytest.mark.parametrize("feature", ["tools", "json_schema"])
def test_every_role_has_a_model_for_tools_and_for_schemas(feature: str) -> None:
    for role in POLICY.roles.values():
        assert any(feature in POLICY.roster[model].features for model in (role.pin, *role.fallbacks))
