"""What is deployed anew is what is called: every function behind an alias gets a new version with each release."""

import pytest

from tests.unit.shape.template import RESOURCES
from workbench.build import Target, parameter_overrides

ALIASED = [name for name, resource in RESOURCES.items() if "AutoPublishAlias" in resource.get("Properties", {})]


def test_router_cascade_and_adapters_are_behind_an_alias() -> None:
    assert len(ALIASED) == 12


@pytest.mark.row("A15")
@pytest.mark.parametrize("name", ALIASED)
def test_a_version_is_published_by_the_release_and_not_by_the_functions_own_code_alone(name: str) -> None:
    """SAM sees neither a layer's content nor a parameter's value change; the release stands for both."""
    assert RESOURCES[name]["Properties"]["AutoPublishCodeSha256"] == {"Ref": "Release"}


@pytest.mark.row("A15")
def test_another_parameter_is_another_release() -> None:
    target = Target.this_machine()

    def release(parameters: dict[str, str]) -> str:
        (found,) = [one for one in parameter_overrides(target, parameters) if one.startswith("Release=")]
        return found

    assert release({}) == release({})
    assert release({}) != release({"LogLevel": "DEBUG"})
