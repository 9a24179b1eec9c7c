"""The least and the most that the controls take: one table, whoever shows them.

Those of forms are core.specs', so that a form can show every network and every run there can be;
an option's stand in its row in `core.zoo`.
"""

from __future__ import annotations

from core.specs import (
    MAX_BATCH_SIZE,
    MAX_EPOCHS,
    MAX_IMAGE_SIZE,
    MAX_IN_CHANNELS,
    MAX_LEARNING_RATE,
    MAX_NUM_CLASSES,
    MAX_RATIO,
    MAX_SEED,
    MAX_SEEDS,
)

# A network
RATIO = (1, MAX_RATIO)
SIZE = (1, MAX_IMAGE_SIZE)  # pixels a side
CHANNELS = (1, MAX_IN_CHANNELS)
CLASSES = (1, MAX_NUM_CLASSES)
RATIO_SLIDER = (1, 16)  # beyond it, a ratio is typed
SIZE_SLIDER = (8, 320)
SIZE_STEP = 4
OPTION_SLIDER = 100  # an option with a larger maximum is typed

# A run
LEAST_IMAGES = 1  # the most is what the data set has
EPOCHS = (1, MAX_EPOCHS)
BATCH = (1, MAX_BATCH_SIZE)
RATE = (1e-9, MAX_LEARNING_RATE)  # the least that a recipe takes
SEED = (0, MAX_SEED)

# A batch that is looked at, not trained: images
BATCH_COMPARED = (1, 512)
BATCH_TIMED = (1, 256)
BATCH_IN_MEMORY = (1, 1024)

# A study
SEEDS = (1, MAX_SEEDS)
FIRST_SEED = (0, MAX_SEED - SEEDS[1] + 1)  # so that the last seed is one too
