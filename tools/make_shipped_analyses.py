"""Makes core/analysis/shipped.zip anew: the analysis of every default of the catalogue.

`python -m tools.make_shipped_analyses`, after a change in core/analysis or core/zoo.
"""

from __future__ import annotations

from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from core.analysis import analyze
from core.analysis.kept import CODE, SHIPPED, code_hash, name_of, to_json
from core.zoo.catalogue import CATALOGUE


def main() -> None:
    """Write the file; the same code gives the same bytes."""
    analyses = [analyze(row.default) for row in CATALOGUE.values()]
    with ZipFile(SHIPPED, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(_entry(CODE), code_hash())
        for analysis in analyses:
            archive.writestr(_entry(name_of(analysis.spec)), to_json(analysis))


def _entry(name: str) -> ZipInfo:
    """An entry with a date that does not change."""
    entry = ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    return entry


if __name__ == "__main__":
    main()
