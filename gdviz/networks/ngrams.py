"""Names as tensors: the short runs of letters in them, by their numbers in a vocabulary."""

import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gdviz.hyperparameters import is_whole, whole

LONGEST = 100  # letters of a name that are looked at


def ngrams(name: str, sizes: Sequence[int] = (1, 2, 3)) -> list[str]:
    """All runs of 1, 2 and 3 letters of <name>, in lower case: "Ob" gives < o b > <o ob b> <ob ob>.

    How a name begins and ends tells much, hence < and >, as in fastText. (A < in a name is taken for such a mark.)
    Accents are joined to their letters (Unicode's NFC); letters after the hundredth are left out.

    Args:
        name: a text.
        sizes: how long the runs are: different whole numbers, 1 or more.

    Returns:
        The runs, the shorter first.

    Raises:
        TypeError: the name is not text.
        ValueError: other sizes.

    Example:
        >>> ngrams("Ob", (2, 3))
        ['<o', 'ob', 'b>', '<ob', 'ob>']
    """
    if not isinstance(name, str):
        raise TypeError(f"a name is text, got {name!r}")
    known = isinstance(sizes, Sequence) and all(is_whole(n) and n >= 1 for n in sizes)
    if not known or not 1 <= len(set(sizes)) == len(sizes):
        raise ValueError(f"sizes must be different whole numbers, 1 or more, such as (1, 2, 3); got {sizes!r}")
    text = f"<{unicodedata.normalize('NFC', unicodedata.normalize('NFC', name.strip()).lower())[:LONGEST]}>"
    return [text[i : i + n] for n in sizes for i in range(len(text) - n + 1)]


@dataclass(frozen=True)
class Vocabulary:
    """The n-grams that occur in at least `least` of some names, numbered from 1; 0 is the padding.

    vocabulary(names) are the numbers of the n-grams of each name, (names, longest): int64, filled up with 0. An n-gram
    that the vocabulary does not know is left out. len() counts the numbers, that of the padding included.

    Args:
        numbers: n-gram -> its number.
        sizes: how long the n-grams are.

    Example:
        >>> vocabulary = Vocabulary.of(["Ob", "Oder"], sizes=(1,))
        >>> len(vocabulary), vocabulary(["Ob", "O"]).shape
        (4, torch.Size([2, 3]))
    """

    numbers: dict[str, int]
    sizes: tuple[int, ...] = (1, 2, 3)

    @classmethod
    def of(cls, names: Iterable[str], *, least: int = 2, sizes: Sequence[int] = (1, 2, 3)) -> "Vocabulary":
        """The vocabulary of these names: of those to train on, never of those that are held out.

        Args:
            names: texts.
            least: in how many of them an n-gram must occur.
            sizes: how long the n-grams are.

        Returns:
            The vocabulary.

        Raises:
            ValueError: least or sizes out of range.
        """
        whole("least", least)
        ngrams("", sizes)  # refuses sizes that are none
        names = _several(names)
        counts = Counter(gram for name in names for gram in set(ngrams(name, sizes)))
        known = sorted(gram for gram, count in counts.items() if count >= least)
        if not names:
            raise ValueError("a vocabulary needs names, got none")
        if not known:
            raise ValueError(f"no n-gram occurs in {least} of the names; give more names or a smaller least")
        return cls({gram: number for number, gram in enumerate(known, 1)}, tuple(sizes))

    def __len__(self) -> int:
        return len(self.numbers) + 1

    def __repr__(self) -> str:
        return f"{len(self.numbers)} n-grams"

    def __call__(self, names: Iterable[str]) -> Tensor:
        """The numbers of the n-grams of each name, (names, longest), int64."""
        rows = [
            [self.numbers[gram] for gram in ngrams(name, self.sizes) if gram in self.numbers]
            for name in _several(names)
        ]
        longest = max(map(len, rows), default=0)
        return torch.tensor([row + [0] * (longest - len(row)) for row in rows], dtype=torch.int64).reshape(
            len(rows), longest
        )


def _several(names: Iterable[str]) -> list[str]:
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(f"names must be a list of names, got {names!r}")
    return list(names)
