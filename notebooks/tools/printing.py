"""A page as a PDF, by whichever Chromium there is."""

import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "chrome", "msedge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
)
QUIET = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-pdf-header-footer")


def print_page(page: Path) -> None:
    """Print a page as a PDF beside it, where there is a browser that can; else say so, and leave no old one."""
    pdf, browser = page.with_suffix(".pdf"), next(filter(None, map(shutil.which, BROWSERS)), None)
    pdf.unlink(missing_ok=True)
    if browser:
        with TemporaryDirectory(ignore_cleanup_errors=True) as folder, suppress(subprocess.SubprocessError):
            own = [f"--user-data-dir={folder}", "--virtual-time-budget=20000", f"--print-to-pdf={pdf}"]
            subprocess.run([browser, *QUIET, *own, page.resolve().as_uri()], capture_output=True, timeout=120)
    if not pdf.exists():
        print(f"There is no {pdf.name}: that takes Chromium, Chrome or Edge. Print {page} in any browser.")
