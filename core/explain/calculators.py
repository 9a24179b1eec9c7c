"""Small sums about convolutions that need no network: plain arithmetic, numbers only, no torch.

Conventions: MACs are multiply-adds of the convolutions an image, forward, without bias, taps on
padding counted too, as torch does; FLOPs = 2 × MACs. Maps and windows are square.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from core.analysis.records import BYTES_PER_FLOAT
from core.language import N_, _
from core.specs import LabError, check_whole

MAX_CHANNELS = 4_096
MAX_SIDE = 1_024  # pixels
MAX_KERNEL = 31  # pixels a side
MAX_STRIDE = 32
MAX_PADDING = 31
MAX_DILATION = 16
MAX_BATCH_SIZE = 4_096
MAX_STACKED = 5  # convolutions of 3×3: as one of 11×11

_Row = dict[str, int | float | str | None]


@dataclass(frozen=True)
class Convolution:
    """A convolution with stride 1 whose padding keeps the size ("same")."""

    in_channels: int
    out_channels: int
    kernel: int  # pixels a side
    side: int  # pixels a side of its input and of its output

    @property
    def weights(self) -> int:
        """Numbers that are multiplied with."""
        return self.out_channels * self.in_channels * self.kernel**2

    @property
    def biases(self) -> int:
        """Numbers that are added, one an output channel."""
        return self.out_channels

    @property
    def params(self) -> int:
        """Weights and biases."""
        return self.weights + self.biases

    @property
    def macs(self) -> int:
        """Every weight is used once at every place of the output."""
        return self.side**2 * self.weights


# The 1×1 bottleneck --------------------------------------------------------------------------


@dataclass(frozen=True)
class Bottleneck:
    """A convolution, directly or through fewer channels by a 1×1 (Szegedy et al. 2015, section 4).

    The defaults are those of a lecture that finds one tenth of the computation. Raises LabError
    for numbers outside the limits above.
    """

    in_channels: int = 192
    out_channels: int = 32
    middle_channels: int = 16  # those between the 1×1 and the large kernel
    kernel: int = 5  # pixels a side
    side: int = 28  # pixels a side of every map

    def __post_init__(self) -> None:
        check_whole(_("The input channels"), self.in_channels, 1, MAX_CHANNELS)
        check_whole(_("The output channels"), self.out_channels, 1, MAX_CHANNELS)
        check_whole(_("The channels in the middle"), self.middle_channels, 1, MAX_CHANNELS)
        check_whole(_("The kernel"), self.kernel, 1, MAX_KERNEL)
        check_whole(_("The side"), self.side, 1, MAX_SIDE)

    @property
    def direct(self) -> Convolution:
        """The large kernel on all input channels."""
        return Convolution(self.in_channels, self.out_channels, self.kernel, self.side)

    @property
    def steps(self) -> tuple[Convolution, Convolution]:
        """The 1×1 down to the middle, then the large kernel on what is left."""
        return (
            Convolution(self.in_channels, self.middle_channels, 1, self.side),
            Convolution(self.middle_channels, self.out_channels, self.kernel, self.side),
        )

    @property
    def params(self) -> int:
        """Weights and biases of both steps."""
        return sum(step.params for step in self.steps)

    @property
    def macs(self) -> int:
        """Multiply-adds of both steps."""
        return sum(step.macs for step in self.steps)

    @property
    def gain(self) -> float:
        """How many times more MACs the direct way takes; below 1 the detour costs more."""
        return self.direct.macs / self.macs

    @property
    def break_even_channels(self) -> int:
        """The most middle channels with which the detour still saves MACs; 0 where none does.

        m (in + out k²) < in out k² is solved for m; the side cancels out.
        """
        each = self.in_channels + self.out_channels * self.kernel**2
        return (self.direct.weights - 1) // each


def bottleneck_rows(numbers: Bottleneck) -> list[_Row]:
    """One row a step and one for the sum of the detour, each with all inputs."""
    inputs = {**asdict(numbers), "stride": 1, "padding": "same"}
    reduce, then = numbers.steps
    sums = {
        "weights": reduce.weights + then.weights,
        "biases": reduce.biases + then.biases,
        "params": numbers.params,
        "macs": numbers.macs,
        "flops": 2 * numbers.macs,
    }
    steps = [("directly", numbers.direct), ("through, step 1", reduce), ("through, step 2", then)]
    rows: list[_Row] = [inputs | {"way": way} | _step_columns(step) for way, step in steps]
    total = {"step_in_channels": None, "step_out_channels": None, "step_kernel": None} | sums
    rows.append(inputs | {"way": "through, both steps"} | total)
    for row in rows:
        row["break_even_channels"] = numbers.break_even_channels
    return rows


def _step_columns(step: Convolution) -> _Row:
    return {
        "step_in_channels": step.in_channels,
        "step_out_channels": step.out_channels,
        "step_kernel": step.kernel,
        "weights": step.weights,
        "biases": step.biases,
        "params": step.params,
        "macs": step.macs,
        "flops": 2 * step.macs,
    }


# Kernel, stride, padding ---------------------------------------------------------------------


_TOO_WIDE = N_(
    "The window is {window} pixels wide, the padded input {padded}: the smallest input that works"
    " is {smallest} pixels a side."
)
_TOO_WIDE_FOR_ANY = N_(
    "The window is {window} pixels wide, the padded input {padded}: the smallest input that works"
    " is {smallest} pixel a side."
)


@dataclass(frozen=True)
class SlidingWindow:
    """A convolution's or a pooling's window on a map, the same in both directions.

    The arithmetic is that of Dumoulin & Visin 2016, "A guide to convolution arithmetic for deep
    learning". Raises LabError for numbers outside the limits above, and for a window that is
    larger than the padded input.
    """

    side: int  # pixels a side of the input
    kernel: int  # taps a side
    stride: int = 1  # pixels from one position to the next
    padding: int = 0  # cells added at each edge
    dilation: int = 1  # pixels from one tap to the next

    def __post_init__(self) -> None:
        check_whole(_("The input side"), self.side, 1, MAX_SIDE)
        check_whole(_("The kernel"), self.kernel, 1, MAX_KERNEL)
        check_whole(_("The stride"), self.stride, 1, MAX_STRIDE)
        check_whole(_("The padding"), self.padding, 0, MAX_PADDING)
        check_whole(_("The dilation"), self.dilation, 1, MAX_DILATION)
        if self.effective_kernel > self.padded_side:
            raise LabError(
                _TOO_WIDE_FOR_ANY if self.smallest_side == 1 else _TOO_WIDE,
                window=self.effective_kernel,
                padded=self.padded_side,
                smallest=self.smallest_side,
            )

    @property
    def effective_kernel(self) -> int:
        """Pixels from the first tap to the last, both included: k + (k−1)(d−1) (section 5.1)."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def padded_side(self) -> int:
        """Pixels a side with the padding of both edges."""
        return self.side + 2 * self.padding

    @property
    def smallest_side(self) -> int:
        """Pixels a side of the smallest input that this window fits on."""
        return max(1, self.effective_kernel - 2 * self.padding)

    @property
    def output_side(self) -> int:
        """Pixels a side of the output (relationship 15; without dilation relationship 6)."""
        return (self.padded_side - self.effective_kernel) // self.stride + 1

    @property
    def keeps_size(self) -> bool:
        """Whether the output is as large as the input."""
        return self.output_side == self.side

    @property
    def size_keeping_padding(self) -> int | None:
        """The padding at each edge that keeps the size at stride 1 ("same", relationship 3).

        None where the window is an even number of pixels wide: it would need more padding at one
        edge than at the other.
        """
        added = self.effective_kernel - 1
        return None if added % 2 else added // 2

    @property
    def remainder(self) -> int:
        """Cells of the padded row behind the last position, which the floor leaves out."""
        return (self.padded_side - self.effective_kernel) % self.stride

    @property
    def unread_at_edge(self) -> int:
        """Pixels among the remainder: those at the far edge that are never read."""
        return max(0, self.remainder - self.padding)

    @property
    def pooling_allows_padding(self) -> bool:
        """Whether torch pools with this padding: at most half the kernel, whatever the dilation."""
        return self.padding <= self.kernel // 2

    def taps(self, position: int) -> list[int]:
        """Cells of the padded row that the window reads at a position, both counted from 0."""
        start = position * self.stride
        return [start + tap * self.dilation for tap in range(self.kernel)]

    def reads(self) -> tuple[int, ...]:
        """How many of the row's window positions read each pixel, from the first to the last."""
        counts = [0] * self.padded_side
        for position in range(self.output_side):
            for cell in self.taps(position):
                counts[cell] += 1
        return tuple(counts[self.padding : self.padding + self.side])


