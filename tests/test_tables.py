"""A CSV or columns of the learner's own: read exactly, or refused with the place and the cure."""

import array
import datetime
import math
import unicodedata
from collections import deque
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
import torch

from gdviz import data


@pytest.fixture
def flats(tmp_path):
    """flats(text) -> the file flats.csv that holds it."""

    def write(text, encoding="utf-8"):
        path = tmp_path / "flats.csv"
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    return write


def read(path, x="size", y="price"):
    mine = data.own(x, y, csv=path)
    return mine.x.tolist(), mine.y.tolist()


# A file that is read


@pytest.mark.parametrize(
    "text",
    [
        "size,price\n50,310\n62,350\n",
        "\ufeffsize;price\n50;310\n62;350",
        "size\tprice\n50\t310\n62\t350\n\n",
        "size,price\r\n50,310\r\n62,350\r\n",
        "size,price\r50,310\r62,350\r",
        "\n\nsize,price\n\n50,310\n \n62,350\n\n",
        "price,,size\n310,,50\n350,a,62\n",  # a column without a name
        ",size,price\n0,50,310\n1,62,350\n",  # the index of a frame
        "size,price\n50,310,\n62,350,,\n",
        "size,price,\n50,310\n62,350,\n",
        "size;price;;\n50;310;;\n62;350;;\n;;;\n",
        "size,price\n50,310\n62,350\n,\n",
        '"size","price"\n"50","310"\n"62", "350"\n',
        " size , price\n 50 ,\t310\n62,\u00a0350 \n",
        "sep=;\nsize;price\n50;310\n62;350\n",
        'SEP=|\r\nsize|price\r\n50|310\r\n62|"350"\r\n',
        "\ufeffsep=\t\nsize\tprice\n50\t310\n62\t350\n",
        "size,price\n+50,310.\n6.2e1,3.5E+2\n",
        "size,price,price per m²,note,note\n50,310,6.2,a,b\n62,350,nan,,\n",
        'size,price,note\n50,310,5" pipe\n62,350,"a ""b"", c"\n',
        "\ufeff\ufeffsize,price\n50,310\n62,350\n",
        "<note>,size,price\n<html>,50,310\n,62,350\n",
        "PK,size,price\n1,50,310\n2,62,350\n",
    ],
)
def test_a_csv_is_read_as_it_stands(flats, text):
    assert read(flats(text)) == ([50, 62], [310, 350])


@pytest.mark.parametrize(
    ("text", "x"),
    [
        ("size, in m2;price\n50;310\n62;350\n", "size, in m2"),
        ("price;a;b, c, d;size\n310;0;0;50\n350;0;0;62\n", "size"),
        ("size; m2,price\n50,310\n62,350\n", "size; m2"),
        ("a;size, in m2\tprice\n50\t310\n62\t350\n", "a;size, in m2"),
        ('price;"size; in m2"\n310;50\n350;62\n', "size; in m2"),
    ],
)
def test_the_separator_is_the_one_with_which_the_columns_are_there(flats, text, x):
    assert read(flats(text), x) == ([50, 62], [310, 350])


@pytest.mark.parametrize(
    ("head", "asked"),
    [
        ("Größe", unicodedata.normalize("NFD", "Größe")),
        (unicodedata.normalize("NFD", "Größe"), "Größe"),
        ("size\u00a0in\u202fm2", "size in m2"),
        ("size in m2", "size\u00a0in m2"),
        (" size ", "size"),
        ("size", " size\t"),
        ("\u200bsize\u200e", "size"),
        ('"size\nin m2"', "size in m2"),
    ],
)
def test_a_name_is_found_however_its_letters_and_blanks_are_stored(flats, head, asked):
    path = flats(f"{head},price\n50,310\n62,350\n")
    assert read(path, asked) == ([50, 62], [310, 350])
    assert data.own(asked, "price", csv=path).x_label == unicodedata.normalize("NFC", " ".join(asked.split()))


