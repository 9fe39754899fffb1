import pytest

from art_segplugin.errors import InputError
from art_segplugin.models import optional


def test_a_missing_package_names_the_command():
    with pytest.raises(InputError, match=r"needs no_such_zoo .*pip install 'art-segplugin\[models"):
        optional.import_zoo("no_such_zoo.models")


def test_a_torchvision_for_another_torch_is_explained(monkeypatch):
    def fail():
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(optional, "import_torchvision", fail)
    for zoo in ("torchvision", "transformers", "segmentation_models_pytorch"):
        with pytest.raises(InputError, match=r"nms does not exist.*built for this torch"):
            optional.import_zoo(zoo)


def test_the_message_of_a_library_is_cut_to_one_line():
    assert optional.one_line(OSError("a\n\n  b"), 300) == "a b"
    assert optional.one_line(ValueError("x" * 400), 30) == "x" * 27 + "..."
    assert optional.one_line(KeyError()) == "KeyError"