@dataclass(frozen=True)
class Preset:
    """A window that the reader has met, on a map where it is met."""

    name: str
    window: SlidingWindow

    def at(self, side: int) -> SlidingWindow:
        """The same window on another map. Raises LabError where it does not fit."""
        return replace(self.window, side=side)


PRESETS = (
    Preset(N_("2×2 max-pool, stride 2"), SlidingWindow(224, 2, 2)),
    Preset(N_("AlexNet 3×3 pool, stride 2"), SlidingWindow(54, 3, 2)),
    Preset(N_("Inception 3×3 average pool"), SlidingWindow(28, 3, 1, 1)),
    Preset(N_("3×3 “same” convolution"), SlidingWindow(224, 3, 1, 1)),
    Preset(N_("AlexNet 11×11, stride 4"), SlidingWindow(224, 11, 4, 1)),
    Preset(N_("ResNet stem 7×7, stride 2"), SlidingWindow(224, 7, 2, 3)),
)


def window_rows(window: SlidingWindow) -> list[_Row]:
    """The chosen window, then the presets on a map of the same side.

    A preset that does not fit on it has no results.
    """
    rows: list[_Row] = [{"window": "chosen", **_window_columns(window)}]
    for preset in PRESETS:
        try:
            columns = _window_columns(preset.at(window.side))
        except LabError:
            empty = dict.fromkeys(_window_columns(window))
            columns = {**empty, **asdict(preset.window), "side": window.side}
        rows.append({"window": preset.name, **columns})
    return rows


