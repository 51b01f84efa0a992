"""Texts that stand nearly word for word in others: what is tested should not have been learnt."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import CountVectorizer

from workbench.training.corpus import Example

# Words in common over all words of both.
NEAR = 0.7
_AT_A_TIME = 2000  # the whole matrix would not fit


def apart(tested: Sequence[Example], learnt: Sequence[Example], near: float = NEAR) -> list[Example]:
    """``tested`` without the single utterances that share ``near`` of their words with one of ``learnt``. Case and
    signs do not count. Of a conversation the latest turn alone says too little to be compared: all stay."""
    single = [one.turns[0].text for one in learnt if len(one.turns) == 1]
    words = CountVectorizer(binary=True, dtype=np.float32, token_pattern=r"[^\W_]+")  # noqa: S106 - no secret
    own = words.fit_transform([one.turns[-1].text for one in tested])
    known, split = words.transform(single), words.build_analyzer()
    sizes = np.array([len(set(split(text))) for text in single])
    is_near = np.zeros(len(tested), np.bool_)
    for at in range(0, len(single), _AT_A_TIME):
        common = (known[at : at + _AT_A_TIME] @ own.T).toarray()
        both = sizes[at : at + _AT_A_TIME, None] + np.asarray(own.sum(1)).T - common
        is_near |= (common >= near * np.maximum(1, both)).any(0)
    return [one for one, too_near in zip(tested, is_near, strict=True) if len(one.turns) > 1 or not too_near]
