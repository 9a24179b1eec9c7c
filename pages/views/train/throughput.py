"""The Train page's Throughput view: what limits the speed here, measured on demand."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from core.jobs.offers import first_with
from core.language import N_, _, comma, pgettext, semicolon
from core.measure.requests import ThroughputRequest
from core.measure.shipped.device_use import device_uses
from core.report import formats
from core.report.figures.throughput import LOOP_NAMES, throughput_chart
from core.report.names import file_name, network_title
from core.report.sentences.devices import device_sentence
from core.report.sentences.speed import device_use_sentence, throughput_verdict
from core.report.tables.measurements import device_use_frame, throughput_frame
from core.specs import RunSpec
from core.training.records import Throughput
from pages.views.app.charts import chart
from pages.views.app.downloads import download_csv
from pages.views.app.measurement import measurement
from pages.views.app.messages import escaped
from pages.views.app.offers import offers
from pages.views.app.prose import caption, markdown
from pages.views.app.tables import table
from pages.views.app.with_torch import device_report
from pages.views.forms.estimates import cost_of

_BATCH_SIZES = (16, 32, 64, 128, 256, 512)


def throughput_view(spec: RunSpec) -> None:
    """The controls of the measurement, and what it has found. Raises LabError for no network."""
    cost_of(spec, ())
    offered = _of_one_machine(spec.device)
    known = list(offered) or [spec.device]
    if any(offer.is_here for offer in offers()):
        caption(escaped(device_sentence(device_report())))
    caption(
        _(
            "Is the batch too small, the data too slow, the card too large? This trains the network"
            " for some seconds with each batch size, in turns with the loop as published (a"
            " DataLoader over PIL images), and shows the throughput of both and how far they are"
            " from what a matrix product achieves."
        )
    )
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sizes = st.pills(
            _("Batch sizes"),
            _BATCH_SIZES,
            selection_mode="multi",
            default=(32, 64, 128),
            key="train_bench_sizes",
            bind="query-params",
            help=_("Each takes about ten seconds on each device."),
        )
        everywhere = len(known) > 1 and st.toggle(
            _("On every device ({devices})", devices=comma().join(known)),
            value=True,
            key="train_bench_devices",
            help=_("The same short training on each device of this machine, one after the other."),
        )
    if not sizes:
        st.info(_("Choose at least one batch size."), icon=":material/arrow_upward:")
        return
    measured_on = known if everywhere else [spec.device]
    batch_sizes = sorted(sizes)
    measurement(
        ThroughputRequest(
            spec,
            tuple(batch_sizes),
            tuple(measured_on),
            hardware=tuple(offered[name] for name in measured_on if name in offered),
        ),
        "train_bench",
        _("Measure the throughput"),
        _("Five rounds in a process of its own; the page stays usable."),
        _show_throughput,
    )
    _large_card()


def _of_one_machine(device: str) -> dict[str, str]:
    """The devices of the machine that has this one, each with what it is."""
    offered = offers()
    first = first_with(offered, device)
    return {
        offer.device.name: offer.device.hardware
        for offer in offered
        if first is not None and offer.machine == first.machine
    }


def _large_card() -> None:
    """How much of the time a large card computes: measured on one."""
    rows = device_uses()
    st.header(_("On a large card"), anchor=False)
    markdown(escaped(device_use_sentence(rows)))
    frame = device_use_frame(rows)
    frame["model"] = [network_title(row.model) for row in rows]
    steps = {"plain": pgettext("steps", "plain"), "captured": pgettext("steps", "captured")}
    frame["steps"] = [steps[row.steps] for row in rows]
    frame["device"] = [formats.machine(row.device) for row in rows]
    frame["machine"] = [formats.machine(row.machine) for row in rows]
    table(
        frame,
        height="content",
        key="train_bench_card",
        column_config={
            "model": st.column_config.TextColumn(_("network")),
            "precision": st.column_config.TextColumn(pgettext("of numbers", "precision")),
            "steps": st.column_config.TextColumn(_("steps")),
            "batch_size": st.column_config.NumberColumn(_("batch")),
            "images_per_second": st.column_config.NumberColumn(_("images/s"), format="localized"),
            "kernel_share": st.column_config.ProgressColumn(
                _("computes"),
                format="percent",
                min_value=0,
                max_value=1,
                color="blue",
                help=_("Share of the time in which the card runs kernels; for the rest it waits."),
            ),
            "launches": st.column_config.NumberColumn(
                _("launches"), help=_("Kernels launched for each step.")
            ),
        },
    )


def _show_throughput(result: dict[str, Any]) -> None:
    """Chart, verdict, table, CSV."""
    throughput = Throughput.from_dict(result)
    spec = RunSpec.from_json(throughput.spec)
    name = f"{file_name(spec.model)}-throughput"
    about = network_title(spec.model)
    chart(throughput_chart(throughput), "train_bench_chart", about=about, name=name)
    markdown("\n".join(f"- {sentence}" for sentence in throughput_verdict(throughput)))
    table(
        _throughput_table(throughput),
        height="content",
        key="train_bench_table",
        placeholder=formats.NOTHING,
        column_config=_columns(),
    )
    machines = semicolon().join(
        _("{device}: {machine}", device=device, machine=formats.machine(machine))
        for device, machine in throughput.machines.items()
    )
    caption(
        _(
            "Measured on {machines}. Whatever else runs on the machine slows both loops.",
            machines=machines,
        )
    )
    download_csv(
        _("Throughput as CSV"),
        lambda: throughput_frame(throughput),
        f"{name}.csv",
        "train_bench_csv",
    )


def _throughput_table(throughput: Throughput) -> pd.DataFrame:
    """A row for each loop, batch size and device."""
    points = throughput.points
    return pd.DataFrame(
        {
            N_("device"): [point.device for point in points],
            N_("batch"): [point.batch_size for point in points],
            N_("loop"): [_(LOOP_NAMES[point.loop]) for point in points],
            N_("images/s"): [point.images_per_second for point in points],
            N_("step only"): [point.step_images_per_second for point in points],
            N_("GFLOP/s"): [point.flops_per_second / 1e9 for point in points],
            N_("of the peak"): [
                100 * point.flops_per_second / throughput.peaks[point.device] for point in points
            ],
            "precision": [point.precision for point in points],
            N_("threads"): [point.threads for point in points],
            N_("loader workers"): [
                point.loader_workers if point.loop == "conventional" else None for point in points
            ],
        }
    )


def _columns() -> dict[str, Any]:
    """How each column is shown."""
    return {
        "images/s": st.column_config.NumberColumn(
            format="%.0f", help=_("Wall-clock rate, data included: median over the rounds.")
        ),
        "step only": st.column_config.NumberColumn(
            format="%.0f", help=_("If data cost nothing: forward, backward and optimizer.")
        ),
        "GFLOP/s": st.column_config.NumberColumn(
            format="%.0f", help=_("Convolutions and matrix products, forward and backward.")
        ),
        "of the peak": st.column_config.ProgressColumn(
            format="%.0f %%",
            min_value=0,
            max_value=100,
            color="blue",
            help=_("Of what a large matrix product achieves on this device, measured just now."),
        ),
        "precision": st.column_config.TextColumn(
            pgettext("of numbers", "precision"),
            help=_(
                "The lab computes in bfloat16 where the recipe allows it and it is faster here."
            ),
        ),
        "loader workers": st.column_config.NumberColumn(
            help=_("Processes of the DataLoader: the faster of 0 and 2.")
        ),
    }
