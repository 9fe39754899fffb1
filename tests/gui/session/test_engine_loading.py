"""Models are loaded once; a broken model, value or label is one sentence."""

import hashlib
from pathlib import Path

import pytest
import torch
from session_parts import MODELS, engine, events, of, picture, run, segmenter

from art_segplugin.models import Segmenter
from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.frames import Clean, Failed, Progress, Step


def test_labels_that_are_no_classes_are_named_and_not_used():
    frame = picture()
    frame.labels[3, 3] = 77
    (clean,) = of(Clean, events(engine(), run(frame=frame)))
    assert not clean.labelled
    assert "77" in clean.warning
    assert "not used" in clean.warning


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (
            "raises",
            "raises: the model failed on images of shape (1, 3, 18, 22) in Raises: ValueError: ",
        ),
        ("nan", "NaN"),
        ("unknown", "unknown failed with KeyError"),
    ],
)
def test_a_broken_model_is_one_sentence_and_the_engine_lives_on(spec, said):
    made = engine()
    (failed,) = of(Failed, events(made, run(a=spec)))
    assert said in failed.text
    assert "\n" not in failed.text
    if spec == "raises":
        assert failed.text.endswith(".log.")
        kept = Path(failed.text.split(" The traceback is in ")[1].removesuffix("."))
        assert "ValueError: no such layer" in kept.read_text(encoding="utf-8")
    assert of(Step, events(made, run(rev=2)))


def test_a_bad_value_is_one_sentence():
    (failed,) = of(Failed, events(engine(), run(options={"eps": -1.0})))
    assert "eps" in failed.text
    assert failed.details == ""


def test_loading_is_told_once():
    made = engine()
    assert [told.text for told in of(Progress, events(made, run(b="two")))] == [
        "loading one",
        "loading two",
    ]
    assert not of(Progress, events(made, run(rev=2, b="two")))


def test_a_model_that_ends_the_process_is_one_sentence():
    class Exits(torch.nn.Module):
        def forward(self, x):
            raise SystemExit("no licence")

    def load(spec):
        if spec == "exits":
            raise SystemExit("no key")
        return Segmenter(Exits(), classes=4) if spec == "later" else MODELS["one"]()

    made = Engine("cpu", load=load)
    for rev, (spec, said) in enumerate((("exits", "no key"), ("later", "no licence")), 1):
        (failed,) = of(Failed, events(made, run(rev=rev, a=spec)))
        assert said in failed.text
    assert of(Step, events(made, run(rev=5, a="fine")))


def test_a_checkpoint_that_was_written_anew_is_loaded_anew(tmp_path):
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"first")
    made = Engine("cpu", load=lambda spec: segmenter(len(path.read_bytes())))
    (one,) = of(Clean, events(made, run(a=str(path))))
    (again,) = of(Clean, events(made, run(rev=2, a=str(path))))
    path.write_bytes(b"second one")
    (two,) = of(Clean, events(made, run(rev=3, a=str(path))))
    assert one.sha256[0] == again.sha256[0] == hashlib.sha256(b"first").hexdigest()
    assert two.sha256[0] == hashlib.sha256(b"second one").hexdigest()
    assert (one.a.confidence != two.a.confidence).any()


def test_a_model_of_other_images_than_rgb_is_told_where_it_can_be_attacked():
    grey = Segmenter(torch.nn.Conv2d(1, 4, 1), in_channels=1)
    (failed,) = of(Failed, events(Engine("cpu", load=lambda spec: grey), run(a="grey")))
    assert "grey takes images of 1 channels and the app shows RGB" in failed.text
    assert "art-segplugin attack" in failed.text
