"""The shipped weights are whole and say what they mean; missing or damaged ones are an error and nothing else."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from signalbox.contracts.errors import SignalboxError
from signalbox.contracts.tags import INTENTS
from signalbox.signals.extract import extract
from signalbox.tagger import weights as module
from signalbox.tagger.tag import label_probabilities, tag, tags
from signalbox.tagger.weights import HERE, Weights, load, read
from tests.builders import NOW, policy, request
from tests.unit.tagger import tiny
from tests.unit.tagger.texts import user
from workbench.training.corpus import read_taxonomy

pytestmark = pytest.mark.row("A2")

Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Weights are looked for in an empty folder."""
    monkeypatch.setattr(module, "HERE", tmp_path)
    load.cache_clear()
    yield tmp_path
    load.cache_clear()


def refused(folder: Path) -> str:
    with pytest.raises(SignalboxError, match="rebuild them with make train") as raised:
        read(folder)
    assert (raised.value.code, raised.value.status) == ("tagger_unavailable", 500)
    return raised.value.message


def flipped(at: float) -> Callable[[bytes], bytes]:
    def flip(raw: bytes) -> bytes:
        place = int(at * (len(raw) - 1))
        return raw[:place] + bytes([raw[place] ^ 0x10]) + raw[place + 1 :]

    return flip


def cut(raw: bytes) -> bytes:
    return raw[: len(raw) // 2]


def changed(folder: Path, change: Change) -> Path:
    """Whole files, but for what ``change`` does to the document of ``tagger.json``."""
    tiny.written(folder)
    document = json.loads((folder / "tagger.json").read_text())
    change(document)
    (folder / "tagger.json").write_text(json.dumps(document))
    return folder


def test_whole_files_are_read(tmp_path: Path) -> None:
    found = read(tiny.written(tmp_path))
    assert isinstance(found, Weights)
    assert found.intents == ("greeting", "billing_dispute", "other")
    assert found.intent_of.tolist() == [0, 1, 2]
    assert 0 < tags(found, [user("why was I charged twice?")]).p_fast < 1


def test_labels_of_one_intent_are_added_up(tmp_path: Path) -> None:
    labels = [["clinc150/greeting", "greeting"], ["task/other", "other"], ["written/greeting", "greeting"]]
    found = read(changed(tmp_path, lambda document: document.update(labels=labels)))
    assert found.intents == ("greeting", "other")
    assert found.intent_of.tolist() == [0, 1, 0]


@pytest.mark.parametrize("name", ["tagger.npz", "tagger.json"])
def test_a_missing_file_is_an_error(tmp_path: Path, name: str) -> None:
    (tiny.written(tmp_path) / name).unlink()
    assert "FileNotFoundError" in refused(tmp_path)


@pytest.mark.parametrize("at", [0, 0.01, 0.3, 0.5, 0.9, 1])
def test_any_byte_that_is_another_is_noticed(tmp_path: Path, at: float) -> None:
    file = tiny.written(tmp_path) / "tagger.npz"
    file.write_bytes(flipped(at)(file.read_bytes()))
    refused(tmp_path)


@pytest.mark.parametrize("damage", [cut, lambda raw: b"", lambda raw: raw + b"\x00"], ids=["cut", "empty", "longer"])
def test_another_length_is_noticed(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    file = tiny.written(tmp_path) / "tagger.npz"
    file.write_bytes(damage(file.read_bytes()))
    refused(tmp_path)


def test_the_file_of_another_training_is_noticed(tmp_path: Path) -> None:
    tiny.written(tmp_path)
    (tmp_path / "tagger.npz").write_bytes(tiny.packed(tiny.arrays(seed=1)))
    refused(tmp_path)


@pytest.mark.parametrize("damage", [cut, lambda raw: b"no archive"], ids=["cut", "text"])
def test_what_is_no_archive_is_an_error_even_where_its_checksum_holds(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    refused(tiny.written(tmp_path, damage=damage))


@pytest.mark.parametrize(
    "name",
    ["known", "rows", "scales", "linear.gap.weight", "linear.support.known", "attention_heads", "block0.inner.weight"],
)
def test_an_array_that_is_not_there_is_an_error(tmp_path: Path, name: str) -> None:
    arrays = tiny.arrays()
    del arrays[name]
    refused(tiny.written(tmp_path, arrays))


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    """A pickle may run anything when it is read."""
    arrays = {**tiny.arrays(), "rows": np.array([{}], object)}
    file = tmp_path / "pickled.npz"
    np.savez(file, allow_pickle=True, **arrays)
    refused(tiny.written(tmp_path, damage=lambda raw: file.read_bytes()))


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document.update(crc32=0),
        lambda document: document.pop("crc32"),
        lambda document: document.update(unheard=1),
        lambda document: document.pop("labels"),
        lambda document: document["labels"].append(["clinc150/new", "an_intent_nobody_knows"]),
        lambda document: document["labels"].append(["clinc150/new"]),
        lambda document: document.pop("calibration"),
        lambda document: document["calibration"].pop("gap"),
        lambda document: document["calibration"].update(unheard=1.0),
        lambda document: document["calibration"]["gap"].pop("offset"),
        lambda document: document["calibration"]["compliance"].update(unheard=1.0),
        lambda document: document["calibration"]["compliance"].update(linear=None),
        *(
            lambda document, name=name, value=value: document["calibration"].update({name: value})
            for name in ("complexity", "label", "workload")
            for value in (0, -1, float("nan"))
        ),
    ],
)
def test_a_document_that_says_something_else_is_an_error(tmp_path: Path, change: Change) -> None:
    refused(changed(tmp_path, change))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"crc32": '])
def test_what_is_no_document_is_an_error(tmp_path: Path, text: str) -> None:
    (tiny.written(tmp_path) / "tagger.json").write_text(text)
    refused(tmp_path)


# Nothing but the first request would tell: it fails with an error that nobody declared, or all are judged alike.
@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["labels"].pop(),
        lambda document: document["labels"].append(["task/more", "other"]),
        lambda document: document["labels"].clear(),
        *(
            lambda document, head=head, key=key, value=value: document["calibration"][head].update({key: value})
            for head, key in (("gap", "network"), ("gap", "offset"), ("billing_dispute", "linear"))
            for value in (float("nan"), float("inf"))
        ),
        lambda document: document["calibration"].update(label=float("inf")),
    ],
)
def test_labels_that_do_not_fit_the_head_and_numbers_that_are_none_are_errors(tmp_path: Path, change: Change) -> None:
    refused(changed(tmp_path, change))


