"""What the tests of training share."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.data.load import Dataset, load


@pytest.fixture(scope="module")
def mini() -> Dataset:
    return load("fashion-mini")


@pytest.fixture(scope="module")
def tiny(mini) -> Dataset:
    """fashion-mini with 50 test images, for tests that ask nothing of the accuracy."""
    return replace(mini, test_images=mini.test_images[:50], test_labels=mini.test_labels[:50])
