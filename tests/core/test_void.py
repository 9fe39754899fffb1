import pytest
import torch

from art_segplugin.core.void import void_doubt


def test_a_mask_of_0_and_255_is_doubtful():
    labels = torch.zeros(1, 10, 10, dtype=torch.uint8)
    labels.view(-1)[:43] = 255
    assert void_doubt(labels, 255, "pass --label-map 255=1") == (
        "Labels contain 255 in 43 % of the pixels and only one class; 255 is ignored. "
        "If 255 marks the object, pass --label-map 255=1."
    )
    assert void_doubt(labels, 255).endswith("pass labels.masked_fill(labels == 255, 1).")
    assert "0.05 % of" in void_doubt(torch.tensor([7] * 1999 + [-1]), -1)


def test_nothing_but_void_is_doubtful():
    assert "in every pixel" in void_doubt(torch.full((2, 3, 4), -1), -1)


@pytest.mark.parametrize(
    "labels", [[0, 0], [0, 1, 255], [0, 255 + 1], []], ids=["one", "two", "other", "none"]
)
def test_other_labels_are_not(labels):
    assert void_doubt(torch.tensor(labels, dtype=torch.int64), 255) == ""
