"""Makes anew what comes with the lab so that pages need no torch: core/analysis/shipped.zip, the
analysis of every default of the catalogue, and core/zoo/torchvision_models.csv.

`python -m tools.make_shipped_analyses`, after a change in core/analysis or core/zoo, and for
another torchvision.
"""

from __future__ import annotations

from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from core.analysis import analyze
from core.analysis.kept import CODE, SHIPPED, code_hash, name_of, to_json
from core.zoo.catalogue import CATALOGUE
from core.zoo.libraries import TABLE, installed_version, models_of_torchvision


def main() -> None:
    """Write the files; the same code gives the same bytes."""
    rows = (
        f"{name},{model.params},{model.giga_macs},{model.image_size}"
        for name, model in models_of_torchvision().items()
    )
    head = (f"# torchvision {installed_version()}", "name,params,giga_macs,image_size")
    TABLE.write_text("\n".join((*head, *rows, "")), encoding="utf-8")
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
