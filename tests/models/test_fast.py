"""A copy made to be attacked computes what the model computes, and the model stays as it was."""

import copy

import pytest
import torch
from torch import nn

from art_segplugin.errors import InputError
from art_segplugin.models import Segmenter, SmallSegNet, fast
from art_segplugin.models.fast import CHANNELS_LAST, FOLDED, Accelerated, accelerated, fastest


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def lively(network, seed=0):
    """Batch normalisations that have seen images: none is the identity."""
    generator = seeded(seed)
    for norm in network.modules():
        if isinstance(norm, nn.BatchNorm2d):
            for values, low, high in (
                (norm.weight.data, 0.5, 1.5),
                (norm.bias.data, -0.5, 0.5),
                (norm.running_mean, -0.5, 0.5),
                (norm.running_var, 0.5, 2.0),
            ):
                if values is not None:
                    values.uniform_(low, high, generator=generator)
    return network


class Tiny(nn.Module):
    """Convolution, normalisation, convolution; `also_read` uses what the first one gave once more."""

    def __init__(self, *, also_read=False, twice=False, **norm):
        super().__init__()
        torch.manual_seed(0)
        self.first = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(6, **norm)
        self.inner = nn.Conv2d(6, 6, 3, padding=1)
        self.last = nn.Conv2d(6, 4, 1)
        self.also_read, self.twice = also_read, twice

    def forward(self, x):
        features = self.first(x)
        normed = self.norm(features).relu()
        if self.also_read:
            normed = normed + 0.1 * features.tanh()
        normed = self.inner(normed).relu()
        if self.twice:
            normed = self.norm(self.inner(normed)).relu()
        return self.last(normed)


def segmenter(network, classes=4):
    return Segmenter(lively(network), classes=classes, mean=(0.4, 0.5, 0.6), std=0.3).eval()


def images(size=(2, 3, 32, 40), seed=1):
    return torch.rand(size, generator=seeded(seed))


def asked(model, x):
    leaf = x.clone().requires_grad_(True)
    logits = model(leaf)
    (gradient,) = torch.autograd.grad(logits.logsumexp(1).sum() - logits[:, 0].sum(), leaf)
    return logits.detach(), gradient


def assert_same(model, made, x):
    """No farther from the model in float64 than a few times what the model itself is in float32.

    Folding multiplies weights by one factor a channel, rounded once: the errors of either way are of
    the same size, one rounding (2^-24) of every sum of a few hundred products, and 16 times the
    model's own error, or 1e-5 of the values, is far from any error in the formula.
    """
    exact = asked(copy.deepcopy(model).double(), x.double())
    for of_copy, own, truth in zip(asked(made, x), asked(model, x), exact, strict=True):
        scale = truth.abs().max()
        allowed = max(16 * (own - truth).abs().max(), 1e-5 * scale)
        assert (of_copy - truth).abs().max() <= allowed


@pytest.mark.parametrize("network", [Tiny, lambda: SmallSegNet(4, width=6)])
@pytest.mark.parametrize("options", [{}, {"fold": False}, {"channels_last": False}])
def test_the_copy_gives_the_same_logits_and_gradients(network, options):
    model, x = segmenter(network()), images()
    found = accelerated(model, x, **options)
    assert found.left_out == ()
    assert (CHANNELS_LAST in found.taken) == options.get("channels_last", True)
    assert any(FOLDED in one for one in found.taken) == options.get("fold", True)
    assert found.model is not model
    assert_same(model, found.model, x)
    assert_same(model, found.model, images((1, 3, 48, 33), seed=2))  # and elsewhere


def test_every_normalisation_after_a_convolution_is_folded():
    model = segmenter(SmallSegNet(4, width=6))
    count = sum(isinstance(one, nn.BatchNorm2d) for one in model.modules())
    found = accelerated(model, images())
    assert found.taken[0] == f"{FOLDED} ({count})"
    assert not any(isinstance(one, nn.BatchNorm2d) for one in found.model.modules())