def test_a_file_may_be_named_from_home(flats, monkeypatch):
    monkeypatch.setenv("HOME", str(flats("size,price\n50,310\n62,350\n").parent))
    monkeypatch.setenv("USERPROFILE", str(flats("size,price\n50,310\n62,350\n").parent))
    assert read("~/flats.csv")[0] == [50, 62]


def test_a_csv_of_pandas_comes_back_to_the_last_bit(tmp_path):
    frame = pd.DataFrame({"x": np.random.default_rng(0).normal(size=99) * 1e-5, "y": np.arange(99) / 7})
    frame.to_csv(tmp_path / "frame.csv")
    assert read(tmp_path / "frame.csv", "x", "y") == (frame["x"].tolist(), frame["y"].tolist())


# A file that is refused: its rows


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size,price\n50,310\n62,5,350\n75,420\n", r"line 3 has 3 cells, the header 2 \(a decimal comma\?"),
        ("size,price\n50,310\n62,5,350,7\n75,420\n", "line 3 has 4 cells, the header 2"),
        ("size,price\n50,310\n62\n75,420\n", r"line 3 has 1 cell, the header 2 \(is a cell missing"),
        ("size,price,note\n50,310,a\n62,350\n", "line 3 has 2 cells, the header 3"),
        ("size,price\n50,310\n# 2024, new\n62,350\n", "line 3, column 'size': '# 2024' is not a number"),
        ("size,price\n50,310\n# new\n62,350\n", "line 3 has 1 cell, the header 2 .*is this line not an example"),
        (
            "size;price\n50;310;a\n62;350\n",
            r"line 2 has 3 cells, the header 2 \(put text that contains ';' in quotation",
        ),
        ("size,price,\n50,310,7\n62,350\n", "line 2 has 3 cells, the header 2"),
        ("price\n1,5\n2\n", "line 2 has 2 cells, the header 1"),
        ("size;price\n50;310\n62,350\n", "line 3 has 1 cell, the header 2"),
    ],
)
def test_a_short_or_a_long_row_is_refused_with_its_line(flats, text, message):
    with pytest.raises(ValueError, match=message):
        read(flats(text)) if "size" in text else read(flats(text), "price")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('size,price,note\n50,310,a\n62,350,"b\n75,420,c\n', 3),
        ('size,price,note\n50,310,a\n62,350,"b', 3),
        ('size,price,note\n50,310,a\n62,350,"b\n75,420,"c"\n80,460,d\n', 3),
        ('size,price,note\n50,310,a\n62,350,"b\n75,420,c\n80,460,d"\n', 3),
        ('size,price,note\r\n50,310,a\r\n62,350,"b\r\n75,420,5""\r\n', 3),
        ('size,price,note\r50,310,a\r"62,350,b\r75,420,c\r', 3),
        ('size,price,note\n\n50,310,"a\nb"\n\n62,350,"b\n75,420,c\n', 6),
        ('note,size,more,price\n"a\nb",62,"c\nd",350\n"e\nf",62,"g,350\nh,75,i,420\n', 6),
        ('note,more\n"a\nb","c', 3),
        ('size,price,note\n50,310,"' + "a\n" * 99_999, 2),
        ('size,"price,note\n50,310,a\n', 1),
        ('"size,price\n50,310\n62,350\n', 1),
    ],
)
def test_a_quotation_mark_that_is_not_closed_is_named_with_its_line(flats, text, line):
    with pytest.raises(ValueError, match=f"the quotation mark in line {line} is not closed"):
        read(flats(text))


def test_a_quotation_mark_within_a_quoted_cell_must_be_doubled(flats):
    with pytest.raises(
        ValueError, match="line 3: only a separator may follow a closing quotation mark; double those within a cell"
    ):
        read(flats('size,price,note\n50,310,a\n62,350,"5" pipe"\n75,420,c\n'))


