"""The Calculators page as a script: what it finds, what an address reopens, what bad input gets."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core.explain.calculators import PRESETS, Bottleneck, StackedAgainstLarge
from core.explain.glossary import find_term
from core.language import CHINESE
from tests.pages.opening import as_read, explains, metric, open_page, shown

PAGE = "pages/calculators.py"


def finding(app: AppTest) -> str:
    """The sentence that answers the reader's question, without bold."""
    first = next(text.value for text in app.markdown if "Address of this" not in text.value)
    return as_read(first).replace("**", "")


def details(app: AppTest) -> str:
    return as_read("\n".join(text.value for text in app.markdown)).replace("**", "")


# The 1×1 bottleneck


def test_the_lectures_bottleneck_stands_there_at_first_glance():
    app = open_page(PAGE)
    assert "falls to 10.3 % of the direct way, 1/9.7" in finding(app)
    assert "12.4 M MACs instead of 120.4 M" in finding(app)
    assert metric(app, "Break-even") == "154"
    table = app.dataframe[0].value
    assert table["MACs"].tolist() == [120_422_400, 2_408_448, 10_035_200, 12_443_648]
    assert table["FLOPs"].tolist() == [2 * macs for macs in table["MACs"]]
    assert table["parameters"].tolist() == (table["weights"] + table["biases"]).tolist()
    assert explains(shown(app), find_term("MACs"))


def test_an_address_reopens_the_same_bottleneck():
    numbers = Bottleneck(256, 64, 48, 3, 14)
    app = open_page(
        PAGE, calc_in="256", calc_out="64", calc_through="48", calc_large="3", calc_map="14"
    )
    assert app.dataframe[0].value["MACs"].iloc[0] == numbers.direct.macs
    assert app.dataframe[0].value["MACs"].iloc[-1] == numbers.macs


def test_too_many_channels_in_the_middle_cost_more():
    assert "grows to 129.2 % of the direct way" in finding(open_page(PAGE, calc_through="200"))


def test_one_channel_to_one_channel_never_pays():
    app = open_page(PAGE, calc_in="1", calc_out="1", calc_through="1", calc_large="1")
    assert "never pays" in finding(app)
    assert metric(app, "Break-even") == "0"


# Output size


def test_every_preset_sets_all_five_numbers_and_the_address():
    app = open_page(PAGE, calc_tool="Output size")
    for preset in PRESETS:
        app.pills(key="calc_preset").set_value(preset.name).run()
        assert not app.exception
        window = preset.window
        assert app.dataframe[0].value["output px"].iloc[0] == window.output_side
        assert app.number_input(key="calc_side").value == window.side
        assert app.number_input(key="calc_kernel").value == window.kernel
        assert app.number_input(key="calc_stride").value == window.stride
        assert app.number_input(key="calc_padding").value == window.padding
        assert app.pills(key="calc_preset").value == preset.name


def test_in_chinese_an_address_still_names_calculator_and_window_in_english():
    app = open_page(PAGE, lang=CHINESE, calc_tool="Output size", calc_kernel="7")
    app.pills(key="calc_preset").set_value("AlexNet 3×3 汇聚，步幅 2").run()  # as browsers send it
    assert as_read(app.title[0].value) == "窗口 3×3、步幅 2，输入 54 px"
    assert "".join(app.query_params["calc_tool"]) == "Output size"
    assert app.pills(key="calc_preset").value == PRESETS[1].name


def test_the_preset_that_an_address_describes_is_marked_and_another_number_unmarks_it():
    app = open_page(
        PAGE,
        calc_tool="Output size",
        calc_side="28",
        calc_kernel="3",
        calc_stride="1",
        calc_padding="1",
    )
    assert app.pills(key="calc_preset").value == "Inception 3×3 average pool"
    app.number_input(key="calc_side").set_value(29).run()
    assert app.pills(key="calc_preset").value is None


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ({}, "No, the size is not kept: 224×224 pixels become 112×112."),
        ({"calc_kernel": "3", "calc_stride": "1", "calc_padding": "1"}, "Yes, the size is kept"),
        ({"calc_stride": "1", "calc_padding": "1"}, "grow to 225×225"),
    ],
)
def test_do_average_pool_and_max_pool_keep_the_size(address, answer):
    app = open_page(PAGE, calc_tool="Output size", **address)
    assert answer in finding(app)
    assert "Average pooling, max-pooling and convolution are alike" in finding(app)