def test_the_model_stays_as_it_was():
    model = segmenter(Tiny()).train()
    model.model.inner.eval()
    model.model.first.weight.requires_grad_(False)

    def state():
        tensors = {name: (one.clone(), one.stride()) for name, one in model.state_dict().items()}
        return tensors, [(n, m.training, type(m)) for n, m in model.named_modules()], [
            p.requires_grad for p in model.parameters()
        ]  # fmt: skip

    (before, modules, needed), x = state(), images()
    found = accelerated(model, x)
    assert len(found.taken) == 2
    asked(found.model, x)
    (after, modules_after, needed_after) = state()
    assert (modules, needed) == (modules_after, needed_after)
    for name, (values, stride) in before.items():
        assert torch.equal(values, after[name][0])
        assert stride == after[name][1]
    ours = {p.data_ptr() for p in model.parameters()}
    assert ours.isdisjoint(p.data_ptr() for p in found.model.parameters())
    assert not any(module.training for module in found.model.modules())


class Looks(Tiny):
    """Computes something else where its normalisation is gone."""

    def forward(self, x):
        return super().forward(x) * (1 if isinstance(self.norm, nn.BatchNorm2d) else 2)


def hooked():
    network = Tiny()
    network.first.register_forward_hook(lambda module, given, result: None)
    return network


def parametrized():
    network = Tiny()
    nn.utils.parametrizations.weight_norm(network.first)
    return network


class Doubling(nn.Conv2d):
    def forward(self, x):
        return 2 * super().forward(x)


def own_kind():
    network = Tiny()
    network.first = Doubling(3, 6, 3, padding=1)
    return network


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            lambda: Tiny(also_read=True),
            "1 of 1 batch normalisations are not folded, whose input is",
        ),
        (lambda: Tiny(twice=True), "which follow no convolution, or several"),
        (lambda: Tiny(track_running_stats=False), "of another kind or normalise by the batch"),
        (hooked, "which other code listens to"),
        (parametrized, "whose weights are computed"),
        (own_kind, "convolutions of another kind"),
        (Looks, "a copy computes something else than the model"),
        (lambda: nn.Conv2d(3, 4, 3, padding=1), "folded batch normalisation: the model has none"),
    ],
)
def test_what_cannot_be_folded_is_left_and_said(network, words):
    model, x = segmenter(network()), images()
    found = accelerated(model, x)
    assert found.taken == (CHANNELS_LAST,)
    assert any(words in sentence for sentence in found.left_out), found.left_out
    assert_same(model, found.model, x)


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (lambda: Segmenter(lambda x: torch.cat([x, x[:, :1]], 1), classes=4), "a function"),
        (lambda: Segmenter(torch.jit.trace(Tiny().eval(), images()), classes=4), "TorchScript"),
        (lambda: Segmenter(Tiny().bfloat16(), classes=4), "not float32"),
    ],
)
def test_what_cannot_be_copied_is_attacked_as_it_is(model, words):
    model = model().eval()
    for found in (accelerated(model, images()), fastest(model, images())):
        assert found.model is model
        assert found.taken == ()
        assert found.described == "the model as it is"
        (sentence,) = found.left_out
        assert words in sentence


def test_options_of_other_devices_fall_back_in_words():
    model, x = segmenter(Tiny()), images()
    found = accelerated(model, x, precision="tf32", graphs=True)
    assert found.precision == "float32"
    assert len(found.taken) == 2
    assert "tf32: it is for CUDA and the model is on cpu." in found.left_out
    assert "CUDA graphs: they are for CUDA and the model is on cpu." in found.left_out
    assert_same(model, found.model, x)


def refuses(network):
    raise RuntimeError("no compiler was found")


class Distorted(nn.Module):
    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, x):
        return 1.01 * self.network(x)


@pytest.mark.parametrize(
    ("compiler", "words"),
    [
        (refuses, "torch.compile: RuntimeError: no compiler was found."),
        (Distorted, "something else"),
    ],
)
def test_a_compiler_that_fails_is_left_out_in_words(compiler, words, monkeypatch):
    monkeypatch.setattr(torch, "compile", compiler)
    model, x = segmenter(Tiny()), images()
    found = accelerated(model, x, compiled=True)
    assert len(found.taken) == 2
    assert any(words in sentence for sentence in found.left_out)
    assert_same(model, found.model, x)


def test_a_compiler_that_works_is_taken(monkeypatch):
    monkeypatch.setattr(torch, "compile", lambda network: network)
    found = accelerated(segmenter(Tiny()), images(), compiled=True)
    assert found.taken[-1] == "torch.compile"


