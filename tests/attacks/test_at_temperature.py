import numpy as np
import pytest
import torch

from art_segplugin.attacks.temperature_pgd import at_temperature
from art_segplugin.core.attack import GradientAttack
from art_segplugin.core.ensemble import WorstCase
from art_segplugin.errors import InputError


def temperatures(attack):
    members = attack.attacks if isinstance(attack, WorstCase) else [attack]
    return [member.loss.temperature for member in members]


@pytest.mark.parametrize(
    "one", [0.25, 3, np.float32(0.25), np.array(0.25), torch.tensor(0.25)], ids=repr
)
def test_one_number_is_one_attack(one):
    attack = at_temperature(temperature=one, steps=7, scale=2.0)
    assert isinstance(attack, GradientAttack)
    assert temperatures(attack) == [float(one)]
    assert (attack.steps, attack.loss.scale) == (7, 2.0)


@pytest.mark.parametrize("kind", [list, tuple, np.array, torch.tensor])
def test_several_are_the_sweep(kind):
    attack = at_temperature(temperature=kind([0.25, 4.0]), steps=7, restarts=2)
    assert isinstance(attack, WorstCase)
    assert temperatures(attack) == [0.25, 4.0]
    assert (attack.steps, attack.restarts) == (7, 4)


@pytest.mark.parametrize("value", [0, -1, float("inf"), "0.2", None, {0.2}, [1, 0], []], ids=repr)
def test_other_values_are_refused(value):
    with pytest.raises(InputError, match="temperature"):
        at_temperature(temperature=value)
