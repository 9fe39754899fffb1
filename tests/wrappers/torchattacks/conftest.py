import pytest
from one_label import one_label_problem
from torch import nn


@pytest.fixture
def classification():
    """A net with logits (n, c, 1, 1) for the core, one with (n, c), images and labels (n,)."""
    core, x, labels = one_label_problem(n=9)
    return core, nn.Sequential(core, nn.Flatten(1)).eval(), x[:-1], labels[:-1].flatten()