def _window_columns(window: SlidingWindow) -> _Row:
    return asdict(window) | {
        "output_side": window.output_side,
        "keeps_size": "yes" if window.keeps_size else "no",
        "size_keeping_padding": window.size_keeping_padding,
        "unread_at_edge": window.unread_at_edge,
        "unread": window.reads().count(0),
    }


# Stacked 3×3 against one large kernel --------------------------------------------------------


@dataclass(frozen=True)
class Stack:
    """Convolutions one after the other, a ReLU behind each, all with the same channels."""

    count: int
    kernel: int  # pixels a side
    channels: int  # in and out
    side: int  # pixels a side of every map
    batch_size: int  # images

    @property
    def layer(self) -> Convolution:
        """One of the convolutions."""
        return Convolution(self.channels, self.channels, self.kernel, self.side)

    @property
    def params(self) -> int:
        """Weights and biases of all layers."""
        return self.count * self.layer.params

    @property
    def macs(self) -> int:
        """Multiply-adds an image, forward."""
        return self.count * self.layer.macs

    @property
    def backward_macs(self) -> int:
        """Multiply-adds an image of the gradients of the weights and of the input.

        Each of the two takes as many as the forward pass.
        """
        return 2 * self.macs

    @property
    def receptive_field(self) -> int:
        """Pixels a side of the input that one output pixel sees (Araujo et al. 2019)."""
        return 1 + self.count * (self.kernel - 1)

    @property
    def saved_maps(self) -> int:
        """Maps that autograd keeps for the backward pass.

        A convolution keeps its input, a ReLU its output, and the output of one pair is the input
        of the next: the first input and one map a pair.
        """
        return self.count + 1

    @property
    def saved_bytes(self) -> int:
        """Bytes of these maps for the whole batch, as float32."""
        each = BYTES_PER_FLOAT * self.channels * self.side**2
        return self.saved_maps * each * self.batch_size


@dataclass(frozen=True)
class StackedAgainstLarge:
    """Stacked 3×3 convolutions and the one kernel that sees as much (Simonyan & Zisserman 2015,
    section 2.3). Raises LabError for numbers outside the limits above.
    """

    count: int = 2  # convolutions of 3×3
    channels: int = 64  # in and out
    side: int = 56  # pixels a side of every map
    batch_size: int = 128  # images

    def __post_init__(self) -> None:
        check_whole(_("The number of 3×3 convolutions"), self.count, 1, MAX_STACKED)
        check_whole(_("The channels"), self.channels, 1, MAX_CHANNELS)
        check_whole(_("The side"), self.side, 1, MAX_SIDE)
        check_whole(_("The batch size"), self.batch_size, 1, MAX_BATCH_SIZE)

    @property
    def kernel(self) -> int:
        """Pixels a side of the large kernel: every 3×3 sees one pixel more at each edge."""
        return 2 * self.count + 1

    @property
    def stacked(self) -> Stack:
        """The 3×3 convolutions."""
        return Stack(self.count, 3, self.channels, self.side, self.batch_size)

    @property
    def large(self) -> Stack:
        """The one large kernel."""
        return Stack(1, self.kernel, self.channels, self.side, self.batch_size)


def stack_rows(numbers: StackedAgainstLarge) -> list[_Row]:
    """One row for the stack and one for the large kernel, each with all inputs.

    MACs are an image, bytes for the whole batch.
    """
    return [_stack_columns(numbers.stacked), _stack_columns(numbers.large)]


def _stack_columns(stack: Stack) -> _Row:
    return {
        "convolutions": stack.count,
        "kernel": stack.kernel,
        "channels": stack.channels,
        "side": stack.side,
        "batch_size": stack.batch_size,
        "receptive_field": stack.receptive_field,
        "weights": stack.count * stack.layer.weights,
        "biases": stack.count * stack.layer.biases,
        "params": stack.params,
        "macs": stack.macs,
        "flops": 2 * stack.macs,
        "backward_macs": stack.backward_macs,
        "relus": stack.count,
        "saved_maps": stack.saved_maps,
        "batch_saved_bytes": stack.saved_bytes,
    }
