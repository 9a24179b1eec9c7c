"""python -m core predict"""

from __future__ import annotations

from argparse import Namespace

from core.cli.measurements import errors_kept
from core.cli.writing import write_csv, write_json, write_table


def predict(arguments: Namespace) -> int:
    """python -m core predict"""
    from core.data.arrays import read_arrays
    from core.jobs.files import predictions_name
    from core.jobs.files import verified_best
    from core.jobs.predictions import Predictions, keep_predictions
    from core.jobs.store import open_store
    from core.jobs.worker import leave_with_parent
    from core.measure.predict import predict as predict_run
    from core.report.tables.predictions import prediction_frame

    store = open_store()
    run = store.get(arguments.run)
    if arguments.exit_with_parent and arguments.keep:
        leave_with_parent(store)
    name = predictions_name(run.id, run.best_file.sha256 if run.best_file else "")
    with errors_kept(store if arguments.keep else None, name):
        probabilities = predict_run(run.spec, verified_best(run), run.compute_plan)
        if arguments.keep:
            keep_predictions(run, probabilities)
            store.keep_measured(name, {"share": 1.0, "result": {"run": run.id}})
            return 0
    _, labels = read_arrays(run.spec.dataset, "test")
    frame = prediction_frame(run, Predictions(probabilities, labels))
    if arguments.format == "json":
        write_json(frame.to_dict("records"))
    elif arguments.format == "csv":
        write_csv(frame)
    else:
        write_table(frame[["image", "label", "predicted", "confidence"]])
    return 0
