import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from oracles import TinyNet

from art_segplugin.attacks import named
from art_segplugin.data.resampling import even
from art_segplugin.data.sample import Sample
from art_segplugin.data.video import VideoWriter
from art_segplugin.errors import InputError
from art_segplugin.evaluation.clip import ClipAttack, ClipReproduction, PictureRecord, replay_clip
from art_segplugin.evaluation.dataset import attack_samples
from art_segplugin.evaluation.exact_files import FileRef
from art_segplugin.evaluation.model_refs import ModelPair, ModelRef
from art_segplugin.evaluation.pipeline import ANY_WRONG, AttackPlan, Goal, image_batch
from art_segplugin.evaluation.scores import Scores, pool
from art_segplugin.files import file_sha256
from art_segplugin.models import Segmenter

CLASSES, SIZE = 4, (14, 18)


def load(spec):
    torch.manual_seed(ord(spec[-1]))
    network = TinyNet(CLASSES)
    with torch.no_grad():
        network.head.weight *= 4
    return Segmenter(network, classes=CLASSES).eval().requires_grad_(False)


def images(count=4):
    random = np.random.default_rng(0)
    first = random.integers(0, 256, (*SIZE, 3))
    return [
        np.clip(first + random.integers(-9, 9, first.shape), 0, 255).astype(np.uint8)
        for _ in range(count)
    ]


def label_map(classes=CLASSES):
    return np.random.default_rng(1).integers(0, classes, SIZE, dtype=np.uint8)


def plan(goal=ANY_WRONG, region="everywhere", **options):
    attack = named("segpgd", targeted=goal.targeted, **{"steps": 2, "eps": 0.05, **options})
    return AttackPlan.of(attack, goal, region, seed=3)


def attacked(clip, pictures=None, labels=None):
    pictures = images() if pictures is None else pictures
    return [clip.attack(index, image, labels) for index, image in enumerate(pictures)]


def pixels(done):
    return [one.a.written for one in done]


def test_is_what_the_library_says_of_the_same_pictures():
    done = attacked(ClipAttack(load("a"), None, plan()))
    samples = [Sample(str(i), image_batch(p, "cpu")[0], None) for i, p in enumerate(images())]
    named_attack = plan().attack
    for ours, theirs in zip(
        done, attack_samples(load("a"), samples, named_attack, seed=3), strict=True
    ):
        assert torch.equal(ours.a.x_adv, theirs.x_adv)
        assert torch.equal(ours.a.x_8_bit, theirs.x_8_bit)
        for kind, result in zip(("clean", "exact", "8-bit"), theirs.results, strict=True):
            assert ours.a.numbers[kind].confusion.tolist() == result.counts
        assert ours.numbers["A exact"].mis_ratio > 0
        assert not ours.numbers["A exact"].labelled


def test_what_is_written_is_what_was_scored():
    model = load("a")
    for one in attacked(ClipAttack(model, None, plan()), labels=label_map()):
        logits = model(image_batch(one.a.written, "cpu"))
        assert torch.equal(logits, one.a.logits_8_bit)
        assert one.numbers["A 8-bit"].distance <= 0.05 * (1 + 1e-5)


def test_a_warm_start_goes_on_from_the_picture_before():
    cold = attacked(ClipAttack(load("a"), None, plan(steps=1)))
    warm = attacked(ClipAttack(load("a"), None, plan(steps=1), warm_start=True))
    assert np.array_equal(cold[0].a.written, warm[0].a.written)
    assert not np.array_equal(cold[1].a.written, warm[1].a.written)
    errors = [sum(one.numbers["A exact"].mis_ratio for one in run[1:]) for run in (cold, warm)]
    assert errors[1] > errors[0]  # one step from the last perturbation is more than one from noise


