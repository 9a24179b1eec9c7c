"""A network of a file on the Architecture page: controls, errors, what a save has changed."""

from __future__ import annotations

import pytest

from tests.pages.opening import layer_rows, open_page

FILE = """
from torch import nn

class Net(nn.Module):
    def __init__(self, in_channels: int = 1, num_classes: int = 10, width: int = 8,
                 deep: bool = False):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, width, 3)
        self.more = nn.Conv2d(width, width, 3) if deep else nn.Identity()
        self.head = nn.Linear(width, num_classes)

    def forward(self, x):
        return self.head(self.more(self.conv(x)).mean((2, 3)))
"""


@pytest.fixture
def file(networks_file):
    return networks_file(FILE)


def opened():
    return open_page("pages/architecture.py", net_network="nets.py:Net", net_size="28")


def numbers(app) -> dict[str, str]:
    return {one.label: one.value for one in app.metric}


def test_its_arguments_are_controls_and_its_layers_are_counted(file, watching):
    app = opened()
    assert not app.exception and not app.error
    assert numbers(app)["Parameters"] == "170"
    assert watching == ["file-nets.py"]
    app.slider(key="net_arg_width").set_value(16).run()
    assert numbers(app)["Parameters"] == "330"
    app.toggle(key="net_arg_deep").set_value(True).run()
    assert numbers(app)["Parameters"].startswith("2.6")


def test_a_save_shows_what_it_has_changed(file):
    app = opened()
    file.write_text(
        FILE.replace(
            "self.conv = nn.Conv2d(in_channels, width, 3)",
            "self.conv = nn.Conv2d(in_channels, width, 5)",
        )
    )
    app.run()
    assert numbers(app)["Parameters"] == "298"
    [card] = [one for one in app.metric if one.label == "Parameters"]
    assert card.delta == "+128 since save"
    changed = next(one.value for one in app.dataframe if "what" in one.value.columns)
    assert changed["layer"].tolist()[0] == "conv" and changed["parameters"][0] == "208 (+128)"


def test_a_control_that_nobody_has_moved_follows_the_file(file):
    app = opened()
    file.write_text(FILE.replace("width: int = 8", "width: int = 12"))
    app.run()
    assert app.slider(key="net_arg_width").value == 12


def test_an_error_is_one_sentence_and_the_user_s_own_traceback(file):
    file.write_text(FILE.replace("mean((2, 3))", "mean((2, 3)) @ x"))
    app = opened()
    assert app.error[0].value.startswith("Net fails at 1×28×28: RuntimeError")
    assert "return self.head" in app.code[0].value and not app.exception
    file.write_text("class Net(:")
    app.run()
    assert "SyntaxError" in app.error[0].value and not app.exception
    file.write_text(FILE)
    app.run()
    assert not app.error and numbers(app)["Parameters"] == "170"


def test_its_code_is_its_file(file):
    app = open_page("pages/architecture.py", net_network="nets.py:Net", net_view="Code")
    assert app.code[0].value.strip() == FILE.strip()


def test_a_forward_pass_that_fails_is_shown_as_far_as_it_ran(file):
    file.write_text(FILE.replace("self.more(self.conv(x)).mean((2, 3))", "self.conv(x)"))
    app = opened()
    assert app.error[0].value.startswith("Net fails at 1×28×28: RuntimeError")
    assert app.header[0].value == "As far as it ran"
    table = layer_rows(app)
    assert table["layer"].tolist() == ["conv", "head"]
    assert table["output"].tolist() == ["1×8×26×26", ""]
    file.write_text(FILE)
    app.run()
    assert not app.error and numbers(app)["Parameters"] == "170"


def test_the_picture_is_of_the_file_as_it_was_saved_last(file):
    def drawn() -> str:
        return next(
            one.proto.json
            for one in opened_picture.get("bidi_component")
            if "svg" in one.proto.json
        )

    opened_picture = open_page(
        "pages/architecture.py", net_network="nets.py:Net", net_size="28", net_view="Picture"
    )
    before = drawn()
    file.write_text(FILE.replace("nn.Identity()", "nn.Tanh()"))
    opened_picture.run()
    assert "Tanh" in drawn() and "Tanh" not in before


def test_another_network_starts_with_its_own_form_of_image(file):
    pair = FILE.replace("width: int = 8,", "width: int = 8, image_size=(32, 48),")
    file.write_text(pair.replace("class Net", "class Oblong") + FILE)
    app = open_page("pages/architecture.py", net_network="lenet")
    assert app.toggle(key="net_oblong").value is False
    app.selectbox(key="net_network").set_value("nets.py:Oblong").run()
    assert not app.exception and app.toggle(key="net_oblong").value is True
    assert [app.number_input(key=f"net_{side}").value for side in ("height", "width")] == [32, 48]
    app.selectbox(key="net_network").set_value("lenet").run()
    assert not app.exception and app.toggle(key="net_oblong").value is False
