"""Markdown and plain text → passages: by headings, then by size, so that each can be read and cited alone."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from signalbox.contracts.passages import Passage
from signalbox.retrieval.passages import MOST_ID_CHARACTERS, MOST_TITLE_CHARACTERS, citable, cut
from workbench.problem import Problem

MOST_CHARACTERS = 1_200
SUFFIXES = (".md", ".markdown", ".txt")

_BELOW = " > "
_HEADING = re.compile(r" {0,3}(#{1,6})[ \t]+(\S.*)")
_FENCE = re.compile(r" {0,3}(```|~~~)")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_PARAGRAPHS = re.compile(r"\n[ \t]*\n")
_BREAKS = (".\n", ". ", "\n", "; ", ", ", " ")


@dataclass(frozen=True)
class Section:
    """What stands under one heading. ``path``: the headings above it, its own the last; none before the first."""

    path: tuple[str, ...]
    text: str


def read_documents(folder: Path) -> tuple[Passage, ...]:
    """Every passage of every document in ``folder``, in the order of their names. Raises ``Problem``."""
    files = sorted(file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES and file.is_file())
    if not files:
        raise Problem(f"{folder}: there is no document in it ({', '.join(SUFFIXES)}).")
    passages = [one for file in files for one in _passages(folder, file)]
    if not passages:
        raise Problem(f"{folder}: its documents are empty.")
    _refuse_duplicates(passages)
    return tuple(passages)


def heading_of(passage: Passage) -> str:
    """The last of the headings in its title."""
    return passage.title.split(_BELOW)[-1]


def _passages(folder: Path, file: Path) -> Iterator[Passage]:
    """``refunds`` is what stands under the title, ``refunds.by-card`` and ``refunds.by-card.2`` under a heading."""
    within = file.relative_to(folder).with_suffix("")
    stem = ".".join(part for part in map(citable, within.parts) if part)
    if not stem:
        raise Problem(f"{file}: its name has no letter or digit of ASCII, and passages are cited by it.")
    text = _read(file)
    sections = [Section((), text)] if file.suffix.lower() == ".txt" else sections_of(text)
    for number, section in enumerate(sections, 1):
        title = _BELOW.join(section.path) or within.name
        for part, chunk in enumerate(chunks_of(section.text), 1):
            name = _name(stem, section, number, part)
            yield Passage(id=name, title=cut(title, MOST_TITLE_CHARACTERS), text=chunk)


def _read(file: Path) -> str:
    try:
        text = file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Problem(f"{file}: it cannot be read ({type(error).__name__}); documents are UTF-8.") from None
    return _CONTROL.sub("", text)


def _name(stem: str, section: Section, number: int, part: int) -> str:
    """By its headings, so that it stays when a section comes before it; by number where none of a heading's letters
    can be cited."""
    headings = [citable(heading).lower() or str(number) for heading in section.path[1:]]
    end = f".{part}" if part > 1 else ""
    return ".".join([stem, *headings])[: MOST_ID_CHARACTERS - len(end)].rstrip("-._") + end


def sections_of(text: str) -> list[Section]:
    """The sections of a Markdown text that have words of their own. A ``#`` in a fenced block is no heading."""
    sections: list[Section] = []
    path: dict[int, str] = {}
    lines: list[str] = []
    fence = ""

    def close() -> None:
        if "".join(lines).strip():
            sections.append(Section(tuple(path[level] for level in sorted(path)), "\n".join(lines)))
        lines.clear()

    for line in text.split("\n"):
        if mark := _FENCE.match(line):
            fence = "" if fence == mark[1] else fence or mark[1]
        heading = None if fence or mark else _HEADING.fullmatch(line)
        if heading is None:
            lines.append(line)
            continue
        close()
        level, title = len(heading[1]), heading[2].rstrip().rstrip("#").rstrip()
        path = {above: other for above, other in path.items() if above < level} | {level: title}
    close()
    return sections


def chunks_of(text: str, most_characters: int = MOST_CHARACTERS) -> list[str]:
    """``text`` in as few pieces as whole paragraphs allow; a paragraph that is too long is cut."""
    chunks: list[str] = []
    for paragraph in _PARAGRAPHS.split(text):
        for piece in _pieces(paragraph.strip("\n").rstrip(), most_characters):
            if chunks and len(chunks[-1]) + 2 + len(piece) <= most_characters:
                chunks[-1] += f"\n\n{piece}"
            else:
                chunks.append(piece)
    return chunks


def _pieces(paragraph: str, most_characters: int) -> Iterator[str]:
    """Cut in the second half of what a piece may hold: after a sentence, else a line, else a word."""
    begin = 0
    while len(paragraph) - begin > most_characters:
        middle, end = begin + most_characters // 2, begin + most_characters
        ends = (at + len(mark) for mark in _BREAKS if (at := paragraph.rfind(mark, middle, end)) > 0)
        cut_at = next(ends, end)
        if piece := paragraph[begin:cut_at].strip():
            yield piece
        begin = cut_at
    if piece := paragraph[begin:].rstrip():
        yield piece


def _refuse_duplicates(passages: list[Passage]) -> None:
    """Ids that differ in case alone are the same to somebody who copies them by hand."""
    seen: dict[str, Passage] = {}
    for one in passages:
        if (other := seen.setdefault(one.id.lower(), one)) is not one:
            raise Problem(
                f"two passages would be cited as {one.id}: “{other.title}” and “{one.title}”; "
                "rename one of the headings or files."
            )
