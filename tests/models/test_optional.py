import pytest

from art_segplugin.errors import InputError
from art_segplugin.models import optional


def test_a_missing_package_names_the_command():
    with pytest.raises(InputError, match=r"needs no_such_zoo .*pip install 'art-segplugin\[models"):
        optional.import_zoo("no_such_zoo.models")


def test_a_torchvision_for_another_torch_is_explained(monkeypatch):
    def fail(name):
        raise RuntimeError("operator torchvision::nms does not exist")

    monkeypatch.setattr(optional, "import_module", fail)
    with pytest.raises(InputError, match=r"nms does not exist.*built for this torch"):
        optional.import_zoo("torchvision")
