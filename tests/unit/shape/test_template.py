"""The template, the roster and the tests' own tables say the same."""

import pytest

from signalbox.policy.load import load_resource
from tests.functional.stores import INDEXES, TABLES
from tests.unit.shape.template import ADAPTERS, RESOURCES, TEMPLATE, of_type


@pytest.mark.row("D2")
def test_every_roster_model_has_its_function_and_none_is_left_over() -> None:
    assert ADAPTERS.keys() == load_resource().roster.keys()


@pytest.mark.row("D2")
@pytest.mark.parametrize("model", ADAPTERS)
def test_a_models_function_is_its_providers_gated_and_findable(model: str) -> None:
    _, properties = ADAPTERS[model]
    provider = load_resource().roster[model].provider
    assert properties["Handler"] == f"adapters.{provider}.app.handler"
    assert properties["FunctionName"] == {"Sub": "${AWS::StackName}-adapter-" + model}
    assert properties["ReservedConcurrentExecutions"]["If"][1] > 0
    assert {"Timeout", "MemorySize", "Policies"} <= properties.keys()


def test_the_parameter_says_how_much_concurrency_is_reserved() -> None:
    functions = [one["Properties"] for one in of_type("AWS::Serverless::Function").values()]
    taken = sum(
        one["ReservedConcurrentExecutions"]["If"][1] for one in functions if "ReservedConcurrentExecutions" in one
    )
    assert f"Takes {taken} and" in TEMPLATE["Parameters"]["ReservedConcurrency"]["Description"]


@pytest.mark.row("C11")
def test_no_gate_of_the_policy_is_wider_than_its_functions() -> None:
    for model, gate in load_resource().gates.items():
        assert gate.most <= ADAPTERS[model][1]["ReservedConcurrentExecutions"]["If"][1], model


@pytest.mark.row("C11")
def test_the_router_and_the_heavy_pins_can_be_kept_warm() -> None:
    policy = load_resource()
    heavy = {ADAPTERS[policy.roles[role].candidates[0].id][0] for role in ("escalation", "premium")}
    targets = of_type("AWS::ApplicationAutoScaling::ScalableTarget")
    warmed = {one["Properties"]["ResourceId"]["Sub"][len("function:${") : -len("}:live")] for one in targets.values()}
    assert warmed == heavy | {"RouterFunction"}
    for name in warmed:
        assert RESOURCES[name]["Properties"]["AutoPublishAlias"] == "live"
    for name in heavy:
        reserved = RESOURCES[name]["Properties"]["ReservedConcurrentExecutions"]["If"][1]
        assert TEMPLATE["Parameters"]["PrewarmHeavy"]["MaxValue"] <= reserved
    off = {one["Condition"] for one in targets.values()}
    assert off == {"RouterPrewarmed", "HeavyPrewarmed"}
    assert (TEMPLATE["Parameters"]["PrewarmRouter"]["Default"], TEMPLATE["Parameters"]["PrewarmHeavy"]["Default"]) == (
        0,
        0,
    )


@pytest.mark.parametrize("name", TABLES)
def test_the_tests_tables_are_the_templates(name: str) -> None:
    table = RESOURCES[f"{name}Table"]["Properties"]
    kinds = {one["AttributeName"]: one["AttributeType"] for one in table["AttributeDefinitions"]}
    assert _keys(table["KeySchema"], kinds) == TABLES[name]
    indexes = {one["IndexName"]: one for one in table.get("GlobalSecondaryIndexes", [])}
    assert {index: _keys(one["KeySchema"], kinds) for index, one in indexes.items()} == INDEXES.get(name, {})
    assert all(one["Projection"] == {"ProjectionType": "KEYS_ONLY"} for one in indexes.values())


def test_there_is_no_table_that_the_tests_do_not_know() -> None:
    assert of_type("AWS::DynamoDB::Table").keys() == {f"{name}Table" for name in TABLES}


@pytest.mark.parametrize("name", of_type("AWS::Serverless::Function"))
def test_every_function_has_a_timeout_and_a_log_group_that_forgets(name: str) -> None:
    properties = RESOURCES[name]["Properties"]
    group = RESOURCES[properties["LoggingConfig"]["LogGroup"]["Ref"]]["Properties"]
    # What is verified in the background has minutes, and its adapters with it; a deadline comes with each call.
    in_background = name == "CascadeFunction" or name.endswith("Adapter")
    assert 0 < properties["Timeout"] <= (250 if in_background else 60)
    assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}


def test_the_paths_open_to_everybody_are_throttled() -> None:
    events = RESOURCES["RouterFunction"]["Properties"]["Events"].values()
    opened = {
        (one["Properties"]["Method"], one["Properties"]["Path"])
        for one in events
        if one["Properties"].get("Auth", {}).get("Authorizer") == "NONE"
    }
    settings = RESOURCES["Api"]["Properties"]["MethodSettings"]
    throttled = {
        (one["HttpMethod"], one["ResourcePath"].removeprefix("/").replace("~1", "/"))
        for one in settings
        if one["ThrottlingRateLimit"] > 0 and one["ThrottlingBurstLimit"] > 0
    }
    assert opened == {("GET", "/v1/health"), ("GET", "/v1/openapi.json")}
    assert opened <= throttled


def _keys(schema: list[dict[str, str]], kinds: dict[str, str]) -> tuple[tuple[str, str], ...]:
    assert [one["KeyType"] for one in schema] == ["HASH", "RANGE"][: len(schema)]
    return tuple((one["AttributeName"], kinds[one["AttributeName"]]) for one in schema)
