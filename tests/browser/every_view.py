"""Each page with each of its views, as addresses."""

from __future__ import annotations

_ARCHITECTURE = ("Layers", "Cost", "Memory", "Time", "Picture", "Explain", "Code", "Summary")
_INSIDE = (
    *("Maps", "Why", "Two networks", "Filters", "Missing parts", "Dead channels", "Window"),
    *("Errors", "Replay", "Take along"),
)
_CALCULATORS = ("1×1 bottleneck", "Output size", "Stacked 3×3")
_COMPARE = ("Table", "MACs against parameters", "Accuracy against MACs", "Stages", "Sweep")

PAGES = (
    *("/", "/architecture", "/inside", "/compare", "/calculators", "/glossary", "/train"),
    *("/residual", "/gradients", "/runs", "/teacher"),
)
VIEWS = (
    "/",
    *(f"/architecture?net_view={view}" for view in _ARCHITECTURE),
    "/architecture?net_view=Explain&net_topic=Hand count",
    "/architecture?net_view=Explain&net_topic=Other counters",
    "/architecture?net_view=Cost&net_cost_numbers=true&net_network=googlenet",
    "/architecture?net_view=Growth&net_network=densenet",
    "/architecture?net_view=Trained",
    *(f"/inside?in_view={view}" for view in _INSIDE),
    "/inside?in_view=Two networks&in_other=lab/scaling",
    *(f"/compare?cmp_view={view}" for view in _COMPARE),
    *(
        f"/calculators?calc_tool={tool}"
        for tool in ("1×1 bottleneck", "Output size", "Stacked 3×3")
    ),
    "/glossary?term=batch",
    *(f"/train?train_view={view}" for view in ("Set up a run", "Find a rate", "Throughput")),
    "/train?run=1",  # over, with what it gets wrong
    "/train?run=3",  # under way
    "/train?run=999",  # an error
    "/residual",
    *(f"/gradients?why_show={view}" for view in ("Curves", "Heat map", "Table")),
    "/runs",
    "/teacher",
)
