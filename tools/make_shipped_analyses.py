"""Makes anew what comes with the lab so that pages need no torch: core/analysis/shipped.zip, the
analysis of every default of the catalogue and of what the overview's answers speak of, and the
tables of what libraries have, core/zoo/torchvision_models.csv and core/zoo/timm_models.csv.

`python -m tools.make_shipped_analyses`, after a change in core/analysis or core/zoo, and for
another torchvision or timm.
"""

from __future__ import annotations

from dataclasses import asdict
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from core.analysis import Analysis, analyze
from core.analysis.kept import CODE, SHIPPED, code_hash, name_of, to_json
from core.report.questions.catalogue import QUESTIONS
from core.report.questions.question import Evidence
from core.specs import ModelSpec
from core.studies.reproduction import read_runs, reproductions
from core.studies.shipped_studies import shipped_study
from core.zoo.catalogue import CATALOGUE, complete
from core.zoo.libraries import Library, installed_libraries, models_of_installed


def main() -> None:
    """Write the files; the same code gives the same bytes."""
    for library in installed_libraries():
        library.table.write_text(_table(library), encoding="utf-8")
    defaults = [complete(row.default) for row in CATALOGUE.values()]
    analyses = [analyze(spec) for spec in dict.fromkeys([*defaults, *_asked_for()])]
    with ZipFile(SHIPPED, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        archive.writestr(_entry(CODE), code_hash())
        for analysis in analyses:
            archive.writestr(_entry(name_of(analysis.spec)), to_json(analysis))


def _asked_for() -> list[ModelSpec]:
    """The networks that the overview's answers speak of."""
    specs: list[ModelSpec] = []

    def noted(spec: ModelSpec) -> Analysis:
        analysis = analyze(spec)
        specs.append(analysis.spec)
        return analysis

    evidence = Evidence(noted, lambda: reproductions(read_runs()), shipped_study, _no_devices)
    for question in QUESTIONS.values():
        question.answer(evidence)
    return specs


def _no_devices() -> None:
    """No answer about this machine is shipped."""


def _table(library: Library) -> str:
    """A row for each model; a column only for what is known of them."""
    models = {name: asdict(model) for name, model in models_of_installed(library.name).items()}
    columns = [column for column, value in next(iter(models.values())).items() if value is not None]
    rows = [[name, *(str(model[column]) for column in columns)] for name, model in models.items()]
    lines = [",".join(row) for row in (["name", *columns], *rows)]
    return "\n".join([f"# {library.name} {library.version}", *lines, ""])


def _entry(name: str) -> ZipInfo:
    """An entry with a date that does not change."""
    entry = ZipInfo(name, (2026, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    return entry


if __name__ == "__main__":
    main()