@pytest.mark.parametrize("cell", [f"{'1' * 100_000}x", f"1{' _' * 50_000};", f"1{'1,' * 50_000}", "a" * 100_000])
def test_a_long_cell_is_refused_at_once_and_shown_in_short(flats, cell):
    with pytest.raises(ValueError, match=r"line 2, column 'size': .*\.\.\. is not a number") as refused:
        read(flats(f'size,price\n"{cell}",350\n62,310\n'))
    assert len(str(refused.value)) < 400


def test_a_cell_that_is_too_long_is_named_with_its_line(flats):
    with pytest.raises(ValueError, match="line 3: a cell has more than 131,072 characters"):
        read(flats(f"size,price,note\n50,310,a\n62,350,{'a' * 200_000}\n75,420,c\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x,y,y\n1,2,3\n2,3,4\n", "has 2 columns named 'y'"),
        ("x,y, Y ,y ,y\n1,2,3,4,5\n", "has 3 columns named 'y'"),
        ("x;y;y\u0301;y\u00a0\n1;2;3;4\n", "has 2 columns named 'y'"),
    ],
)
def test_a_column_that_is_asked_for_must_be_there_once(flats, text, message):
    with pytest.raises(ValueError, match=message):
        read(flats(text), "x", "y")
    with pytest.raises(ValueError, match=message):
        read(flats(text), "y", "x")


def test_a_column_that_is_not_asked_for_may_be_there_twice(flats):
    assert read(flats("x,n,y,n,,\n1,2,3,4,,\n2,2,4,4,,\n"), "x", "y") == ([1, 2], [3, 4])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size,cost\n1,2\n2,3\n", "has no column 'price'; it has 'size', 'cost'"),
        ("1,2\n2,3\n", r"has no column 'size'; it has '1', '2' \(names belong in the first row"),
        ("size price\n1 2\n2 3\n", "it has 'size price' .*separated by commas, semicolons or tabs"),
        (
            "Flats in Leipzig\n\nsize,price\n1,2\n",
            r"it has 'Flats in Leipzig' \(line 3 has it; delete the lines above it",
        ),
        ("# by a logger\n# 2024\nsize;price\n1;2\n", "line 3 has it; delete the lines above it"),
    ],
)
def test_a_missing_column_lists_those_that_are_there(flats, text, message):
    with pytest.raises(ValueError, match=message):
        read(flats(text))


@pytest.mark.parametrize("asked", [0, 1.5, None, ["size"], ("size",), b"size", True])
def test_a_column_is_asked_for_by_its_name(flats, asked):
    with pytest.raises(TypeError, match=r"with csv=..., x and y are names of columns, as text; got "):
        read(flats("size,price\n50,310\n62,350\n"), asked)


# A file that is refused: its cells


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size,price\n1,2\n2,nan\n", "line 3, column 'price': 'nan' is not a number: the value is missing; fill it in"),
        ("size,price\n1,2\ninf,2\n", "line 3, column 'size': 'inf' is not a number: it must be finite"),
        ("size,price\n1,\n2,3\n", "line 2, column 'price': '' is not a number: the value is missing"),
        ("\n\nsize,price\n1,2\n\n2,x\n", "line 6, column 'price': 'x' is not a number$"),
        ("size,price\r\n1,2\r\n\r\n2,x\r\n", "line 4, column 'price'"),
        ("size,price\r1,2\r\r2,x\r", "line 4, column 'price'"),
        ('note,size,price\n"a\nb",1,2\nc,2,x\n', "line 4, column 'price'"),
        ('note,size,price\r\n"a\r\n\r\nb",1,2\r\nc,2,x\r\n', "line 5, column 'price'"),
        ('note,size,price\n"a\nb",1,x\n', "line 3, column 'price'"),
        ('price,note,size\nx,"a\nb",1\n', "line 2, column 'price'"),
        ("note,size,price\na\u2028b\x0b\x0c\x85\x1c,1,2\nc,2,x\n", "line 3, column 'price'"),
        ("sep=;\nsize;price\n1;2\n2;x\n", "line 4, column 'price'"),
        ('"size\nin m2",size,price\n1,1,2\n1,2,x\n', "line 4, column 'price'"),
        ('size,price\n1,"2\n\nx"\n', "line 2, column 'price'"),
    ],
)
def test_a_bad_cell_is_named_with_the_line_of_the_file_and_the_column(flats, text, message):
    with pytest.raises(ValueError, match=message):
        read(flats(text))