def test_fewer_bits_are_computed_in_where_asked_and_the_logits_are_float32():
    model, x = segmenter(Tiny()), images()
    found = accelerated(model, x, precision="bfloat16")
    assert found.precision == "bfloat16"
    assert found.described.endswith("bfloat16")
    logits, gradient = asked(found.model, x)
    exact, _ = asked(model, x)
    assert logits.dtype == gradient.dtype == torch.float32
    assert not torch.equal(logits, exact)
    torch.testing.assert_close(logits, exact, rtol=0, atol=0.05 * exact.abs().max().item())


def test_tf32_is_on_for_the_attack_alone():
    backends = torch.backends.cuda.matmul, torch.backends.cudnn
    before = [one.allow_tf32 for one in backends]
    fewer = Accelerated(segmenter(Tiny()), precision="tf32")
    seen = []

    def attack():
        with fewer.at_work():
            seen.extend(one.allow_tf32 for one in backends)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        attack()
    assert seen == [True, True]
    assert [one.allow_tf32 for one in backends] == before
    with Accelerated(segmenter(Tiny())).at_work():
        assert [one.allow_tf32 for one in backends] == before


def measured(monkeypatch, *, model, copies):
    """`fastest` finds these times: of the model, and of the copies by what was done to them."""

    def times(found, images):
        return [model if not one.taken else copies[one.described] for one in found]

    monkeypatch.setattr(fast, "_times", times)


BOTH, FOLD_ALONE = f"{FOLDED} (1), {CHANNELS_LAST}", f"{FOLDED} (1)"


@pytest.mark.parametrize(
    ("copies", "taken", "share"),
    [
        ({BOTH: 0.5, FOLD_ALONE: 0.7, CHANNELS_LAST: 0.9}, BOTH, 0.5),
        ({BOTH: 0.8, FOLD_ALONE: 0.7, CHANNELS_LAST: 0.9}, FOLD_ALONE, 0.7),
        ({BOTH: 0.99, FOLD_ALONE: 1.7, CHANNELS_LAST: 1.9}, "the model as it is", 1.0),
    ],
)
def test_the_fastest_wins_and_the_model_itself_where_nothing_is_gained(
    copies, taken, share, monkeypatch
):
    measured(monkeypatch, model=1.0, copies=copies)
    model = segmenter(Tiny())
    found = fastest(model, images())
    assert found.described == taken
    assert found.share == pytest.approx(share)
    assert (found.model is model) == (share == 1.0)
    assert any("bfloat16" in one for one in found.left_out)
    assert any("not worth its memory" in one for one in found.left_out) == (share == 1.0)


def test_what_an_earlier_run_took_is_taken_again(monkeypatch):
    measured(monkeypatch, model=1.0, copies={BOTH: 0.5, FOLD_ALONE: 0.7, CHANNELS_LAST: 0.9})
    assert fastest(segmenter(Tiny()), images(), like=FOLD_ALONE).described == FOLD_ALONE
    assert fastest(segmenter(Tiny()), images(), like="another").described == BOTH


@pytest.mark.parametrize("weaker", [False, True])
def test_fewer_bits_are_taken_only_where_attacks_are_as_strong(weaker, monkeypatch):
    """Judged by the model: a copy in fewer bits that leads the attack astray is refused in words."""
    missing = {"tf32": "tf32: not here.", "bfloat16": ""}
    monkeypatch.setattr(fast, "_no_units", lambda precision, device: missing[precision])
    low = f"{BOTH}, bfloat16"
    measured(
        monkeypatch, model=1.0, copies={BOTH: 0.5, FOLD_ALONE: 0.7, CHANNELS_LAST: 0.9, low: 0.2}
    )
    if weaker:
        plain = fast._Prepared.forward

        def astray(self, x):
            result = plain(self, x)
            return result if self.dtype is None else result.mean((2, 3), keepdim=True) + 0 * result

        monkeypatch.setattr(fast._Prepared, "forward", astray)
    found = fastest(segmenter(Tiny()), images())
    assert found.described == (BOTH if weaker else low)
    assert any("PGD leaves" in one for one in found.left_out) == weaker


def test_bad_arguments_are_named():
    model = segmenter(Tiny())
    with pytest.raises(InputError, match="precision is 'float8'; give one of float32, tf32"):
        accelerated(model, images(), precision="float8")
    for function in (accelerated, fastest):
        with pytest.raises(InputError, match="no image to try the copy with"):
            function(model, images((0, 3, 8, 8)))
