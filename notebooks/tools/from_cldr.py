"""Write gdviz/data/names/names.csv: names in twelve languages, from the CLDR data that the package Babel carries.

python notebooks/tools/from_cldr.py. Countries, languages, scripts, currencies and cities; only names without digits and
brackets that belong to exactly one of the twelve, whatever the case of their letters. Counts drift with CLDR, so the
file is committed. The data are under the Unicode licence (LICENSE.unicode beside names.csv).
"""

import csv
import io
import re
from collections import defaultdict
from pathlib import Path

NAMES = Path(__file__).parents[2] / "gdviz" / "data" / "names" / "names.csv"
LANGUAGES = ("cs", "de", "en", "es", "fi", "fr", "hu", "it", "nl", "pl", "pt", "tr")


def names(language: str) -> set[str]:
    """All names of one language that are 3 letters or longer."""
    from babel import Locale

    locale = Locale(language)
    found = {
        name
        for kind in ("territories", "languages", "scripts", "currencies")
        for name in getattr(locale, kind).values()
    }
    found |= {zone["city"] for zone in locale.time_zones.values() if "city" in zone}
    found = {name.replace("\u00ad", "") for name in found}  # without soft hyphens
    return {name for name in found if len(name) >= 3 and not re.search(r"[\d()\[\]]", name)}


def text() -> str:
    """names.csv: a row that says what it is and how many names follow, then language,name."""
    import babel

    owners = defaultdict(set)  # lower case -> the languages and spellings that share it
    for language in LANGUAGES:
        for name in names(language):
            owners[name.casefold()].add((language, name))
    rows = sorted(min(those) for those in owners.values() if len({language for language, _ in those}) == 1)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([f"CLDR of Babel {babel.__version__}, Unicode licence", len(rows)])
    writer.writerows(rows)
    return file.getvalue()


if __name__ == "__main__":
    NAMES.write_text(text(), encoding="utf-8")