def test_going_on_from_files_is_as_without_a_break():
    whole = attacked(ClipAttack(load("a"), load("b"), plan(), transfer=False, warm_start=True))
    rest = ClipAttack(load("a"), load("b"), plan(), transfer=False, warm_start=True)
    before = whole[1]
    rest.go_on_after(images()[1], {key: side.written for key, side in before.sides.items()})
    again = rest.attack(2, images()[2], None)
    assert np.array_equal(again.b.written, whole[2].b.written)
    assert {k: str(v) for k, v in again.numbers.items()} == {
        k: str(v) for k, v in whole[2].numbers.items()
    }


def test_b_sees_a_s_images_or_its_own():
    strong = plan(eps=0.2, steps=8)
    transfer = attacked(ClipAttack(load("a"), load("b"), strong), images(1))[0]
    own = attacked(ClipAttack(load("a"), load("b"), strong, transfer=False), images(1))[0]
    assert np.array_equal(transfer.b.written, transfer.a.written)
    assert not np.array_equal(own.b.written, own.a.written)
    assert own.numbers["B exact"].mis_ratio > transfer.numbers["B exact"].mis_ratio
    assert set(own.numbers) == {f"{m} {k}" for m in "AB" for k in ("clean", "exact", "8-bit")}


def test_pictures_without_the_class_are_left_alone():
    clip = ClipAttack(load("a"), None, plan(Goal(3, 0)))
    with_class, without = label_map(), np.zeros(SIZE, np.uint8)
    first = clip.attack(0, images()[0], with_class)
    second = clip.attack(1, images()[1], without)
    assert first.numbers["A exact"].distance > 0
    assert second.numbers["A exact"].distance == 0
    assert np.array_equal(second.a.written, images()[1])
    with pytest.raises(InputError, match="no class"):
        ClipAttack(load("a"), None, plan(Goal(9, 0))).attack(0, images()[0], with_class)


def test_sizes_are_even_and_the_same():
    odd = np.zeros((15, 19, 3), np.uint8)
    assert even(odd).shape == (14, 18, 3)
    clip = ClipAttack(load("a"), None, plan())
    clip.attack(0, images()[0], None)
    with pytest.raises(InputError, match="12 x 10 but those before are 18 x 14"):
        clip.attack(1, np.zeros((10, 12, 3), np.uint8), None)


def test_a_painted_mask_is_cut_as_the_pictures_are():
    mask = np.zeros((15, 19), bool)
    mask[:4] = True
    (one,) = attacked(ClipAttack(load("a"), None, plan(region="painted"), mask=mask), images(1))
    change = (one.a.written != images(1)[0]).any(-1)
    assert change[:4].any()
    assert not change[4:].any()


def recorded(folder, labels=None, **values):
    clip = ClipAttack(load("a"), load("b"), plan(), warm_start=True)
    done = attacked(clip, labels=labels)
    for name, shown in (("pictures", lambda i: images()[i]), ("labels", lambda i: labels)):
        if shown(0) is not None:
            with VideoWriter(folder / f"{name}.mkv", 25) as writer:
                for index in range(len(done)):
                    picture = shown(index)
                    writer.write(np.dstack([picture] * 3) if picture.ndim == 2 else picture)
    refs = [
        FileRef(path.name, file_sha256(path)) if path.exists() else None
        for path in (folder / "pictures.mkv", folder / "labels.mkv")
    ]
    made = ClipReproduction(
        *refs, None, {"spec": "drive:1"}, ModelPair(ModelRef("a"), ModelRef("b")), plan(), True,
        [PictureRecord.of(one, str(i), images()[i], labels) for i, one in enumerate(done)],
        pool(one.numbers for one in done), threads=1,
    )  # fmt: skip
    made = replace(made, **values)
    made.save(folder / "repro.json")
    return ClipReproduction.load(folder)


