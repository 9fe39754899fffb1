import inspect
import pickle

import pytest
import torch
from oracles import tiny_problem

from art_segplugin import attacks
from art_segplugin.errors import InputError
from art_segplugin.wrappers.torchattacks import SegFGSM, SegPGD, TemperaturePGD


def seeded(attack, *arguments, **options):
    torch.manual_seed(5)
    return attack(*arguments, **options)


CHOICES = [
    {},
    {"norm": 2, "eps": 0.6, "step_size": 0.2},
    {"norm": "L1", "eps": 8.0, "step_size": 2.0},
    {"restarts": 3},
    {"random_start": False, "decay": 1.0},
    {"schedule": "only-correct"},
    {"eps": torch.tensor([0.01, 0.05])},
]


@pytest.mark.parametrize("options", CHOICES, ids=str)
@pytest.mark.parametrize("masked", [False, True])
def test_segpgd_equals_the_core_bit_for_bit(options, masked):
    model, x, labels = tiny_problem()
    mask = torch.rand(labels.shape) < 0.5 if masked else None
    core = attacks.segpgd(steps=4, **options)
    renamed = {"alpha" if k == "step_size" else k: v for k, v in options.items()}
    face = SegPGD(model, steps=4, **renamed)
    expected = seeded(core, model, x, labels, mask=mask)
    assert not torch.equal(expected, x)
    assert torch.equal(seeded(face, x, labels, mask=mask), expected)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"temperature": 5.0, "scale": 2.0, "norm": 2, "eps": 0.6, "step_size": 0.2},
        {"temperature": 0.02, "restarts": 2},
        {"schedule": "log", "decay": 1.0, "random_start": False},
        {"eps": torch.tensor([0.01, 0.05])},
    ],
    ids=str,
)
@pytest.mark.parametrize("targeted", [False, True])
def test_temperature_pgd_equals_the_core_bit_for_bit(options, targeted):
    model, x, labels = tiny_problem()
    if targeted:
        labels = torch.where(labels == 255, labels, (labels + 1) % 4)
    expected = seeded(
        attacks.temperature_pgd(steps=4, targeted=targeted, **options), model, x, labels
    )
    renamed = {"alpha" if k == "step_size" else k: v for k, v in options.items()}
    face = TemperaturePGD(model, steps=4, **renamed)
    if targeted:
        face.set_mode_targeted_by_label(quiet=True)
    assert torch.equal(seeded(face, x, labels), expected)
    assert not torch.equal(expected, seeded(SegPGD(model, steps=4), x, labels))


@pytest.mark.parametrize("as_temperatures", [tuple, list, torch.tensor])
def test_several_temperatures_are_the_sweep(as_temperatures):
    model, x, labels = tiny_problem()
    core = attacks.temperature_sweep(steps=3, temperatures=(4.0, 0.5), restarts=2)
    face = TemperaturePGD(model, steps=3, temperature=as_temperatures((4.0, 0.5)), restarts=2)
    assert torch.equal(seeded(face, x, labels), seeded(core, model, x, labels))
    face.temperature = 4.0  # attributes can be changed later
    core = attacks.temperature_pgd(steps=3, temperature=4.0, restarts=2)
    assert torch.equal(seeded(face, x, labels), seeded(core, model, x, labels))


def test_temperature_1_is_pgd_or_segpgd():
    model, x, labels = tiny_problem()
    pgd = TemperaturePGD(model, steps=3, temperature=1)
    assert torch.equal(seeded(pgd, x, labels), seeded(attacks.pgd(steps=3), model, x, labels))
    segpgd = TemperaturePGD(model, steps=3, temperature=1, schedule="linear")
    assert torch.equal(seeded(segpgd, x, labels), seeded(SegPGD(model, steps=3), x, labels))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 0}, "temperature is 0; give a finite number > 0"),
        ({"temperature": (0.2, -1.0)}, "temperature is -1.0"),
        ({"temperature": "cold"}, "temperature is 'cold'"),
        ({"scale": 0.0}, "scale is 0.0"),
        ({"schedule": "cosine"}, "schedule is 'cosine'"),
        ({"eps": -1.0}, "eps is -1.0"),
    ],
)
def test_bad_values_of_temperature_pgd_are_named_when_the_attack_is_made(options, words):
    with pytest.raises(InputError, match=words):
        TemperaturePGD(tiny_problem()[0], **options)


