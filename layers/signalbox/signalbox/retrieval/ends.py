"""Both ends of a long text: what is asked stands at its beginning or at its end, and what was pasted between."""


def both_ends(text: str, most_characters: int) -> str:
    """``text`` itself when it is short, else as much of its beginning as of its end."""
    if len(text) <= most_characters:
        return text
    half = (most_characters - 1) // 2
    return f"{text[:half]}\n{text[-half:]}"
