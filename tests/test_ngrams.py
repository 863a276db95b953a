"""Names as n-grams, and n-grams as numbers."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gdviz.networks.ngrams import LONGEST, Vocabulary, ngrams


def test_a_name_is_all_its_runs_of_one_two_and_three_letters_with_its_ends():
    assert ngrams("Ob") == ["<", "o", "b", ">", "<o", "ob", "b>", "<ob", "ob>"]
    assert ngrams("Ob", sizes=[2]) == ["<o", "ob", "b>"]


@pytest.mark.slow
@given(st.text(max_size=200))
def test_any_text_has_n_grams(text):
    found = ngrams(text)
    assert found[0] == "<"
    assert all(1 <= len(gram) <= 3 for gram in found)
    assert Vocabulary.of(["Wien", "Wieden"])([text]).shape[0] == 1


def test_case_accents_and_spaces_around_make_no_difference():
    assert ngrams(" ZÜRICH ") == ngrams("zu\u0308rich") == ngrams("Zürich")
    assert "ß" in ngrams("Straße")  # and not two s: it tells much


def test_only_the_first_hundred_letters_count():
    assert ngrams("a" * 1000) == ngrams("a" * LONGEST)
    assert len(ngrams("a" * 1000, sizes=[1])) == LONGEST + 2
    assert len(ngrams("a\u0308" * 100, sizes=[1])) == LONGEST + 2  # joined first


def test_a_vocabulary_numbers_what_occurs_in_two_names_and_leaves_out_the_rest():
    vocabulary = Vocabulary.of(["ab", "ac"], sizes=[1, 2])
    assert set(vocabulary.numbers) == {"<", ">", "a", "<a"}
    assert sorted(vocabulary.numbers.values()) == [1, 2, 3, 4]
    assert len(vocabulary) == 5
    assert str(vocabulary) == "4 n-grams"
    assert list(vocabulary.numbers) == sorted(vocabulary.numbers)  # the same numbers in every run
    numbers = vocabulary(["ab", "x", ""])
    assert numbers.dtype == torch.int64
    known = vocabulary.numbers
    assert numbers.tolist() == [
        [known["<"], known["a"], known[">"], known["<a"]],
        [known["<"], known[">"], 0, 0],  # filled up with the padding
        [known["<"], known[">"], 0, 0],
    ]


def test_an_n_gram_that_comes_twice_in_a_name_counts_twice_and_once_for_the_vocabulary():
    assert "a" not in Vocabulary.of(["aa", "bc", "bd"], sizes=[1]).numbers
    vocabulary = Vocabulary.of(["aa", "ab"], sizes=[1])
    assert vocabulary(["aa"]).tolist() == [[vocabulary.numbers[gram] for gram in "<aa>"]]


def test_no_names_are_an_empty_tensor():
    assert Vocabulary.of(["ab", "ac"])([]).shape == (0, 0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: ngrams(7), TypeError, "a name is text, got 7"),
        (lambda: ngrams(None), TypeError, "a name is text"),
        (lambda: Vocabulary.of("Wien"), TypeError, "names must be a list of names, got 'Wien'"),
        (lambda: Vocabulary.of(["Wien", "Wieden"])("Wien"), TypeError, "names must be a list of names"),
        (lambda: Vocabulary.of([]), ValueError, "a vocabulary needs names, got none"),
        (lambda: Vocabulary.of(3), TypeError, "names must be a list of names, got 3"),
        (lambda: Vocabulary.of(["ab"], sizes=(3,)), ValueError, "no n-gram occurs in 2 of the names"),
        (lambda: Vocabulary.of(["ab"], least=0), ValueError, "least must be a whole number, 1 or more, got 0"),
        (lambda: Vocabulary.of(["ab"], least=True), ValueError, "least must be a whole number"),
        (lambda: ngrams("ab", sizes=[True]), ValueError, "sizes must be different whole numbers"),
        (lambda: ngrams("ab", sizes=[0]), ValueError, "sizes must be different whole numbers, 1 or more"),
        (lambda: ngrams("ab", sizes=(1, 1)), ValueError, "sizes must be different whole numbers"),
        (lambda: ngrams("ab", sizes="12"), ValueError, "sizes must be different whole numbers"),
        (lambda: Vocabulary.of(["ab", "ac"], sizes=2), ValueError, "sizes must be different whole numbers"),
        (lambda: Vocabulary.of(["ab", "ac"], sizes=[]), ValueError, "sizes must be different whole numbers"),
    ],
)
def test_what_is_no_name_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()
