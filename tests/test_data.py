"""Data sets: what they hold, and what is refused with a sentence."""

import runpy
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.datasets import load_diabetes, load_digits

from gdviz import data


def test_diabetes_is_in_raw_units():
    patients = data.diabetes("bmi")
    assert len(patients) == 442
    assert (patients.x.min().item(), patients.x.max().item()) == pytest.approx((18.0, 42.2))
    assert (patients.y.min().item(), patients.y.max().item()) == (25.0, 346.0)
    assert patients.x_label == "body-mass index (kg/m²)"


def test_diabetes_is_the_table_of_scikit_learn():
    raw = load_diabetes(scaled=False)
    assert list(data.DIABETES) == raw.feature_names
    for feature, column in zip(raw.feature_names, raw.data.T):
        patients = data.diabetes(feature)
        assert np.array_equal(patients.x, column)
        assert np.array_equal(patients.y, raw.target)


def test_an_unknown_feature_lists_the_known_ones():
    with pytest.raises(ValueError, match=r"unknown feature 'weight'; known are age, sex, bmi, bp, s1"):
        data.diabetes("weight")


def test_standardized_has_mean_zero_and_deviation_one():
    z = data.diabetes("bp").standardized()
    assert z.x.mean().item() == pytest.approx(0, abs=1e-12)
    assert (z.x**2).mean().item() == pytest.approx(1, rel=1e-12)
    assert z.x_label == "mean blood pressure (standardised)"


def test_a_toy_line_is_the_same_for_the_same_seed():
    assert torch.equal(data.toy_line(seed=3).y, data.toy_line(seed=3).y)
    assert not torch.equal(data.toy_line(seed=3).y, data.toy_line(seed=4).y)
    exact = data.toy_line(50, w=-2, b=3, noise=0)
    assert torch.allclose(exact.y, -2 * exact.x + 3)


def test_a_toy_tone_has_its_frequency_its_noise_and_its_times():
    tone = data.toy_tone(20_000, frequency=3.0, noise=0.4)
    errors = tone.y - torch.sin(3.0 * tone.x)
    assert errors.std().item() == pytest.approx(0.4, rel=0.03)
    assert (tone.x.min().item(), tone.x.max().item()) == pytest.approx((-5, 5), abs=0.01)
    assert torch.equal(data.toy_tone(9, seed=3).y, data.toy_tone(9, seed=3).y)


def test_digits_are_split_once_into_two_parts():
    (x, y), (held_x, held_y) = data.digits(held_out=300)
    assert x.shape == (1497, 64)
    assert held_x.shape == (300, 64)
    assert x.dtype == torch.float32
    assert (x.min(), x.max()) == (0, 1)
    everything = torch.cat([x, held_x]) * 16
    raw = load_digits()
    assert sorted(map(tuple, everything.tolist())) == sorted(map(tuple, raw.data.tolist()))
    known = {tuple(row): digit for row, digit in zip(raw.data.tolist(), raw.target.tolist())}
    assert [known[tuple(row)] for row in everything.tolist()] == torch.cat([y, held_y]).tolist()
    again, other = data.digits(held_out=300)[0], data.digits(held_out=300, seed=1)[0]
    assert torch.equal(again[0], x)
    assert not torch.equal(other[0], x)


@pytest.mark.parametrize("held_out", [0, 1797, -1, 0.2, None, True])
def test_some_digits_are_held_out_and_some_are_not(held_out):
    with pytest.raises(ValueError, match="held_out must be a whole number from 1 to 1796"):
        data.digits(held_out=held_out)


def test_each_name_belongs_to_one_of_twelve_languages():
    words, languages = data.names()
    assert len(words) == len(languages) == len(set(words)) == 9_948
    counts = Counter(languages)
    assert list(counts) == ["cs", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "tr"]
    assert max(counts.values()) / len(words) < 0.12
    assert dict(zip(words, languages))["Deutschland"] == "de"


@pytest.mark.slow
def test_the_names_are_what_the_script_makes_of_cldr_and_carry_their_licence():
    folder = Path(data.__file__).parent / "names"
    committed = (folder / "names.csv").read_text(encoding="utf-8")
    assert len(committed.encode()) < 400_000
    assert "UNICODE LICENSE V3" in (folder / "LICENSE.unicode").read_text(encoding="utf-8")
    made = runpy.run_path(str(folder.parents[2] / "notebooks" / "tools" / "from_cldr.py"))["text"]()
    assert made.splitlines()[0] != committed.splitlines()[0] or made == committed  # another Babel has other counts


