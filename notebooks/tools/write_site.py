"""Write the course as static pages into site/, in which every player lives without a kernel. `make site`.

The pages need no network: what they load lies beside them, in assets/. They work from a file and from any folder of a
web server. Only what has changed is written, each page when it is done; `make site ONE=02` writes one.
"""

import base64
import os
import posixpath
import re
import sys
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import unquote

import nbformat
import wall
from books import is_own, named, notebooks
from bs4 import BeautifulSoup
from documents import gallery, guide, write_reference
from living import alive, cut, html_of, sections, title_of
from made import key_of, unchanged, write_whole
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell, new_notebook
from npm_files import CACHE, write_files
from tqdm import tqdm
from write_links import bring, place

ROOT = Path(__file__).parents[2]
PLACE = place()
TEMPLATE = Path(__file__).parent / "site.html.j2"
ASSETS = ("mathjax",)
TITLE = "Gradient descent you can drag"
WELCOME = f"""# {TITLE}

Teaching notebooks on gradient descent, as pages in which every picture with a slider is alive: drag the slider, or
focus it and press the arrow keys. Nothing has to be installed, and no network is needed. Each page builds on those
before it."""
HOW = """<p class="how">This is a page to read and to drag: predict first, then unfold what happened. To run or change a
cell, to have your predictions noted and to do the exercises, open the <a href="{}">notebook</a> itself.</p>"""
PARAGRAPH = r".+?(?=\n\s*\n|\Z)"
GOES_ON = r"\n\s*\n(?:\$\$|[-*] |\||[a-z])"  # a formula, a list or a table, or the sentence after it
HAPPENED = re.compile(rf"^\*\*What happened{PARAGRAPH}(?:{GOES_ON}{PARAGRAPH})*", re.M | re.S)
GOALS = re.compile(r"will be able to\n\n((?:- .+(?:\n(?:  .+\n)*|\Z))+)")
FAR = re.compile("[a-z]+:")  # https:, mailto:
TIME = re.compile(r"\*\*Time:\*\* (\d+ minutes)")


class Page(NamedTuple):
    """What the contents say of a notebook; picture: its first one as PNG, and alt: in words."""

    path: Path
    heading: str
    goals: str
    time: str
    picture: bytes
    alt: str

    @property
    def stem(self) -> str:
        return self.path.stem


class More(NamedTuple):
    """What the site has beside the notebooks: where, and for the contents its title and a sentence.

    write is given the folder of the site.
    """

    file: str
    title: str
    words: str
    write: Callable[[Path], None]

    @property
    def name(self) -> str:
        return self.file.partition("/")[0].removesuffix(".html")


