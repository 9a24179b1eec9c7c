"""Sentences of real records in Chinese: whole, and with its own punctuation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from core.analysis import analyze
from core.explain.hand_count.check import check
from core.inside.activity_records import Activity, ChannelActivity, LayerActivity
from core.inside.attribution_records import Attribution, Grid, Method, Question, finding_of
from core.language import CHINESE, in_language
from core.report.sentences.activity import dead_sentences
from core.report.sentences.another_size import another_size_sentence
from core.report.sentences.attribution import attribution_sentence
from core.report.sentences.equal_cost import equal_cost_sentence
from core.report.sentences.flattened import flattened_sentence
from core.report.sentences.framework_rows import rows_sentences
from core.report.sentences.hand_count import hand_count_sentences
from core.specs import ModelSpec

VGG = ModelSpec("vgg11", 1, 96)


def test_what_another_size_changes():
    before = replace(VGG, image_size=224)
    with in_language(CHINESE):
        told = another_size_sentence(analyze(before), analyze(VGG))
    assert told.replace("\u2009", " ") == (
        "图像大小为 96 像素而非 224 像素：block5.pool 的特征图为 3×3 个单元，原为 7×7；末端的一个"
        "单元能看到图像边长的 1.6 倍，原为 67 %；dense1.linear 有 18.9 M 个参数，原为 102.8 M；"
        "1.40 G MACs，原为 7.55 G。可区分的位置变少，图像的细节也更少：精度可能下降。"
    )


def test_convolutions_and_the_first_linear_layer():
    layers = analyze(replace(VGG, image_size=224)).layers
    with in_language(CHINESE):
        equal, inputs = equal_cost_sentence(layers), flattened_sentence(layers)
    assert equal.replace("\u2009", " ") == (
        "8 个卷积层中有 3 个的计算量同为 924.8 M MACs，而参数从 73.9 k 增加到 1.18 M，每一步增至"
        "原来的 4 倍。就全部卷积层而言，参数从 640（block1.conv1）到 2.36 M（block4.conv2）不等。"
    )
    assert inputs == "512 个通道 × 7 × 7 = 25,088 个输入；7 = 224 / 2⁵。"


def test_rows_of_other_frameworks():
    with in_language(CHINESE):
        rows, padding, sigmoid = rows_sentences(analyze(VGG))
    assert rows.startswith(
        "这里的 8 行是块。MXNet 打印 10 行，即 sequential1 到 sequential5、dense0、dropout0、"
    )
    assert padding == "Keras 的填充方式“same”得到的形状与全部 8 个卷积层相同：没有任何改变。"
    assert sigmoid.endswith("。")


def test_a_hand_count():
    with in_language(CHINESE):
        total, bias, kernel, *missing = hand_count_sentences(
            check("3x3x1x64\n3x5x64x128+128", analyze(VGG), "parameters")
        )
    assert total == (
        "手算结果为 123,584 个参数，网络实际为 44,920,074：少了 44,796,490。2 项中有 0 项正确。"
    )
    assert bias == (
        "第 1 行，block1.conv1 的 3×3×1×64：漏掉了偏置 64。该项的结果为 576，该层实际为 640。"
    )
    assert "：卷积核宽度 5，应为 3。该项的结果为 123,008，" in kernel
    assert missing[-1].startswith("精确值减去手算值为 +44,796,490，其中：漏掉的层 +")


def test_dead_channels():
    zero = ChannelActivity(7, 0.0, 0.0, 0.0, 0.0)
    found = Activity(1.0, 100, 2000, (LayerActivity("conv1", "relu", True, (zero,)),))
    with in_language(CHINESE):
        assert dead_sentences(found) == [
            "1 个通道中有 1 个失效，在 100 张测试图像（2,000 张中的前一部分）上从不为正：conv1：7。"
            "失效通道经过 ReLU 得不到梯度，因此训练无法唤醒它。"
        ]


def test_what_a_cover_takes_from_a_score():
    values = np.array([[1.5, 0, 0], [0, 0, 0], [0, -0.5, 0]], np.float32)
    grid = Grid((4, 4), (1, 1), (25, 25))
    question = Question(Method.OCCLUSION, 1)
    found = Attribution(question, values, values, finding_of(values), 4.0, grid=grid)
    with in_language(CHINESE):
        assert attribution_sentence(found, "Coat") == (
            "用 4 像素的遮挡块盖住左上方，“Coat”的得分下降最多：4 中的 1.5；盖住下方则最多使它"
            "上升 0.5。"
        )