def test_the_formula_is_filled_in():
    app = open_page(
        PAGE, calc_tool="Output size", calc_kernel="11", calc_stride="4", calc_padding="1"
    )
    [formula] = app.latex
    assert r"{224 + 2\cdot1 - 1\cdot(11-1) - 1}{4}" in formula.value
    assert formula.value.rstrip("$\n ").endswith("= 54")


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        ({}, "no padding keeps the size"),
        ({"calc_kernel": "5"}, "a padding of 2 pixels keeps the size (here it is 0)"),
        ({"calc_kernel": "3", "calc_padding": "1"}, "a padding of 1 pixel keeps the size (as it"),
        ({"calc_kernel": "3"}, "1 pixel at the right and the bottom edge"),
        ({"calc_kernel": "1"}, "111 pixels of each row that stride or dilation steps over"),
        ({"calc_kernel": "3", "calc_padding": "2"}, "torch's pooling refuses it"),
        ({"calc_kernel": "3", "calc_stride": "1"}, "Every pixel is read at least once."),
    ],
)
def test_what_stands_under_the_picture(address, sentence):
    assert sentence in details(open_page(PAGE, calc_tool="Output size", **address))


def test_a_window_larger_than_its_input_gets_one_sentence_and_the_presets_stay():
    app = open_page(PAGE, calc_tool="Output size", calc_side="5", calc_kernel="9")
    assert "the smallest input that works is 9 pixels" in app.error[0].value
    app.pills(key="calc_preset").set_value("ResNet stem 7×7, stride 2").run()
    assert not app.error
    assert "become 112×112" in finding(app)


def test_a_button_sets_the_smallest_map_on_which_the_window_fits():
    app = open_page(PAGE, calc_tool="Output size", calc_side="5", calc_kernel="9")
    assert as_read(app.title[0].value) == "Window 9×9, stride 2, on 5 px"
    app.button(key="calc_fitting").click().run()
    assert not app.error and app.number_input(key="calc_side").value == 9
    assert "become 1×1" in finding(app)


@pytest.mark.parametrize(
    ("address", "title"),
    [
        ({}, "1×1 bottleneck: 192 → 16 → 32 channels"),
        ({"calc_tool": "Output size", "calc_padding": "1"}, "Window 2×2, stride 2, padding 1, on"),
        ({"calc_tool": "Stacked 3×3", "calc_count": "3"}, "3 stacked 3×3 against one 7×7"),
    ],
)
def test_the_page_is_called_after_what_it_computes(address, title):
    assert open_page(PAGE, **address).title[0].value.startswith(title)


# Stacked 3×3


def test_is_the_backward_pass_really_hungrier():
    app = open_page(PAGE, calc_tool="Stacked 3×3")
    assert "Two stacked 3×3 see the same 5×5 pixels with 72.0 % of the work" in finding(app)
    assert "For memory yes: 50 % more saved maps" in finding(app)
    assert "For work no" in finding(app)
    table = app.dataframe[0].value.set_index("quantity")
    numbers = StackedAgainstLarge()
    assert table.loc["saved bytes, the batch", "2 stacked 3×3"] == numbers.stacked.saved_bytes
    assert table.loc["MACs backward, an image", "one 5×5"] == numbers.large.backward_macs


def test_an_address_reopens_the_same_stack():
    app = open_page(
        PAGE,
        calc_tool="Stacked 3×3",
        calc_count="3",
        calc_channels="16",
        calc_stack_side="7",
        calc_batch="1",
    )
    large = StackedAgainstLarge(3, 16, 7, 1).large
    table = app.dataframe[0].value.set_index("quantity")
    assert table.loc["MACs forward, an image", "one 7×7"] == large.macs
    assert "for 1 image." in finding(app)


def test_a_single_3x3_is_the_large_kernel_itself():
    app = open_page(PAGE, calc_tool="Stacked 3×3", calc_count="1")
    assert "nothing is gained, nothing is lost" in finding(app)
    assert set(app.dataframe[0].value["share (%)"]) == {100}


# All three


@pytest.mark.parametrize("tool", ["1×1 bottleneck", "Output size", "Stacked 3×3", "<script>"])
@pytest.mark.parametrize("value", ["0", "99999999999999999999", "2.5", "x"])
def test_a_broken_address_shows_no_exception(tool, value):
    keys = (
        "calc_in calc_out calc_through calc_large calc_map calc_side calc_kernel calc_stride"
        " calc_padding calc_dilation calc_count calc_channels calc_stack_side calc_batch"
    )
    app = open_page(PAGE, calc_tool=tool, **dict.fromkeys(keys.split(), value))
    assert app.title[0].value
    assert app.dataframe or app.error


def test_every_control_says_what_it_is():
    for tool in ("1×1 bottleneck", "Output size", "Stacked 3×3"):
        app = open_page(PAGE, calc_tool=tool)
        controls = [*app.main.number_input, *app.main.slider]
        assert len(controls) >= 4 and not app.sidebar.number_input  # above what they change
        for control in controls:
            assert control.help.endswith("."), control.label