CELLS = {  # the cure -> cells that call for it
    "the value is missing": "|nan|NaN| |NA|n/a|n.a.|N.A|None|null|NaT|<NA>|-|--|?|.|#N/A|#DIV/0!|#",
    "it must be finite": "inf|-inf|+Infinity|infinity|∞|-∞",
    "too large for a float": f"1e400|-1e400|{'9' * 400}",
    "write 1 for True and 0 for False": "True|FALSE|true",
    "a date or a time": "2024-01-05|05.01.2024|1/5/24|2024-01-05 10:30|2024-01-05T10:30:00+01:00|10:30|1:05 PM|2024-01"
    "|5 Jan 2024|January 5, 2024|3 days|2024/1/5",
    "write it with the digits 0 to 9": "１２|１２．５|٣|-१२",
    "leave out the per cent sign": "12%|12 %|12.5%|12,5 %|１２％|%12",
    "type a plain minus": "−5|–5|—5.2|− 5|−5,2|1e−5|- 5|(310)|310-|−.5",
    "a decimal comma": "62,5|-62,5|1,5e3|,5|62,|1,234",
    "write nothing between thousands": "1.234,56|1,234.56|1,234,567|1.234.567|1 000|1\u00a0000|1\u202f000|1\u2009000,5"
    "|1'000|1’000|1_000|1_0.5|12 34",
    "write the number alone": "$310|310 €|€ 1.200,00|USD 5|£5|310,- €|50 m2|50m²|62.5 kg|~5|>5|5*|'50'|\"50\"|5°C|-$5"
    "|1d5|++5",
    "it holds another separator": "50;310|50\t310",
    "": "x|two|market|0x10|1e5e5|½|+|1+1|size",
}


@pytest.mark.parametrize(("cure", "cell"), [(cure, cell) for cure, cells in CELLS.items() for cell in cells.split("|")])
def test_what_is_no_number_is_refused_with_the_cure(flats, cure, cell):
    quoted = cell.replace('"', '""')
    path = flats(f'size,price\n50,310\n"{quoted}",350\n75,420\n')
    with pytest.raises(ValueError, match=r"line 3, column 'size': .* is not a number") as refused:
        read(path)
    _, _, told = str(refused.value).partition(" is not a number")
    assert told.startswith(f": {cure}") if cure else not told
    with pytest.raises(TypeError, match=r"x must be numbers, one for each example, got .* at position 1") as refused:
        data.own([50, cell, 75], [1, 2, 3])
    assert str(refused.value).endswith(told.replace(" is not a number", ""))


# A file that is another