@pytest.mark.parametrize(
    ("keep", "message"),
    [
        (lambda text: text[: len(text) // 2], "is cut short or damaged: it should hold 9948 names and holds"),
        (lambda text: text[: text.rindex(",")], "is cut"),
        (lambda text: text[:-3], "is cut"),
        (lambda text: text[: text.index("\n", len(text) // 2) + 1], "is cut"),
        (
            lambda text: text.replace("cs,", "cs,x,", 1),
            "is cut short or damaged: .* holds 9947 whole ones, line 2 is not one",
        ),
        (lambda text: text.replace("\nde,", '\nde,"', 1), "the quotation mark in line 1034 is not closed"),
        (lambda text: text.replace("\nde,", '\nde,"', 1).replace("\nfi,", '\nfi,"', 1), "in line 1034 is not closed"),
        (lambda text: text.replace("\nde,", '\n"de,').replace("\nfi,", '\n"fi,'), "in line 1034 is not closed"),
        (lambda text: text.replace("\nde,", '\nde,"', 1).replace("\nfi,", '"\nfi,', 1), "in line 1034 is not closed"),
        (lambda text: text.replace("cs,Abidžan\ncs,Afghánistán\n", 'cs,"Abidžan\ncs,Afghánistán"\n'), "is cut"),
        (lambda text: ",,\n", "is not a file of names"),
        (lambda text: text.replace(",9948", ",many", 1), "is not a file of names"),
        (lambda text: text.replace(",9948", ",²", 1), "is not a file of names"),
        (lambda text: "", "is not a file of names"),
        (lambda text: text.replace(",9948", "", 1), "is not a file of names"),
        (lambda text: text.replace(",", ";"), "is not a file of names"),
    ],
)
def test_a_file_of_names_that_was_cut_or_is_another_is_refused(tmp_path, keep, message):
    whole = (Path(data.__file__).parent / "names" / "names.csv").read_text(encoding="utf-8")
    (tmp_path / "names.csv").write_text(keep(whole), encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        data.names(tmp_path / "names.csv")
    with pytest.raises(FileNotFoundError, match="no file"):
        data.names(tmp_path / "nothing.csv")


@pytest.mark.parametrize("n", [1, 0, -3, 2.5, "ten"])
def test_a_toy_line_needs_two_points(n):
    with pytest.raises(ValueError, match="n must be a whole number, 2 or more"):
        data.toy_line(n)


def test_a_file_of_names_that_ends_within_a_letter_is_cut(tmp_path):
    raw = (Path(data.__file__).parent / "names" / "names.csv").read_bytes()
    (tmp_path / "names.csv").write_bytes(raw[: raw.index("ž".encode()) + 1])
    with pytest.raises(ValueError, match="is cut short or damaged"):
        data.names(tmp_path / "names.csv")


def test_an_editor_may_put_a_byte_order_mark_before_the_names(tmp_path):
    raw = (Path(data.__file__).parent / "names" / "names.csv").read_bytes()
    (tmp_path / "names.csv").write_bytes(b"\xef\xbb\xbf" + raw)
    assert data.names(tmp_path / "names.csv") == data.names()


def test_a_name_belongs_to_one_language_whatever_its_case():
    words, languages = data.names()
    assert len(words) == 9948
    assert len({word.casefold() for word in words}) == len(words)
    assert list(languages) == sorted(languages)
    assert not any("\u00ad" in word for word in words)


def test_two_moons_are_standardised_and_hold_one_another():
    inputs, targets = data.toy_moons()
    assert inputs.shape == (200, 2)
    assert torch.allclose(inputs.mean(0), torch.zeros(2).double(), atol=1e-12)
    assert torch.allclose(inputs.std(0, correction=0), torch.ones(2).double())
    assert targets.bincount().tolist() == [100, 100]
    assert all(torch.equal(a, b) for a, b in zip(data.toy_moons(), (inputs, targets)))
    assert not torch.equal(data.toy_moons(seed=1)[0], inputs)
    upper, lower = (inputs[targets == k] for k in (0, 1))
    assert upper[:, 1].mean() > lower[:, 1].mean()
    assert upper[:, 0].max() > lower[:, 0].min()  # no vertical line parts them


@pytest.mark.parametrize("n", [3, 0, 2.5, True])
def test_too_few_points_make_no_moons(n):
    with pytest.raises(ValueError, match="n must be a whole number, 4 or more"):
        data.toy_moons(n)


def test_digits_have_their_defaults():
    (inputs, targets), (others, _) = data.digits()
    assert (len(inputs), len(others), targets.dtype) == (1437, 360, torch.int64)
    assert torch.equal(inputs, data.digits(held_out=360, seed=0)[0][0])
