"""Files for the browser, each under an address that holds its hash, so that it is fetched once."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

FOLDER = Path(__file__).parent / "browser"
_PREFIX = "lab/"  # of their addresses, below the lab's own

BROWSER_FILES: dict[str, Path] = {}  # the address → the file, for the server


@cache
def address(path: Path) -> str:
    """Where the browser finds the file, below the lab's own address."""
    digest = sha256(path.read_bytes()).hexdigest()[:16]
    found = f"{_PREFIX}{path.stem}-{digest}{path.suffix}"
    BROWSER_FILES[found] = path
    return found


def component_script(path: Path, **files: Path) -> str:
    """The script of a component whose function `draw(component, addresses)` is in this file.

    Streamlit sends a component's script with each of its messages, so that it only fetches the
    file. `addresses` has those of the other files that it needs.
    """
    addresses = {name: address(file) for name, file in files.items()}
    return f"""
const root = document.querySelector('script[src*="static/js/"]').src.split("static/js/")[0]
const addresses = Object.fromEntries(
  Object.entries({addresses}).map(([name, address]) => [name, root + address]))
const file = import(root + "{address(path)}")
export default async component => (await file).draw(component, addresses, root)
"""