@pytest.mark.parametrize("as_sizes", [lambda values: torch.tensor(values).numpy(), list])
def test_sizes_of_each_image_as_an_array_or_a_list(as_sizes):
    model, x, labels = tiny_problem()
    eps, alpha = [0.01, 0.05], [0.005, 0.02]
    core = attacks.segpgd(torch.tensor(eps), step_size=torch.tensor(alpha), steps=2)
    face = SegPGD(model, eps=as_sizes(eps), alpha=as_sizes(alpha), steps=2)
    assert torch.equal(seeded(face, x, labels), seeded(core, model, x, labels))
    core, face = attacks.segfgsm(torch.tensor(eps)), SegFGSM(model, eps=as_sizes(eps))
    assert torch.equal(seeded(face, x, labels), seeded(core, model, x, labels))


@pytest.mark.parametrize("random_start", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_segfgsm_equals_the_core_bit_for_bit(random_start, dtype):
    model, x, labels = tiny_problem(dtype=dtype)
    core = attacks.segfgsm(random_start=random_start, restarts=2)
    face = SegFGSM(model, random_start=random_start, restarts=2)
    expected = seeded(core, model, x, labels)
    assert not torch.equal(expected, x)
    assert torch.equal(seeded(face, x, labels), expected)


def test_targeted_equals_the_core_bit_for_bit():
    model, x, labels = tiny_problem()
    wanted = torch.where(labels == 255, labels, (labels + 1) % 4)
    face = SegPGD(model, steps=4)
    face.set_mode_targeted_by_label(quiet=True)
    core = attacks.segpgd(steps=4, targeted=True)
    assert torch.equal(seeded(face, x, wanted), seeded(core, model, x, wanted))


@pytest.mark.parametrize(
    ("face", "recipe"),
    [(SegPGD, "segpgd"), (SegFGSM, "segfgsm"), (TemperaturePGD, "temperature-pgd")],
)
def test_every_parameter_has_the_default_of_the_recipe(face, recipe):
    core = inspect.signature(attacks.RECIPES[recipe]).parameters
    own = dict(inspect.signature(face).parameters)
    del own["model"]
    renamed = {"step_size" if name == "alpha" else name: p.default for name, p in own.items()}
    assert renamed.pop("norm") == "Linf"
    assert renamed == {name: core[name].default for name in renamed}
    assert set(core) - set(renamed) == {"norm", "bounds", "targeted"}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"eps": -1.0}, "eps is -1.0"),
        ({"alpha": -1.0}, "alpha is -1.0"),
        ({"steps": 0}, "steps is 0"),
        ({"norm": 3}, "norm is 3"),
        ({"schedule": "cosine"}, "schedule is 'cosine'"),
    ],
)
def test_bad_values_are_named_when_the_attack_is_made(options, words):
    with pytest.raises(InputError, match=words):
        SegPGD(tiny_problem()[0], **options)


def test_attributes_can_be_changed_later_as_in_torchattacks():
    model, x, labels = tiny_problem()
    attack = SegPGD(model)
    attack.eps = 0.0
    assert torch.equal(attack(x, labels), x)


@pytest.mark.parametrize("face", [SegPGD, SegFGSM, TemperaturePGD])
def test_pickled_attack_does_the_same(face):
    model, x, labels = tiny_problem()
    attack = face(model, eps=0.05, ignore_index=255)
    attack.set_mode_targeted_least_likely(quiet=True)
    copy = pickle.loads(pickle.dumps(attack))  # of our own making
    assert repr(copy) == repr(attack)
    assert torch.equal(seeded(copy, x, labels), seeded(attack, x, labels))


def test_repr_names_the_values():
    text = repr(SegPGD(tiny_problem()[0], eps=0.25, schedule="log"))
    assert text.startswith("SegPGD(")
    for part in ("eps=0.25", "alpha=None", "schedule=log", "attack_mode=default"):
        assert part in text


@pytest.mark.gpu
@pytest.mark.parametrize("face", [SegPGD, SegFGSM, TemperaturePGD])
def test_cuda_agrees_with_the_cpu(face):
    model, x, labels = tiny_problem(dtype=torch.float64)
    attack = face(model, random_start=False)
    expected = attack(x, labels)
    model.cuda()
    on_cuda = attack(x.cuda(), labels.cuda())
    assert on_cuda.is_cuda
    torch.testing.assert_close(on_cuda.cpu(), expected, rtol=0, atol=1e-9)
    # As with torchattacks, images from a loader go to the model by themselves.
    assert torch.equal(attack(x, labels), on_cuda)