@pytest.mark.parametrize("labels", [None, label_map()], ids=("prediction", "labels"))
def test_replays_to_identical_figures(labels, tmp_path):
    clip, seen = recorded(tmp_path, labels), []
    found, lines = replay_clip(clip, tmp_path, load=load, progress=lambda *both: seen.append(both))
    assert lines == []
    assert {k: str(v) for k, v in found.items()} == {k: str(v) for k, v in clip.pooled.items()}
    assert found["A clean"].labelled is (labels is not None)
    total = np.sum(found["A 8-bit"].confusion)
    assert total == 4 * SIZE[0] * SIZE[1]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]


def test_replay_names_what_differs(tmp_path):
    clip = recorded(tmp_path, warm_start=False)
    _, lines = replay_clip(clip, tmp_path, load=load)
    assert any(line.startswith("picture 1, A exact") for line in lines)
    assert any(line.startswith("A 8-bit") for line in lines)
    rest = replay_clip(clip, tmp_path, load=load, tolerance=1.0)[1]
    assert all("nan" in line for line in rest)  # a class that is predicted in one of them only


def test_replay_refuses_other_pictures(tmp_path):
    clip = recorded(tmp_path)
    record = replace(clip.records[2], image="0")
    with pytest.raises(InputError, match=r"picture 2 .* is not the one"):
        replay_clip(replace(clip, records=[*clip.records[:2], record]), tmp_path, load=load)
    with pytest.raises(InputError, match="has 4 of 8"):
        replay_clip(replace(clip, records=clip.records * 2), tmp_path, load=load)
    (tmp_path / "pictures.mkv").unlink()
    with pytest.raises(InputError, match="missing"):
        replay_clip(clip, tmp_path, load=load)


def test_a_clip_without_figures_is_refused(tmp_path):
    clip = recorded(tmp_path)
    for changes in ({"records": []}, {"pooled": {}}, {"records": [], "pooled": {}}):
        empty = replace(clip, **changes)
        with pytest.raises(InputError, match="no figures to compare"):
            replay_clip(empty, tmp_path, load=load)
        empty.save(tmp_path / "repro.json")
        with pytest.raises(InputError, match="no figures to compare"):
            ClipReproduction.load(tmp_path)


def test_sides_that_only_one_of_both_has_are_named(tmp_path):
    clip = recorded(tmp_path)
    nothing = replace(clip.records[1], scores={})
    more = replace(
        clip.records[2],
        scores={**clip.records[2].scores, "C clean": Scores(math.nan, 0, labelled=False)},
    )
    other = replace(
        clip.records[3],
        scores={k: replace(v, labelled=True) for k, v in more.scores.items() if k != "C clean"},
    )
    clip = replace(clip, records=[clip.records[0], nothing, more, other])
    _, lines = replay_clip(clip, tmp_path, load=load, tolerance=1.0)
    assert "picture 1, A clean: there now, but not recorded" in lines
    assert "picture 2, C clean: recorded, but not there now" in lines
    assert "picture 3, A exact: other labels" in lines
    assert len(lines) == 6 + 1 + 6


def test_other_labels_are_told_from_other_pictures(tmp_path):
    clip = recorded(tmp_path, label_map())
    record = replace(clip.records[3], labels="0")
    with pytest.raises(InputError, match=r"the labels of picture 3 of labels\.mkv are not those"):
        replay_clip(replace(clip, records=[*clip.records[:3], record]), tmp_path, load=load)
    with pytest.raises(InputError, match="the labels of picture 0 are not those"):
        replay_clip(replace(clip, labels=None), tmp_path, load=load)


def test_pictures_without_the_region_are_left_alone():
    clip = ClipAttack(load("a"), None, replace(plan(region="class"), region_class=3))
    first = clip.attack(0, images()[0], label_map())
    second = clip.attack(1, images()[1], np.zeros(SIZE, np.uint8))
    assert first.numbers["A exact"].distance > 0
    assert np.array_equal(second.a.written, images()[1])
    with pytest.raises(InputError, match="region 9 is no class"):
        ClipAttack(load("a"), None, replace(plan(region="class"), region_class=9)).attack(
            0, images()[0], label_map()
        )
