"""The o200k_base tokenizer, from ranks that ship beside this file. Never a download.

Pattern and special tokens are those of ``tiktoken_ext.openai_public.o200k_base``
(https://github.com/openai/tiktoken); its own function fetches the ranks from the network, so
it is not called. ``python -m workbench.ranks`` rebuilds the resource.
"""

import marshal
import re
import zlib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from signalbox.contracts.errors import BadRequest, SignalboxError, TooLarge

if TYPE_CHECKING:
    from tiktoken import Encoding

RANKS = Path(__file__).with_name("o200k_base.ranks")
RANK_COUNT = 199_998
LONGEST_TOKEN_BYTES = 128

SPECIAL_TOKENS = {"<|endoftext|>": 199_999, "<|endofprompt|>": 200_018}
_LETTERS = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_SUFFIX = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
PATTERN = "|".join(
    [
        rf"[^\r\n\p{{L}}\p{{N}}]?{_LETTERS[0]}*{_LETTERS[1]}+{_SUFFIX}",
        rf"[^\r\n\p{{L}}\p{{N}}]?{_LETTERS[0]}+{_LETTERS[1]}*{_SUFFIX}",
        r"\p{N}{1,3}",
        r" ?[^\s\p{L}\p{N}]+[\r\n/]*",
        r"\s*[\r\n]+",
        r"\s+(?!\S)",
        r"\s+",
    ]
)

# The pattern's backtracking stack overflows at about a million whitespace characters in a row.
# The longest token of spaces is 128 of them, and this is a multiple of that.
_LONG_RUN = 65_536
# As many as a body may have.
MAX_DECODED_BYTES = 5_000_000
_LONG_WHITESPACE = re.compile(rf"\s{{{_LONG_RUN}}}")


def encode(text: str) -> list[int]:
    """The token ids of ``text``. Special tokens that are spelled out in it are plain text.

    Exactly tiktoken's, but for runs of more than 65,536 whitespace characters: these are cut,
    which may add a few tokens for each cut. Linear in the text, under 1 µs a byte at worst.
    Raises as ``encoder`` does.
    """
    bpe = encoder()
    return [token for piece in _pieces(text) for token in bpe.encode(piece, disallowed_special=())]


def decode(ids: Sequence[int], param: str = "conversation") -> str:
    """The text that ``ids`` spell. Special tokens are not text and are refused.

    Raises ``BadRequest`` (``invalid_token_id``) for an id that is no token, and for ids whose
    bytes together are not UTF-8; ``TooLarge`` (``body_too_large``) for more than 5 MB of text, as an
    id of a few digits may spell 128 bytes.
    """
    for position, token in enumerate(ids):
        if isinstance(token, bool) or not isinstance(token, int) or not 0 <= token < RANK_COUNT:
            message = f"Token ids are o200k_base: integers from 0 to {RANK_COUNT - 1}."
            raise BadRequest("invalid_token_id", message, param=f"{param}[{position}]")
    spelled = encoder().decode_bytes(ids)
    if len(spelled) > MAX_DECODED_BYTES:
        raise TooLarge("body_too_large", f"The token ids spell more than {MAX_DECODED_BYTES} bytes.", param=param)
    try:
        return spelled.decode()
    except UnicodeDecodeError:
        # The cause would carry the text.
        raise BadRequest("invalid_token_id", "The token ids do not spell UTF-8 text.", param=param) from None


@lru_cache(maxsize=1)
def encoder() -> "Encoding":
    """The one encoder of this process; the first call reads it (about 280 ms of CPU).

    Raises ``SignalboxError`` (``tokenizer_unavailable``) when the ranks are missing or damaged.
    """
    tokens = read_ranks(RANKS)
    import tiktoken  # here, so that requests which need no exact count never import it

    return tiktoken.Encoding(
        "o200k_base",
        pat_str=PATTERN,
        mergeable_ranks=dict(zip(tokens, range(RANK_COUNT), strict=True)),
        special_tokens=SPECIAL_TOKENS,
    )


def read_ranks(path: Path) -> list[bytes]:
    """The tokens in order of rank: a list in marshal format 2, deflated.

    zlib checks its own Adler-32, so damage is found before marshal sees a byte of it.
    Raises ``SignalboxError`` (``tokenizer_unavailable``).
    """
    try:
        tokens: list[bytes] = marshal.loads(zlib.decompress(path.read_bytes()))  # noqa: S302 - our own package's file
    except (OSError, zlib.error, ValueError, EOFError, TypeError) as error:
        raise _unavailable(type(error).__name__) from error
    if not isinstance(tokens, list) or len(tokens) != RANK_COUNT:
        raise _unavailable("not the ranks of o200k_base")
    return tokens


def _unavailable(why: str) -> SignalboxError:
    message = f"The tokenizer's {RANKS.name} is missing or damaged ({why}); rebuild it with python -m workbench.ranks."
    return SignalboxError("tokenizer_unavailable", message)


def _pieces(text: str) -> Iterator[str]:
    start = 0
    if len(text) > _LONG_RUN:
        for run in _LONG_WHITESPACE.finditer(text):
            yield text[start : run.end()]
            start = run.end()
    yield text[start:]