@pytest.mark.parametrize("text", ["größe,price\n50,310\n62,350\n", "size,price,ort\n50,310,köln\n62,350,n\n"])
@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252", "latin-1", "cp437"])
def test_another_encoding_says_how_to_save_it(flats, text, encoding):
    with pytest.raises(ValueError, match="is not UTF-8 text; save it as CSV UTF-8"):
        read(flats(text, encoding))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"size,price\n50,310\n62,\x00\x00\x00\x00", "is not UTF-8 text; save it as CSV UTF-8"),
        (b"PK\x03\x04\x14\x00\x06\x00", "is a workbook .*save it as CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is a workbook"),
        (b"\x1f\x8b\x08\x00", "is compressed; unpack it first"),
        (b"\n<!DOCTYPE html>\n<html>", "is a web page; download the file itself"),
        (b"\xef\xbb\xbf<html lang='en'>", "is a web page"),
        (b'[{"size": 50, "price": 310}]', "is JSON; save it as CSV UTF-8"),
        (b'{\n  "size": [50, 62]}', "is JSON"),
        (b'<?xml version="1.0"?>', "is a web page"),
        ("size,price\n50,310\n62,ä".encode()[:-1], "is cut short or damaged: it ends in the middle of a letter"),
        (b"", "is empty; it needs a row of column names and a row for each example"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"size,price", "is empty"),
        (b"size,price\n", "is empty"),
        (b"size,price\n\n,\n", "is empty"),
        (b"sep=,\nsize,price\n", "is empty"),
        (b"sep=,\n", "is empty"),
        (b"size,price\n50,310\n", "a line needs at least two points, got 1"),
    ],
)
def test_a_file_that_holds_no_table_is_told_what_it_is(flats, raw, message):
    with pytest.raises(ValueError, match=message):
        read(flats(raw))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("nowhere.csv", r"no file nowhere.csv in .+"),
        (".", r"no file \. in .+; that is a folder: name a file in it"),
        ("https://example.org/flats.csv", "that is an address: download the file first"),
        ("size,price\n50,310\n" * 99, "that is the text itself: save it in a file, and give its path"),
        ("a\0b", "no file"),
        ("a" * 999, "no file"),
    ],
)
def test_a_missing_file_is_named_with_the_folder(given, message):
    with pytest.raises(FileNotFoundError, match=message):
        data.own("size", "price", csv=given)


@pytest.mark.parametrize("given", [5, ["flats.csv"], b"flats.csv", pd.DataFrame({"size": [1, 2]})])
def test_a_file_is_given_by_its_path(given):
    with pytest.raises(TypeError, match="a file is given by its path, got"):
        data.own("size", "price", csv=given)


# Columns


FRAME = pd.DataFrame({"size": [50, 62, 75], "price": [310.0, 350.0, 420.0]})
SIZES = np.array([50.0, 62.0, 75.0])
SIZES.flags.writeable = False


@pytest.mark.parametrize(
    "x",
    [
        [50, 62, 75],
        (50, 62.0, 75.0),
        [Fraction(50), Decimal("62"), np.float32(75)],
        [np.int8(50), np.uint64(62), np.float16(75)],
        [torch.tensor(50), torch.tensor(62.0, requires_grad=True), np.array(75)],
        [torch.tensor([50.0], requires_grad=True), torch.tensor([62.0]), torch.tensor([75.0])],
        [[50], [62], [75]],
        SIZES,
        SIZES[:, None],
        SIZES[::-1][::-1],
        SIZES[::-1].copy()[::-1],
        np.repeat(SIZES, 2)[::2],
        np.array([50, 62, 75], dtype=np.int8),
        np.array([50, 62, 75], dtype=np.uint8),
        np.array([50, 62, 75], dtype=np.float16),
        np.array([50, 62, 75], dtype=np.longdouble),
        *(SIZES.astype(kind) for kind in (">f8", ">f4", ">i4", "<i2", ">u2")),
        np.array([50, 62, 75], dtype=object),
        np.ma.array(SIZES, mask=[0, 0, 0]),
        array.array("d", [50, 62, 75]),
        memoryview(array.array("d", [50, 62, 75])),
        deque([50, 62, 75]),
        torch.tensor([50, 62, 75]),
        torch.tensor([50.0, 62.0, 75.0], requires_grad=True),
        torch.nn.Parameter(torch.tensor([[50.0], [62.0], [75.0]])),
        torch.tensor([50, 62, 75], dtype=torch.uint8),
        torch.tensor([50, 62, 75], dtype=torch.bfloat16),
        torch.tensor([50, 62, 75], dtype=torch.float16),
        torch.complex(torch.zeros(3), torch.tensor([-50.0, -62.0, -75.0])).conj().imag,  # with its negative bit
        FRAME["size"],
        FRAME[["size"]],
        FRAME["size"].array,
        FRAME.set_index("size").index,
        *(FRAME["size"].astype(kind) for kind in ("Int64", "Float64", "Float32", "int8", "category", "object")),
        FRAME["size"].iloc[::-1].iloc[::-1],
        pd.Series(pd.arrays.SparseArray([50, 62, 75])),
    ],
)
def test_a_column_of_numbers_is_taken_whatever_holds_it(x):
    mine = data.own(x, FRAME["price"])
    assert mine.x.tolist() == [50, 62, 75]
    assert mine.x.dtype == torch.float64
    assert not mine.x.requires_grad


