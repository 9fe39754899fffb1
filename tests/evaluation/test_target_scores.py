"""What a targeted attack reached, and what else it changed."""

import json
import math

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from evaluation.test_runner import Toy
from hypothesis import given, settings
from hypothesis.extra.numpy import array_shapes, arrays
from oracles import TinyNet

from art_segplugin.attacks import named
from art_segplugin.evaluation import summarise
from art_segplugin.evaluation.clip import PictureRecord
from art_segplugin.evaluation.dataset import attack_samples
from art_segplugin.evaluation.documents import from_plain, to_plain
from art_segplugin.evaluation.pipeline import Attacked, Goal, clean_images
from art_segplugin.evaluation.repro import Reproduction
from art_segplugin.evaluation.scores import Pool, target_scores
from art_segplugin.models import Segmenter
from art_segplugin.report.clip import caption, picture_rows
from art_segplugin.report.summary import headline
from art_segplugin.report.tables import score_rows, scores_caption, scores_header
from art_segplugin.scores import Scores, TargetScores, differences, pooled_targets, target_text

BEFORE = torch.tensor([[[1, 1, 1, 1], [0, 2, 3, 0]]])
AFTER = torch.tensor([[[2, 2, 0, 1], [0, 2, 2, 3]]])
VALID = torch.tensor([[[True, True, True, True], [True, True, True, False]]])


@pytest.fixture
def model():
    torch.manual_seed(0)
    return Segmenter(TinyNet(4), classes=4).eval()


def test_by_hand():
    """Two of four reached 2; of three others one changed, though to the target; void counts nowhere."""
    found = target_scores(Goal(1, 2), BEFORE, AFTER, VALID)
    assert found == TargetScores(2 / 4, 1 / 3, 4, 3)
    assert found == target_scores(Goal(1, 2, keep=True), BEFORE, AFTER, VALID)
    assert target_text(Scores(0.5, 0.5, target=found)) == "reached 50.0 %  collateral 33.3 %"


def test_of_all_pixels_those_on_target_already_are_the_rest():
    found = target_scores(Goal(to_class=2), BEFORE, AFTER, VALID)
    assert found == TargetScores(3 / 6, 0.0, 6, 1)


def test_without_a_target_there_is_nothing_to_score():
    assert target_scores(Goal(1), BEFORE, AFTER, VALID) is None
    assert math.isnan(Scores(1, 0).reached)
    assert math.isnan(Scores(1, 0).collateral)
    assert target_text(Scores(1, 0)) == ""


def test_a_part_without_pixels_has_no_share():
    found = target_scores(Goal(3, 2), BEFORE, AFTER, BEFORE == 0)
    assert math.isnan(found.reached)
    assert found == TargetScores(math.nan, 1 / 2, 0, 2)


maps = array_shapes(min_dims=3, max_dims=3, max_side=5).flatmap(
    lambda shape: st.tuples(*(arrays(np.int64, shape, elements=st.integers(0, 3)),) * 3)
)
goals = st.builds(Goal, st.none() | st.just(0), st.integers(1, 3))


@settings(deadline=None, max_examples=60)
@given(maps, goals)
def test_an_unchanged_image_has_reached_nothing_and_harmed_nothing(drawn, goal):
    before, _, marks = map(torch.from_numpy, drawn)
    found = target_scores(goal, before, before, marks > 0)
    for share, pixels in ((found.reached, found.source), (found.collateral, found.rest)):
        assert share == 0 if pixels else math.isnan(share)
    assert found.source + found.rest == int((marks > 0).sum())


@settings(deadline=None, max_examples=60)
@given(maps, goals)
def test_many_images_are_counted_as_one_large_image(drawn, goal):
    before, after, marks = map(torch.from_numpy, drawn)
    whole = target_scores(goal, before, after, marks > 0)
    each = [target_scores(goal, *one) for one in zip(before, after, marks > 0, strict=True)]
    assert pooled_targets(each) == whole
    assert pooled_targets([None, *each]) == whole
    assert pooled_targets([None]) is None


def test_a_pool_of_images_keeps_them():
    confusion = np.ones((4, 4), dtype=np.int64)
    one = Scores(0.5, 0.5, np.zeros(4), confusion, target=TargetScores.of(1, 2, 0, 4))
    other = Scores(0.5, 0.5, np.zeros(4), confusion, target=TargetScores.of(2, 4, 3, 8))
    pool = Pool()
    pool.add({"A": one, "clean": Scores(0.5, 0.5, np.zeros(4), confusion)})
    pool.add({"A": other})
    assert pool.scores["A"].target == TargetScores(3 / 6, 3 / 12, 6, 12)
    assert pool.scores["clean"].target is None
    assert one.totals.target == one.target


def test_as_json_and_back():
    for target in (None, TargetScores.of(1, 3, 0, 0)):
        scores = Scores(0.5, 0.5, target=target)
        assert from_plain(Scores, to_plain(scores)).target == target
    assert from_plain(Scores, {"miou": 0.5, "mis_ratio": 0.5}).target is None  # version 0.1
    assert to_plain(scores)["target"]["collateral"] is None


