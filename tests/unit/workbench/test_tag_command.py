"""`signalbox tag`: a row for each prompt, whatever is in it; a clear word and no file where something is wrong."""

import csv
import io
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from signalbox.contracts.errors import SignalboxError
from signalbox.tagger.excerpt import Turn
from tests.unit.workbench.taggers import FAKE
from workbench.cli import app
from workbench.commands import tag as command
from workbench.problem import Problem
from workbench.tagging import score as scoring
from workbench.tagging.files import STANDARD, writing
from workbench.tagging.prompts import PromptsError, conversation, read_prompts
from workbench.tagging.score import COLUMNS, Tagger, score

HEADER = "prompt_id,p_fast,complexity,intent,intent_confidence,billing_dispute,compliance,workload,micros"


@pytest.fixture(autouse=True)
def fake_tagger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "shipped", lambda: FAKE)


def call(prompts: Path | str, out: Path | str, **options: Any) -> Result:
    return CliRunner().invoke(app, ["tag", "--prompts", str(prompts), "--out", str(out)], **options)


def written(folder: Path, rows: Iterable[Sequence[str]], header: Sequence[str] = ("prompt_id", "prompt")) -> Path:
    text = io.StringIO()
    csv.writer(text).writerows([header, *rows])
    file = folder / "prompts.csv"
    file.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
    return file


def read(out: Path) -> list[dict[str, str]]:
    with out.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def names(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def told(found: Result) -> str:
    """Without the frame that the message is drawn in."""
    return " ".join(found.output.replace("│", " ").split())


def test_a_row_for_each_prompt_in_order(tmp_path: Path) -> None:
    """GIVEN a row twice and columns that nobody asked for THEN each has its row, with exactly our columns."""
    rows = [["b", "x", "hello"], ["a", "", "please refund the fee\nat once"], ["b", "x", "hello"]]
    source = written(tmp_path, rows, ("prompt_id", "domain", "prompt"))
    found = call(source, tmp_path / "out.csv")
    assert found.exit_code == 0, found.output
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0] == HEADER == ",".join(COLUMNS)
    assert [line.rpartition(",")[0] for line in lines[1:]] == [
        "b,0.952381,trivial,greeting,0.875000,0.100000,0.333333,chat",
        "a,0.775194,trivial,billing_dispute,0.875000,0.900000,0.333333,chat",
        "b,0.952381,trivial,greeting,0.875000,0.100000,0.333333,chat",
    ]
    assert all(line.rpartition(",")[2].isdigit() for line in lines[1:])
    assert names(tmp_path) == ["out.csv", "prompts.csv"]


def test_micros_are_of_the_tagging_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([1_000_000, 3_000_400, 9_000_000, 9_000_499])
    monkeypatch.setattr("workbench.tagging.score.time.perf_counter_ns", lambda: next(ticks))
    out = io.StringIO()
    score(read_prompts(io.StringIO("prompt_id,prompt\n1,a\n2,b\n")), FAKE, out, lambda _: None)
    assert [line.rpartition(",")[2] for line in out.getvalue().splitlines()[1:]] == ["2000", "0"]


def test_whatever_is_in_a_field_comes_through(tmp_path: Path) -> None:
    """A mark at the beginning, quotes, commas, NULs, emoji, a field of a million characters, an empty one."""
    csv.field_size_limit(131_072)  # Python's own
    texts = ['say "hello", twice', "a\0b", "😀\r\n", "hello " * 200_000, "", " "]
    source = written(tmp_path, [[f'id "{at}", é', text] for at, text in enumerate(texts)])
    source.write_bytes(b"\xef\xbb\xbf" + source.read_bytes())
    found = call(source, tmp_path / "out.csv")
    assert found.exit_code == 0, found.output
    rows = read(tmp_path / "out.csv")
    assert [row["prompt_id"] for row in rows] == [f'id "{at}", é' for at in range(len(texts))]
    assert [row["p_fast"] for row in rows] == [f"{1 / (1 + len(text) / 100):.6f}" for text in texts]


def test_a_header_alone_gives_a_header_alone(tmp_path: Path) -> None:
    assert call(written(tmp_path, []), tmp_path / "out.csv").exit_code == 0
    assert (tmp_path / "out.csv").read_text() == f"{HEADER}\n"