def test_a_range_is_a_column():
    assert data.own(range(3), range(3, 0, -1)).y.tolist() == [3, 2, 1]


@pytest.mark.parametrize("given", [np.array([1.0, 2.0]), torch.tensor([1.0, 2.0], dtype=torch.float64), [1.0, 2.0]])
def test_data_is_a_copy(given):
    mine = data.own(given, given)
    given[0] = 7.0
    mine.y[1] = 9.0
    assert mine.x.tolist() == [1, 2]
    assert float(given[1]) == 2


def test_columns_bring_their_names():
    names = [(mine.x_label, mine.y_label) for mine in (
        data.own(FRAME["size"], FRAME["price"]),
        data.own(FRAME[["size"]], FRAME[["price"]]),
        data.own(FRAME.rename(columns={"size": "name"})[["name"]], FRAME["price"].rename(None)),
        data.own(FRAME["size"].rename(0), FRAME["price"].rename(1)),
        data.own(pd.Series([1, 2], index=["rows", "columns"]), np.arange(2)[:, None]),
    )]  # fmt: skip
    assert names == [("size", "price"), ("size", "price"), ("name", "y"), ("x", "y"), ("x", "y")]


def held(values):
    """The same values in all that may hold them."""
    yield from (list(values), tuple(values), np.array(values), np.array(values, dtype=object))
    yield from (pd.Series(values), pd.Series(values, dtype=object), pd.Index(values), pd.DataFrame({"a": values}))
    yield pd.Series(values).astype("category")


TEXTS = ["1", "2", "3"]
BOOLS = [True, False, True]
DATES = pd.to_datetime(["2024-01-05", "2024-01-06", "2024-01-07"])
SPANS = DATES - DATES[0]


@pytest.mark.parametrize(
    "x",
    [*held(TEXTS), pd.Series(TEXTS, dtype="string"), np.array(TEXTS, dtype="S"), [b"1", b"2"], [np.str_("1"), 2]],
)
def test_text_has_one_answer_whatever_holds_it(x):
    with pytest.raises(TypeError) as refused:
        data.own(x, [1, 2, 3])
    assert str(refused.value) == (
        "x must be numbers, one for each example, got '1' at position 0: it is text; float(...) makes a number of it"
    )


@pytest.mark.parametrize(
    "x",
    [
        *held(BOOLS),
        pd.Series(BOOLS, dtype="boolean"),
        torch.tensor(BOOLS),
        [torch.tensor(True), torch.tensor(False)],
        [np.True_, 2.5],
        [np.array(True), 1],
    ],
)
def test_a_bool_has_one_answer_whatever_holds_it(x):
    answer = " must be numbers, one for each example, got True at position 0: write 1 for True and 0 for False"
    with pytest.raises(TypeError) as refused:
        data.own(x, [1, 2, 3])
    assert str(refused.value) == f"x{answer}"
    with pytest.raises(TypeError) as refused:
        data.own([1, 2, 3], x)
    assert str(refused.value) == f"y{answer}"


@pytest.mark.parametrize("x", [[1, True, 3], [1.5, 2, np.False_], pd.Series([1, True, 3], dtype=object)])
def test_a_bool_among_numbers_is_no_number(x):
    with pytest.raises(TypeError, match=r"x must be numbers, .* at position [12]: write 1 for True and 0 for False"):
        data.own(x, [1, 2, 3])


