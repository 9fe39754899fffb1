import hypothesis.strategies as st
import torch
from hypothesis import given, settings

from art_segplugin.core.threat_model import ThreatModel
from art_segplugin.evaluation.pipeline import to_8_bit


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, 2, "inf"]), st.floats(0, 0.2), st.integers(0, 10_000))
def test_multiples_of_1_255_inside_the_threat_model(norm, eps, seed):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randint(0, 256, (2, 3, 5, 6), generator=generator) / 255
    eps = eps if norm == "inf" else 20 * eps
    threat_model = ThreatModel(eps, norm)
    x_adv = threat_model.around(x).random_point(generator)
    rounded = to_8_bit(x_adv, x, threat_model)
    assert torch.equal((rounded * 255).round() / 255, rounded)
    assert rounded.min() >= 0
    assert rounded.max() <= 1
    assert (threat_model.distance(rounded, x) <= eps * (1 + 1e-5) + 1e-6).all()
    assert (rounded - x_adv).abs().max() < 1.0 / 255 + 1e-6
    # no more is given up than the last bisection leaves undecided
    if norm != "inf" and eps > 2 / 255:
        towards_x = x + ((x_adv - x) * 255).trunc() / 255
        kept, least = (threat_model.distance(image, x) for image in (rounded, towards_x))
        assert (kept >= least - 1e-6).all()


def test_whole_255ths_are_kept():
    x = torch.full((1, 3, 2, 2), 100 / 255)
    x_adv = x + 8 / 255
    assert torch.equal(to_8_bit(x_adv, x, ThreatModel(8 / 255)), torch.full_like(x, 108) / 255)


def test_without_a_radius_every_value_goes_to_the_nearest():
    x, x_adv = torch.zeros(1, 3, 4, 4), torch.rand(1, 3, 4, 4)
    rounded = to_8_bit(x_adv, x, ThreatModel(None))
    assert torch.equal(rounded, (x_adv * 255).round() / 255)