def main(names: list[str]) -> None:
    os.environ |= {"TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}  # in the notebooks, of which two run at once
    write(notebooks(), ROOT / "site", MORE, only=names)


def write(
    paths: Sequence[Path], site: Path, more: Sequence[More] = (), cache: Path = CACHE, only: Sequence[str] = ()
) -> None:
    """Write the pages of the site that are not there yet as they should be, or those that are named.

    A page that fails leaves the one before it as it was. cache: for npm's packages.
    """
    pages = [page_of(path) for path in paths]
    work: dict[str, Callable[[], None]] = {p.stem: partial(write_page, pages, site, i) for i, p in enumerate(pages)}
    work |= {one.name: partial(one.write, site) for one in more}
    chosen = [name for name, part in work.items() if part in named(only, work)]
    write_files(ASSETS, site / "assets", cache)
    write_contents(pages, more, site)
    wrong = []
    with ThreadPoolExecutor(2) as pool, tqdm(total=len(chosen), unit="page") as bar:

        def make(name: str) -> None:
            try:
                work[name]()
            except ValueError as error:
                wrong.append(str(error))
            bar.set_description(name)
            bar.update()

        list(pool.map(make, chosen))
    for page in site.glob("*.html"):
        if page.stem not in {*work, "index"}:  # of a notebook that is no more
            page.unlink()
    if wrong:
        raise ValueError("; ".join(wrong))
    refuse_loose_ends(site, {f"{one}.html" for one in [*work, "reference/index"]} if only else set())


def page_of(path: Path) -> Page:
    """What the contents need of a notebook; one of the course is refused where something is not there."""
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source if notebook.cells else ""
    title, goals, time = title_of(notebook), GOALS.search(first), TIME.search(first)
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    picture = next((output for output in outputs if "image/png" in output.get("data", {})), None)
    if not (title and goals and time) and not is_own(path):
        raise ValueError(
            f"{path.name}: the first cell must hold a title (# ...), a list under a line that ends with 'will be able"
            f" to', and '**Time:** ... minutes'; it is {first!r}"
        )
    if picture is None and not is_own(path):
        raise ValueError(f"{path.name}: no picture is among its outputs; `make notebooks` writes them")
    png = base64.b64decode(picture.data["image/png"]) if picture else b""
    alt = picture.metadata.get("image/png", {}).get("alt", "") if picture else ""
    if (kept := path.parent / "images" / f"{path.stem}.png").exists():  # that of its first player as it ends
        png = kept.read_bytes()
    heading = title or path.stem if is_own(path) else f"{path.stem.partition('_')[0]} {title}"
    return Page(path, heading, goals[1] if goals else "", time[1] if time else "", png, alt)


def write_contents(pages: list[Page], more: Sequence[More], folder: Path) -> None:
    """Write index.html, which is rendered as a notebook is, and the pictures that it shows."""
    for page in pages:
        if page.picture:
            (folder / "assets" / f"{page.stem}.png").write_bytes(page.picture)
    beside = "\n".join(f"- [{one.title}]({one.file}): {one.words}" for one in more)
    texts = [WELCOME, *map(entry, pages), *([f"## Beside the notebooks\n\n{beside}"] if more else [])]
    notebook = new_notebook(cells=[new_markdown_cell(text) for text in texts])
    html = html_of(notebook, TEMPLATE, TITLE, is_contents=True, repository=PLACE.url)
    write_whole(folder / "index.html", str(linked(html, pages)))


def entry(page: Page) -> str:
    picture = f'<img src="assets/{page.stem}.png" alt="{escape(page.alt)}">' if page.picture else ""
    words = f"## [{page.heading}]({page.path.name})"
    if page.goals:
        words += f"\n\nAfter {page.time or 'this page'} you will be able to\n\n{page.goals}"
    return f'<div class="contents"><div>\n\n{words}\n\n</div>{picture}</div>'


def write_page(pages: list[Page], folder: Path, i: int) -> None:
    """Run the notebook of a page with living players, and write it, where anything of it has changed."""
    page, target = pages[i], folder / f"{pages[i].stem}.html"
    notebook = nbformat.read(page.path, as_version=4)
    around = [one.heading for one in pages[max(i - 1, 0) : i + 2]]
    cells = [f"{cell.cell_type} {cell.metadata.get('tags')} {cell.source}" for cell in notebook.cells]
    key = key_of(*cells, *around, *(one.stem for one in pages), repr(PLACE))
    if unchanged(target, key):
        return
    try:
        alive(notebook, page.path.parent)
    except CellExecutionError as error:
        raise ValueError(f"{page.path.name}: {error}") from error
    if not title_of(notebook):
        notebook.cells.insert(0, new_markdown_cell(f"# {page.heading}"))
    notebook.cells = cells_of(notebook)
    base = "notebooks/own/" if is_own(page.path) else "notebooks/"
    how = HOW.format(PLACE.page(base + page.path.name))
    notebook.cells.insert(1, new_markdown_cell(how))
    ways = {"before": pages[i - 1] if i else None, "next": pages[i + 1] if i + 1 < len(pages) else None}
    html = html_of(notebook, TEMPLATE, f"{page.heading} | {TITLE}", repository=PLACE.url, **ways)
    write_whole(target, str(linked(html, pages, base)), key)


def write_document(name: str, make: Callable[[], NotebookNode], folder: Path) -> None:
    """Run a notebook that is made, not kept, with living players, and write its page, where it has changed."""
    notebook, target = make(), folder / f"{name}.html"
    key = key_of(*(cell.source for cell in notebook.cells), repr(PLACE))
    if unchanged(target, key):
        return
    with TemporaryDirectory() as elsewhere:
        alive(notebook, Path(elsewhere))
    html = html_of(notebook, TEMPLATE, f"{title_of(notebook)} | {TITLE}", repository=PLACE.url, kind_of_page=name)
    write_whole(target, str(linked(html, [], "")), key)


def write_api(folder: Path) -> None:
    """Write the reference, where the package has changed."""
    target = folder / "reference" / "index.html"
    if not unchanged(target, key_of("reference")):
        write_reference(folder / "reference")
        write_whole(target, target.read_text(encoding="utf-8"), key_of("reference"))


MORE = (
    More(
        "checklist.html",
        "Checklist",
        "what to check when a loss does not fall, on one page for the wall; checklist.pdf, to print, is beside it",
        wall.write,
    ),
    More(
        "own.html",
        "Your own",
        "a surface, a rule, data, a player, an exercise, a prediction, a notebook, each in ten lines",
        partial(write_document, "own", guide),
    ),
    More(
        "gallery.html",
        "Gallery",
        "every mark, view and surface, alive, beside the lines that make it",
        partial(write_document, "gallery", gallery),
    ),
    More(
        "reference/index.html",
        "Reference",
        "every function: what it takes, returns and refuses, with an example",
        write_api,
    ),
)


def cells_of(notebook: NotebookNode) -> list[NotebookNode]:
    """What of a notebook makes sense without a kernel, with the answers to its predictions folded away.

    Checks are left out, and so is `revisit` with the heading and the sentence above it.
    """
    cells = [cell for cell in notebook.cells if "check" not in cell.metadata.get("tags", [])]
    parts = [part for cell in cells for part in cut(cell)]
    asks = [i for i, part in enumerate(parts) if part.source.startswith("revisit(")]
    gone = {*asks, *(i - 1 for i in asks if sections(parts[i - 1]) and parts[i - 1].source.strip().count("\n\n") < 2)}
    parts = [part for i, part in enumerate(parts) if i not in gone]
    for part in parts:
        part.source = folded(part.source) if part.cell_type == "markdown" else without_colab(part.source)
    return parts


def folded(source: str) -> str:
    """The text with each answer to a prediction folded away, up to where its sentence ends."""
    fold = "<details><summary><b>What happened?</b></summary>\n\n{}\n\n</details>"
    return HAPPENED.sub(lambda found: fold.format(found[0]), source)


def without_colab(code: str) -> str:
    """The code without the lines that bring gdviz in Colab."""
    rest = code.removeprefix(bring(PLACE)).lstrip("\n")
    return code if "find_spec" in rest else rest


def linked(html: BeautifulSoup, pages: list[Page], base: str = "notebooks/") -> BeautifulSoup:
    """The page, in which links to notebooks lead to their pages, and those to other files into the repository.

    base: the folder of the repository from which its links lead.
    """
    here = {"index", *(page.stem for page in pages), *(posixpath.splitext(one.file)[0] for one in MORE)}
    for link in html.select("a[href]"):
        file, mark, place = link["href"].partition("#")
        stem, ending = posixpath.splitext(file)
        if ending in (".html", ".ipynb") and stem in here:
            link["href"] = f"{stem}.html{mark}{place}"
        elif file and not FAR.match(file):
            link["href"] = PLACE.page(posixpath.normpath(base + file)) + mark + place
    return html


def refuse_loose_ends(folder: Path, missing: Collection[str] = ()) -> None:
    """Refuse pages that need or name a file or a place that is not there, or have a picture without words.

    missing: pages that need not be there yet.
    """
    pages = {
        path.name: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in folder.glob("*.html")
    }
    places = {name: {tag["id"] for tag in page.select("[id]")} for name, page in pages.items()}
    wrong = []
    for name, page in pages.items():
        wrong += [f"{name}: {str(image)[:80]} has no alt" for image in page.select("img") if not image.get("alt")]
        targets = [tag["src"] for tag in page.select("[src]")]
        targets += [tag["href"] for tag in page.select("[href]") if not FAR.match(tag["href"])]
        for target in (target for target in targets if not target.startswith("data:")):
            file, _, place = unquote(target).partition("#")
            if file in missing and not (folder / file).is_file():
                continue
            if (file and not (folder / file).is_file()) or (place and place not in places.get(file or name, ())):
                wrong.append(f"{name}: {target} is not on the site")
    if wrong:
        raise ValueError("; ".join(wrong))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except (ValueError, OSError) as error:
        sys.exit(f"the site is not whole; pages that failed are as they were: {error}")