def test_replays_compare_them_where_they_were_recorded():
    recorded = Scores(0.5, 0.5, target=TargetScores.of(1, 2, 0, 4))
    assert differences({"A": recorded}, {"A": recorded}) == []
    other = Scores(0.5, 0.5, target=TargetScores.of(2, 2, 0, 4))
    assert differences({"A": recorded}, {"A": other}) == ["A: reached 0.5, now 1.0"]
    assert len(differences({"A": recorded}, {"A": Scores(0.5, 0.5)})) == 2
    assert differences({"A": Scores(0.5, 0.5)}, {"A": other}) == []


def test_everything_that_attacks_scores_them(model, tmp_path):
    data, goal = Toy([(20, 24)] * 2), Goal(1, 2, keep=True)
    attack = named("keep-pgd-5", eps=0.2, targeted=True)
    done = list(attack_samples(model, [data[0], data[1]], attack, goal=goal))
    counted = []
    for sample in done:
        clean = clean_images(model, sample.sample.image[None], sample.sample.labels[None])
        before, after = clean.prediction, model(sample.x_adv).argmax(1)
        valid = sample.sample.labels[None] != 255
        source, rest = valid & (before == 1), valid & (before != 1)
        shares = (
            ((after == 2) & source).sum() / source.sum(),
            ((after != before) & rest).sum() / rest.sum(),
        )
        assert shares[0] > 0
        exact = sample.results[1].images[0].target
        assert (exact.reached, exact.collateral) == pytest.approx([float(s) for s in shares])
        assert (exact.source, exact.rest) == (int(source.sum()), int(rest.sum()))
        assert sample.results[0].images[0].target is None
        scores = Attacked.of(clean, sample.x_adv, attack.build().threat_model, goal=goal).scores
        assert scores.target == exact
        counted.append(exact)
    clean, exact, rounded = summarise(one for sample in done for one in sample.results)
    assert clean.target is None
    assert exact.target == pooled_targets(counted)
    assert exact.options["keep"]
    assert rounded.reached > 0


def test_a_class_that_is_nowhere_is_named(model):
    from art_segplugin.errors import InputError

    sample = Toy([(6, 6)])[0]
    sample.labels[:] = 255
    attack = named("pgd-2", targeted=True)
    with pytest.raises(InputError, match="no pixel of the picture is of class 1"):
        list(attack_samples(model, [sample], attack, goal=Goal(1, 2, keep=True)))


def test_reports_show_them(model):
    from report.builder import report, result

    from art_segplugin.evaluation.result import ImageScore

    targeted = ImageScore("a", 60, 300, 0, TargetScores.of(24, 25, 11, 275))
    made = report(result("keep-pgd-50", images=[targeted]))
    place = scores_header(made).index("reached [%]")
    clean, attacked = score_rows(made)
    assert clean[place : place + 2] == ["-", "-"]
    assert attacked[place : place + 2] == ["96.0", "4.0"]
    assert "Collateral: of the other valid pixels" in scores_caption(made)
    assert "takes 96.0 % of the source to the target, 4.0 % of the rest elsewhere" in headline(made)
    plain = report(result())
    assert "reached [%]" not in scores_header(plain)
    assert "Collateral" not in scores_caption(plain)


def test_clips_show_them():
    target = TargetScores.of(24, 25, 11, 275)
    attacked, clean = Scores(0.5, 0.25, target=target), Scores(0.9, 0.1)
    assert caption("A 8-bit", attacked) == (
        "A 8-bit  reached 96.0 %  collateral 4.0 %  mIoU .500  error 25.0 %"
    )
    assert "reached" not in caption("A clean", clean)
    scores = {"A clean": clean, "A 8-bit": attacked}
    (row,) = picture_rows([PictureRecord(0, "a", "", None, {}, scores, 1.0)])
    assert (row["A 8-bit reached"], row["A 8-bit collateral"]) == (24 / 25, 11 / 275)
    assert "A clean reached" not in row


def test_an_exported_picture_replays_with_them(model, tmp_path):
    from reproduction_problem import load

    from art_segplugin.evaluation.model_refs import ModelPair, ModelRef
    from art_segplugin.evaluation.pipeline import AttackPlan
    from art_segplugin.evaluation.repro import reproduce

    image = np.random.default_rng(0).integers(0, 256, (14, 16, 3), dtype=np.uint8)
    plan = AttackPlan.of(named("keep-pgd-5", eps=0.3), Goal(1, 0, keep=True))
    empty = Reproduction(image=image, models=ModelPair(ModelRef("toy")), numbers={}, plan=plan)
    made = Reproduction(
        image=image, models=empty.models, numbers=reproduce(empty, load=load), plan=plan
    )
    made.save(tmp_path)
    read = Reproduction.load(tmp_path)
    assert read.plan.goal == Goal(1, 0, keep=True)
    assert read.numbers["A adversarial"].reached > 0
    assert differences(read.numbers, reproduce(read, load=load)) == []
    tree = json.loads((tmp_path / "repro.json").read_text())
    assert tree["numbers"]["A adversarial"]["target"]["reached"] > 0
