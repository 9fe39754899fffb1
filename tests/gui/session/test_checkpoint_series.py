from art_segplugin.models import shipped
from art_segplugin_gui.session.checkpoint_series import checkpoint_series, stage


def test_the_shipped_stages_of_one_training_are_found_from_any_of_them():
    wanted = [f"small-scenes-segpgd-step-{n}" for n in (150, 300, 600)] + ["small-scenes-segpgd"]
    for spec in wanted:
        assert checkpoint_series(spec, shipped()) == wanted
    assert [stage(one) for one in wanted] == ["150", "300", "600", "final"]


def test_one_that_stands_alone_has_no_series():
    assert checkpoint_series("small-scenes", shipped()) == []
    assert checkpoint_series("torchvision:deeplabv3_resnet50", shipped()) == []
    assert checkpoint_series("", ()) == []


def test_files_are_ordered_by_number_and_stay_in_their_folder():
    folder = [f"/runs/a/net-{n}.safetensors" for n in (1000, 20, 300)]
    known = [*folder, "/runs/b/net-40.safetensors", "/runs/a/other-5.safetensors", "net-7"]
    found = checkpoint_series(folder[0], known)
    assert found == [f"/runs/a/net-{n}.safetensors" for n in (20, 300, 1000)]
