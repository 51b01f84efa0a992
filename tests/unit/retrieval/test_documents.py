"""Documents become passages: by headings and size, with ids that stay."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.retrieval.examples import billing
from workbench.passages.build import build, build_all
from workbench.passages.documents import MOST_CHARACTERS, chunks_of, read_documents, sections_of
from workbench.problem import Problem

pytestmark = pytest.mark.row("C7")


def read(folder: Path, **files: str) -> list[tuple[str, str, str]]:
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_md", ".md").replace("_txt", ".txt")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(text.encode())
    return [(one.id, one.title, one.text) for one in read_documents(folder)]


def test_a_document_is_cut_at_its_headings(tmp_path: Path) -> None:
    text = "# Refunds\n\nIn short.\n\n## By card ##\nIn 5 days.\n### Abroad\nIn 9.\n## Cash\n\n## Fees & more\nNone.\n"
    assert read(tmp_path, refunds_md=text) == [
        ("refunds", "Refunds", "In short."),
        ("refunds.by-card", "Refunds > By card", "In 5 days."),
        ("refunds.by-card.abroad", "Refunds > By card > Abroad", "In 9."),
        ("refunds.fees-more", "Refunds > Fees & more", "None."),
    ]


def test_what_stands_before_any_heading_and_what_has_none(tmp_path: Path) -> None:
    assert read(
        tmp_path, b_md="Before.\r\n# Title\n## Of it\rAfter.", a_txt="# no heading\nText.", x__yz_txt="Deep."
    ) == [
        ("a", "a", "# no heading\nText."),
        ("b", "b", "Before."),
        ("b.of-it", "Title > Of it", "After."),
        ("x.yz", "yz", "Deep."),
    ]


def test_a_fence_holds_no_headings() -> None:
    text = "# A\n```sh\n# no heading\n~~~\n# nor this\n```\n# B\nx"
    assert [section.path for section in sections_of(text)] == [("A",), ("B",)]


def test_a_heading_that_cannot_be_cited_is_numbered(tmp_path: Path) -> None:
    assert [one[0] for one in read(tmp_path, a_md="# T\n## 料金\nx\n## 返金\ny")] == ["a.1", "a.2"]


def test_a_long_section_is_cut_between_paragraphs(tmp_path: Path) -> None:
    paragraphs = [f"Paragraph {number}. " + "word " * 80 for number in range(7)]
    found = read(tmp_path, a_md="# T\n## Long\n" + "\n\n".join(paragraphs))
    assert [one[0] for one in found] == ["a.long", "a.long.2", "a.long.3", "a.long.4"]
    assert all(one[2].startswith("Paragraph ") for one in found)
    assert {one[1] for one in found} == {"T > Long"}


def test_paragraphs_share_a_piece_as_long_as_there_is_room() -> None:
    assert chunks_of("aaaaa\n\nbbbbb\n \nccc", 12) == ["aaaaa\n\nbbbbb", "ccc"]
    assert chunks_of("aaaaa\n\nbbbbb", 11) == ["aaaaa", "bbbbb"]


def test_a_long_paragraph_is_cut_between_sentences_or_words() -> None:
    sentences = "This is a sentence. " * 100
    assert all(chunk.endswith("sentence.") for chunk in chunks_of(sentences))
    assert all(set(chunk.split()) == {"word"} for chunk in chunks_of("word " * 700))
    assert [len(chunk) for chunk in chunks_of("x" * 3_000)] == [1_200, 1_200, 600]


@given(st.text(alphabet="ab .,;\n\t#é", max_size=400) | st.text(max_size=200), st.integers(12, 80))
def test_no_word_is_lost_and_no_piece_too_long(text: str, most: int) -> None:
    chunks = chunks_of(text, most)
    assert all(0 < len(chunk) <= most for chunk in chunks)
    assert re.sub(r"\s", "", "".join(chunks)) == re.sub(r"\s", "", text)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({}, "there is no document in it"),
        ({"a_md": " \n"}, "its documents are empty"),
        ({"a_md": "# T\n## One\nx\n## one!\ny"}, "cited as a.one: “T > One” and “T > one!”"),
        ({"a-b_md": "x", "a b_md": "y"}, "cited as a-b"),
        ({"a__b_md": "x", "a.b_md": "y"}, "cited as a.b"),
        ({"A_md": "x", "a_txt": "y"}, "cited as a"),
        ({"料金_md": "x"}, "no letter or digit of ASCII"),
    ],
)
def test_what_cannot_be_built_is_told(tmp_path: Path, files: dict[str, str], told: str) -> None:
    with pytest.raises(Problem, match=re.escape(told)):
        read(tmp_path, **files)


def test_a_document_of_another_encoding_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_bytes(b"caf\xe9")
    with pytest.raises(Problem, match=r"a\.md: it cannot be read \(UnicodeDecodeError\); documents are UTF-8"):
        read_documents(tmp_path)


def test_long_names_stay_citable_and_apart(tmp_path: Path) -> None:
    found = read(tmp_path, a_md=f"# T\n## {'long ' * 40}\n" + "word " * 900)
    assert [len(one[0]) <= 80 for one in found] == [True] * 4
    assert len({one[0] for one in found}) == 4


def test_every_passage_of_the_example_can_be_cited() -> None:
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,80}", one.id) for one in billing())
    assert len({one.id for one in billing()}) == len(billing()) > 50
    assert all(0 < len(one.text) <= MOST_CHARACTERS for one in billing())


def test_the_same_documents_make_the_same_bytes(tmp_path: Path) -> None:
    for name, order in (("one", ("a", "b")), ("two", ("b", "a"))):
        (tmp_path / name).mkdir()
        for document in order:
            (tmp_path / name / f"{document}.md").write_text(f"# {document}\nText of {document}.")
        assert build(tmp_path / name, tmp_path / f"{name}.sqlite") == 2
    assert (tmp_path / "one.sqlite").read_bytes() == (tmp_path / "two.sqlite").read_bytes()


def test_a_build_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "a.md").write_text("x")
    build(tmp_path / "docs", file := tmp_path / "out" / "c.sqlite")
    before = file.read_bytes()
    (tmp_path / "docs" / "a.txt").write_text("y")
    with pytest.raises(Problem):
        build(tmp_path / "docs", file)
    assert file.read_bytes() == before
    assert [one.name for one in file.parent.iterdir()] == ["c.sqlite"]


def test_every_folder_of_documents_becomes_a_collection(tmp_path: Path) -> None:
    for name in ("b", "a", "empty"):
        (tmp_path / "all" / name).mkdir(parents=True)
    for name in ("b", "a"):
        (tmp_path / "all" / name / "x.md").write_text(name)
    (tmp_path / "all" / "README.md").write_text("of no collection")
    out = tmp_path / "out"
    assert build_all(tmp_path / "all", out) == [out / "a.sqlite", out / "b.sqlite"]
    assert build_all(tmp_path / "nowhere", out) == []