@pytest.mark.parametrize(
    "x",
    [
        DATES, DATES.to_numpy(), pd.Series(DATES), DATES.tz_localize("UTC"), list(DATES), list(DATES.date),
        DATES.to_period("D"), SPANS, SPANS.to_numpy(), pd.Series(SPANS), list(SPANS), list(SPANS.to_pytimedelta()),
        [*SPANS.to_numpy()], [np.timedelta64(1, "ns")], [np.array("2024-01-05", "M8[ns]")],
        [datetime.time(10, 30)], [datetime.timedelta(hours=1)],
    ],
)  # fmt: skip
def test_dates_and_spans_of_time_are_no_numbers(x):
    with pytest.raises(TypeError, match=r"x must be numbers, .* at position 0: a date or a time"):
        data.own(x, [1, 2, 3])


@pytest.mark.parametrize(
    "x",
    [
        np.array([1j, 2]),
        torch.tensor([1j, 2]),
        [1j, 2],
        pd.Series([1j, 2]),
        [1, 2 + 0j][::-1],
        torch.tensor([1j, 2]).conj(),
    ],
)
def test_complex_numbers_are_refused(x):
    with pytest.raises(TypeError, match=r"x must be numbers, .* at position 0: it is complex; take its real part"):
        data.own(x, [1, 2])


@pytest.mark.parametrize(
    "x",
    [
        [1, None, 3],
        [1, pd.NA, 3],
        [1, pd.NaT, 3],
        np.ma.array([1.0, 2.0, 3.0], mask=[0, 1, 0]),
        np.ma.array([1, 2, 3], mask=[0, 1, 0])[:, None],
        pd.Series([1, None, 3], dtype=object),
    ],
)
def test_a_missing_value_is_named_with_its_position(x):
    with pytest.raises(TypeError, match=r"x must be numbers, .* at position 1: the value is missing; fill it in"):
        data.own(x, [1, 2, 3])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([1, math.nan, 3], r"got nan at position 1 \(1 such\); drop those"),
        ([1, Decimal("nan"), math.inf], r"got nan at position 1 \(2 such\)"),
        ([1, 10**400, 3], "got inf at position 1"),
        (np.array([1, 1e-3, "1e400"], dtype=np.longdouble), "got inf at position 2"),
        (torch.tensor([1, math.inf, -math.inf]), r"got inf at position 1 \(2 such\)"),
        (pd.Series([1, 2, None]), "got nan at position 2"),
        (pd.Series([1, 2, None]).astype("category"), "got nan at position 2"),
    ],
)
def test_what_is_not_finite_is_named_with_its_position(x, message):
    with pytest.raises(ValueError, match=f"x must be finite, {message}"):
        data.own(x, [1, 2, 3])


@pytest.mark.parametrize("kind", ["Int64", "Float64"])
def test_a_missing_value_of_a_nullable_column_is_refused(kind):
    with pytest.raises((TypeError, ValueError), match=r"x must be .* at position 1"):
        data.own(pd.Series([1, None, 3], dtype=kind), [1, 2, 3])


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (3.0, r"shape \(n,\), got shape \(\): 3.0"),
        (None, r"got shape \(\): None"),
        (np.array(3.0), r"got shape \(\)"),
        (torch.tensor(3.0), r"got shape \(\)"),
        ("size", r"'size'; if that names a column of a file, add csv="),
        ({"a": 1, "b": 2}, r"give its values: list\(d.values\(\)\)"),
        ({"a": 1}.values(), r"make a list of it: list\(...\)"),
        ({1: 1}.keys(), r"make a list of it: list\(...\)"),
        ((i for i in range(3)), r"make a list of it: list\(...\)"),
        (map(float, "12"), r"make a list of it: list\(...\)"),
        ({1, 2}, "a set has no order, so give a list"),
        (frozenset((1, 2)), "a set has no order"),
        ([[1, 2], [3, 4]], r"shape \(n,\), got shape \(2, 2\); choose one column, such as x\[:, 0\]"),
        ([[1, 2, 3]], r"got shape \(1, 3\)"),
        (FRAME, r"got shape \(3, 2\); choose one column, such as .* x\['size'\] of a frame"),
        (torch.zeros(2, 1, 1), r"got shape \(2, 1, 1\)"),
        ([[1, 2], [3]], r"got \[1, 2\] at position 0$"),
        ([1, [2, 3]], r"got \[2, 3\] at position 1$"),
        ([1, {2}], r"got \{2\} at position 1$"),
        ([np.zeros((2, 1)), np.zeros((2, 3))], "got"),
        (np.array([(1, 2)], dtype=[("a", int), ("b", int)]), r"got .*\(1, 2\).* at position 0"),
        (object(), r"got shape \(\): <object object"),
        ([object()], "at position 0"),
    ],
)
def test_what_is_no_column_is_refused_with_the_cure(x, message):
    with pytest.raises((ValueError, TypeError), match=f"x must be numbers, one for each example.*{message}"):
        data.own(x, [1, 2])


