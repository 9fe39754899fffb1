import torch

from art_segplugin.training.batches import derived_generator, derived_seed


def test_depends_on_every_key_and_nothing_else():
    seeds = {derived_seed(*keys) for keys in [(0, "a", 1), (0, "a", 2), (0, "b", 1), (1, "a", 1)]}
    assert len(seeds) == 4
    assert derived_seed(0, "order", 3) == 66868108174030793  # also in another process


def test_generators_do_not_touch_the_global_one():
    state = torch.get_rng_state()
    first = torch.rand(4, generator=derived_generator(0, "x"))
    assert torch.equal(first, torch.rand(4, generator=derived_generator(0, "x")))
    assert torch.equal(state, torch.get_rng_state())