def test_there_is_no_fallback(nowhere: Path) -> None:
    turns = [user("hello")]
    for ask in (load, lambda: tag(turns), lambda: label_probabilities(turns)):
        with pytest.raises(SignalboxError) as raised:
            ask()
        assert raised.value.code == "tagger_unavailable"
    with pytest.raises(SignalboxError, match="FileNotFoundError"):
        extract(request("hello"), replace(policy(), tagged=True), NOW)


def test_an_error_is_not_kept_and_weights_are_read_once(nowhere: Path) -> None:
    with pytest.raises(SignalboxError):
        load()
    tiny.written(nowhere)
    found = load()
    (nowhere / "tagger.npz").unlink()
    assert load() is found


def test_the_shipped_files_are_small_enough_and_read() -> None:
    assert sum((HERE / name).stat().st_size for name in ("tagger.npz", "tagger.json")) <= 6_000_000
    assert load() is load()


def test_the_taxonomy_names_every_intent_in_order_and_each_label_once() -> None:
    taxonomy = read_taxonomy()
    assert tuple(taxonomy) == INTENTS
    labels = [label for own in taxonomy.values() for label in own]
    assert len(labels) == len(set(labels))
    assert all(
        label.split("/")[0] in ("banking77", "bitext", "clinc150", "multidogo", "task", "written") for label in labels
    )


@pytest.mark.row("A1")
def test_the_shipped_labels_are_those_of_the_taxonomy() -> None:
    wanted = {label: intent for intent, labels in read_taxonomy().items() for label in labels}
    assert dict(load().meaning.labels) == wanted
    assert set(load().intents) == set(INTENTS)


def test_the_shipped_scales_raise_a_probability_with_its_logit() -> None:
    fit = load().meaning.calibration
    for mixture in (fit.gap, fit.billing_dispute, fit.compliance):
        assert min(mixture.network, mixture.linear) > 0


def test_the_tiny_calibration_is_what_makes_a_probability(tmp_path: Path) -> None:
    meaning = copy.deepcopy(tiny.MEANING)
    turns = [user("why was I charged twice?")]
    before = tags(read(tiny.written(tmp_path)), turns)
    meaning["calibration"]["gap"]["offset"] += 1.0
    meaning["calibration"]["billing_dispute"]["offset"] -= 1.0
    after = tags(read(tiny.written(tmp_path, meaning=meaning)), turns)
    logit = {
        name: [float(np.log(p / (1 - p))) for p in (getattr(one, name) for one in (before, after))]
        for name in ("p_fast", "billing_dispute", "compliance")
    }
    assert logit["p_fast"][1] - logit["p_fast"][0] == pytest.approx(-1)
    assert logit["billing_dispute"][1] - logit["billing_dispute"][0] == pytest.approx(-1)
    assert logit["compliance"][1] == logit["compliance"][0]
