"""Write the course as static pages into site/, in which every player lives without a kernel. `make site`.

The pages need no network: what they load lies beside them, in assets/. They work from a file and from any folder of a
web server.
"""

import base64
import os
import posixpath
import re
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple
from urllib.parse import unquote

import nbformat
from bs4 import BeautifulSoup
from documents import gallery, guide, write_reference
from living import alive, cut, html_of, sections, title_of
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


def main() -> None:
    os.environ["TQDM_DISABLE"] = "1"  # in the notebooks; the bar below was there before
    write(sorted((ROOT / "notebooks").glob("*.ipynb")), ROOT / "site", MORE)


def write(paths: list[Path], site: Path, more: Sequence[More] = (), cache: Path = CACHE) -> None:
    """Write the site of these notebooks anew, or where one fails leave it as it was. cache: for npm's packages."""
    pages = [page_of(path) for path in paths]
    with TemporaryDirectory(prefix=".unfinished-", dir=site.parent) as folder:
        new = Path(folder, "new")
        write_files(ASSETS, new / "assets", cache)
        write_contents(pages, more, new)
        with ThreadPoolExecutor(2) as pool:
            work = [partial(write_page, pages, new, i) for i in range(len(pages))]
            work += [partial(one.write, new) for one in more]
            list(tqdm(pool.map(lambda part: part(), work), total=len(work), unit="page"))
        refuse_loose_ends(new)
        if site.exists():
            site.replace(Path(folder, "old"))
        new.replace(site)


def page_of(path: Path) -> Page:
    """What the contents need of a notebook; refused where it is not there."""
    notebook = nbformat.read(path, as_version=4)
    first = notebook.cells[0].source if notebook.cells else ""
    title, goals, time = title_of(notebook), GOALS.search(first), TIME.search(first)
    if not (title and goals and time):
        raise ValueError(
            f"{path.name}: the first cell must hold a title (# ...), a list under a line that ends with 'will be able"
            f" to', and '**Time:** ... minutes'; it is {first!r}"
        )
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    picture = next((output for output in outputs if "image/png" in output.get("data", {})), None)
    if picture is None:
        raise ValueError(f"{path.name}: no picture is among its outputs; `make notebooks` writes them")
    png, alt = base64.b64decode(picture.data["image/png"]), picture.metadata.get("image/png", {}).get("alt", "")
    return Page(path, f"{path.stem.partition('_')[0]} {title}", goals[1], time[1], png, alt)


def write_contents(pages: list[Page], more: Sequence[More], folder: Path) -> None:
    """Write index.html, which is rendered as a notebook is, and the pictures that it shows."""
    for page in pages:
        (folder / "assets" / f"{page.stem}.png").write_bytes(page.picture)
    beside = "\n".join(f"- [{one.title}]({one.file}): {one.words}" for one in more)
    texts = [WELCOME, *map(entry, pages), *([f"## To build your own\n\n{beside}"] if more else [])]
    notebook = new_notebook(cells=[new_markdown_cell(text) for text in texts])
    html = html_of(notebook, TEMPLATE, TITLE, is_contents=True, repository=PLACE.url)
    (folder / "index.html").write_text(str(linked(html, pages)), encoding="utf-8")


def entry(page: Page) -> str:
    picture = f'<img src="assets/{page.stem}.png" alt="{escape(page.alt)}">'
    words = f"## [{page.heading}]({page.path.name})\n\nAfter {page.time} you will be able to\n\n{page.goals}"
    return f'<div class="contents"><div>\n\n{words}\n\n</div>{picture}</div>'


def write_page(pages: list[Page], folder: Path, i: int) -> None:
    """Run the notebook of a page with living players, and write it."""
    page = pages[i]
    try:
        notebook = alive(nbformat.read(page.path, as_version=4), page.path.parent)
    except CellExecutionError as error:
        raise ValueError(f"{page.path.name}: {error}") from error
    notebook.cells = cells_of(notebook)
    how = HOW.format(PLACE.page(f"notebooks/{page.path.name}"))
    notebook.cells.insert(1, new_markdown_cell(how))
    ways = {"before": pages[i - 1] if i else None, "next": pages[i + 1] if i + 1 < len(pages) else None}
    html = html_of(notebook, TEMPLATE, f"{page.heading} | {TITLE}", repository=PLACE.url, **ways)
    (folder / f"{page.stem}.html").write_text(str(linked(html, pages)), encoding="utf-8")


def write_document(name: str, make: Callable[[], NotebookNode], folder: Path) -> None:
    """Run a notebook that is made, not kept, with living players, and write its page."""
    with TemporaryDirectory() as elsewhere:
        notebook = alive(make(), Path(elsewhere))
    html = html_of(notebook, TEMPLATE, f"{title_of(notebook)} | {TITLE}", repository=PLACE.url, kind_of_page=name)
    (folder / f"{name}.html").write_text(str(linked(html, [], "")), encoding="utf-8")


MORE = (
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
        lambda folder: write_reference(folder / "reference"),
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


def refuse_loose_ends(folder: Path) -> None:
    """Refuse pages that need or name a file or a place that is not there, or have a picture without words."""
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
            if (file and not (folder / file).is_file()) or (place and place not in places.get(file or name, ())):
                wrong.append(f"{name}: {target} is not on the site")
    if wrong:
        raise ValueError("; ".join(wrong))


if __name__ == "__main__":
    try:
        main()
    except (ValueError, OSError) as error:
        sys.exit(f"no site is written, and one that is there stays: {error}")