def test_empty_lines_are_no_rows(tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("prompt_id,prompt\n\n1,a\n\n\n2,\n\n")
    assert call(tmp_path / "in.csv", tmp_path / "out.csv").exit_code == 0
    assert [row["prompt_id"] for row in read(tmp_path / "out.csv")] == ["1", "2"]


def test_the_new_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    """GIVEN somebody who is reading the earlier file THEN he reads that to its end: it is replaced, not rewritten."""
    (tmp_path / "out.csv").write_text("earlier")
    with (tmp_path / "out.csv").open() as earlier:
        assert call(written(tmp_path, [["1", "a"]]), tmp_path / "out.csv").exit_code == 0
        assert earlier.read() == "earlier"
    assert len(read(tmp_path / "out.csv")) == 1


def test_standard_streams() -> None:
    found = CliRunner().invoke(app, ["tag", "--prompts", "-", "--out", "-"], input="prompt_id,prompt\n7,héllo hello\n")
    assert found.exit_code == 0, found.output
    lines = found.stdout.splitlines()
    assert lines[0] == HEADER
    assert lines[1].startswith("7,0.900901,trivial,greeting,")
    assert len(lines) == 2
    assert "1 rows" in found.stderr


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"prompt_id,text\n1,a\n", "there is no column prompt; the header has: prompt_id, text"),
        (b"id,prompt\n1,a\n", "there is no column prompt_id"),
        (b"prompt_id,prompt,prompt\n1,a,b\n", "more than one column prompt"),
        (b"prompt_id,prompt\n1,a\n2,b,c\n", "line 3 has 3 fields, the header 2"),
        (b"prompt_id,prompt\n1,a\n2\n", "line 3 has 1 fields, the header 2"),
        (b"prompt_id,prompt\n1,caf\xe9\n", "not UTF-8"),
        ("prompt_id,prompt\n1,a\n".encode("utf-16"), "not UTF-8"),
        (b"prompt_id,prompt\n1,a\n2,b\rx\n", "line 4 has 1 fields"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(content: bytes, message: str, tmp_path: Path) -> None:
    """GIVEN results of an earlier run THEN they are still there, and nothing beside them."""
    (tmp_path / "in.csv").write_bytes(content)
    (tmp_path / "out.csv").write_text("earlier")
    found = call(tmp_path / "in.csv", tmp_path / "out.csv")
    assert found.exit_code == 2
    assert message in told(found)
    assert (tmp_path / "out.csv").read_text() == "earlier"
    assert names(tmp_path) == ["in.csv", "out.csv"]


def test_files_that_are_not_there(tmp_path: Path) -> None:
    source = written(tmp_path, [["1", "a"]])
    for prompts, out, message in (
        (tmp_path / "none.csv", tmp_path / "out.csv", "there is no file"),
        (tmp_path, tmp_path / "out.csv", "a folder; name a file"),
        (source, tmp_path, "a folder; name a file"),
        (source, tmp_path / "none" / "out.csv", "there is no folder"),
    ):
        found = call(prompts, out)
        assert found.exit_code == 2
        assert message in told(found)
    assert names(tmp_path) == ["prompts.csv"]


def test_a_failure_of_the_disk_is_told(tmp_path: Path) -> None:
    """GIVEN a name that no file can have THEN it is said which, without a traceback."""
    found = call(written(tmp_path, [["1", "a"]]), tmp_path / ("x" * 300))
    assert found.exit_code == 2
    assert "name too long" in told(found)


def test_interrupted_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GIVEN an end in the middle of a million rows THEN the earlier file stands, and no half of a new one."""
    beside: list[str] = []

    def interrupted(_: Sequence[Turn]) -> Any:
        beside.extend(names(tmp_path))
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "shipped", lambda: Tagger(interrupted, FAKE.complexity, FAKE.label_probabilities))
    (tmp_path / "out.csv").write_text("earlier")
    assert call(written(tmp_path, [["1", "a"]]), tmp_path / "out.csv").exit_code != 0
    assert len(beside) == 3  # it was being written, beside
    assert (tmp_path / "out.csv").read_text() == "earlier"
    assert names(tmp_path) == ["out.csv", "prompts.csv"]


def test_a_file_can_take_the_place_of_its_own_source(tmp_path: Path) -> None:
    source = written(tmp_path, [[str(at), "hello"] for at in range(300)])
    assert call(source, source).exit_code == 0
    assert len(read(source)) == 300


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("earlier")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    assert call(written(tmp_path, [["1", "hello"]]), tmp_path / "link.csv").exit_code == 0
    assert (tmp_path / "link.csv").is_symlink()
    assert len(read(tmp_path / "real.csv")) == 1


def test_a_pipe_stays_a_pipe(tmp_path: Path) -> None:
    """GIVEN a name that is no file, a device or a pipe THEN it is written to and not replaced."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert call(written(tmp_path, [["1", "hello"]]), pipe).exit_code == 0
        assert pipe.is_fifo()
        assert os.read(reader, 1_000).decode().startswith(f"{HEADER}\n1,")
    finally:
        os.close(reader)


def test_rows_are_read_when_they_are_wanted() -> None:
    """GIVEN rows without end THEN the first are there before the last: nothing is gathered."""

    class Endless:
        def __init__(self) -> None:
            self.given = 0

        def __iter__(self) -> "Endless":
            return self

        def __next__(self) -> str:
            self.given += 1
            return "prompt_id,prompt\n" if self.given == 1 else f"{self.given},hello\n"

    class Out(io.StringIO):
        def write(self, text: str) -> int:
            if text.startswith("100,"):
                raise StopIteration
            return super().write(text)

    lines, counts = Endless(), list[int]()
    with pytest.raises(StopIteration):
        score(read_prompts(lines), FAKE, Out(), counts.append)  # type: ignore[arg-type]
    assert counts == list(range(1, 99))
    assert lines.given == 100


def test_weights_that_are_missing_are_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    from signalbox.tagger import tag as module

    def broken(_: Sequence[Turn]) -> None:
        raise SignalboxError("tagger_unavailable", "rebuild them with make train.")

    monkeypatch.setattr(module, "tag", broken)
    with pytest.raises(Problem, match="make train"):
        scoring.shipped()


USER, SYSTEM = {"role": "user", "content": "hello"}, {"role": "system", "content": "be kind"}


@pytest.mark.parametrize(
    ("messages", "turns"),
    [
        ([USER], [Turn(True, "hello")]),
        ([SYSTEM, USER], [Turn(True, "hello")]),
        ([{"role": "developer", "content": "x"}, USER], [Turn(True, "hello")]),
        (
            [USER, {"role": "assistant", "content": "hi"}, USER],
            [Turn(True, "hello"), Turn(False, "hi"), Turn(True, "hello")],
        ),
        ([{"role": "tool", "content": "{}"}], [Turn(False, "{}")]),
        ([USER, {"role": "assistant", "content": None, "tool_calls": []}], [Turn(True, "hello"), Turn(False, "")]),
        ([USER, {"role": "assistant", "tool_calls": []}], [Turn(True, "hello"), Turn(False, "")]),
        (
            [{"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, "b"]}],
            [Turn(True, "a\nb")],
        ),
        ([{"role": "user", "content": []}], [Turn(True, "")]),
        ([SYSTEM], []),
    ],
)
def test_a_list_of_messages_is_a_conversation(messages: Any, turns: list[Turn]) -> None:
    assert conversation(json.dumps(messages)) == tuple(turns)
    assert conversation(f" \n{json.dumps(messages, indent=1)}") == tuple(turns)


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "",
        "[]",
        "[1, 2]",
        '["a", "b"]',
        "[link](x) what is it?",
        '[{"role": "user"}]',
        '[{"content": "a"}]',
        '[{"role": "user", "content": 5}]',
        '[{"role": 1, "content": "a"}]',
        '[{"role": "user", "content": [5]}]',
        '[{"role": "user", "content": "a"}, 7]',
        '{"role": "user", "content": "a"}',
        "[" * 100_000,
        '[{"a":' * 50_000,
        f"[{'9' * 5000}]",
    ],
)
def test_any_other_prompt_is_what_it_says(text: str) -> None:
    assert conversation(text) == (Turn(True, text),)


@given(st.text() | st.from_regex(r"\[.*\]"))
def test_no_text_breaks_it(text: str) -> None:
    for turn in conversation(text):
        assert isinstance(turn.text, str)


@given(st.lists(st.tuples(st.text(), st.text()), max_size=5))
def test_what_csv_can_hold_is_read_back(rows: list[tuple[str, str]]) -> None:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows([("prompt_id", "prompt"), *rows])
    text.seek(0)
    assert [(one.id, one.text) for one in read_prompts(text)] == rows


def test_writing_to_the_standard_output_leaves_it_open(capfd: pytest.CaptureFixture[str]) -> None:
    with writing(STANDARD) as out:
        out.write("é\n")
    print("still open")
    assert capfd.readouterr().out == "é\nstill open\n"


def test_a_reader_is_told_the_line(tmp_path: Path) -> None:
    with pytest.raises(PromptsError, match="line 4"):
        list(read_prompts(io.StringIO('prompt_id,prompt\n1,"a\nb"\n2\n')))