@pytest.mark.parametrize(
    ("x", "y", "message"),
    [
        ([1, 2, 3], [1, 2], "x and y must have the same length, got 3 and 2"),
        ([1], [2], "at least two points, got 1"),
        ([], [], "at least two points, got 0"),
        ([1, 2], None, "y must be numbers"),
        ([1, 2], [1, math.inf], "y must be finite, got inf at position 1"),
    ],
)
def test_columns_that_do_not_fit_are_refused(x, y, message):
    with pytest.raises((ValueError, TypeError), match=message):
        data.own(x, y)


# A constant x


@pytest.mark.parametrize(
    "x",
    [
        [4, 4, 4],
        [0, 0.0, -0.0],
        [0.1 * 3] * 3 + [0.3] * 3,
        [1.1 + 2.2, 3.3, 3.3],
        [-0.7 - 0.1, -0.8],
        [sum([0.1] * 10), 1.0],
        [(20.3 * 9 / 5 + 32 - 32) * 5 / 9, 20.3],
        np.array([0.1 * 3, 0.3]) * 1e300,
        np.array([0.1 * 3, 0.3]) * 1e-300,
        np.array([0.1, 0.1], dtype=np.float32) * np.array([1, 1 + 2**-23], dtype=np.float32),
        torch.tensor([0.3, torch.nextafter(torch.tensor(0.3), torch.tensor(1.0)).item()]),
        2**60 + np.arange(3),  # of one and the same float64
    ],
)
def test_an_x_that_differs_by_rounding_alone_is_constant(x):
    y = np.arange(len(x))
    with pytest.raises(ValueError, match=r"x is constant .* every slope fits as well as any other; vary x"):
        data.own(x, y)
    with pytest.raises(ValueError, match=r"x is constant \(0\.3, up to rounding\)"):
        data.own([0.1 * 3, 0.3], [1, 2])
    assert len(data.own(y, x)) == len(x)  # a constant y has a slope: 0


@pytest.mark.parametrize(
    "x",
    [
        range(2001, 2011),
        1e6 + np.arange(5),
        1e15 + np.arange(3),
        [9007199254740991.0, 9007199254740990.0],
        np.array([1.7e9, 1.7e9 + 1e-3]),  # seconds since 1970, a millisecond apart
        1_700_000_000_000_000_000 + 1_000_000 * np.arange(4),  # nanoseconds since 1970
        np.float32(16_000_000) + np.arange(4, dtype=np.float32),
        torch.tensor([1.0, 1.00001]),
        [1 + 1e-14, 1.0],
        [0, 5e-324],
        [1e-17, 0, 2e-17],
        [1e308, -1e308],
        [0.1, 0.1, 0.2],
    ],
)
def test_a_small_spread_far_from_zero_is_real(x):
    given = [float(value) for value in x]
    assert data.own(x, range(len(given))).x.tolist() == given
    if max(map(abs, given)) < 1e20 and min(map(abs, given)) > 1e-9:
        z = data.own(x, range(len(given))).standardized().x
        assert (z**2).mean().item() == pytest.approx(1)
