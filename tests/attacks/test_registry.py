import json
import math

import numpy as np
import pytest
import torch

from art_segplugin.attacks import PRESETS, RECIPES, SWEEP, named
from art_segplugin.attacks.registry import parameters
from art_segplugin.errors import InputError


def test_names():
    assert named("SegPGD-10").build().steps == 10
    assert named("segpgd-10").name == "segpgd-10"
    assert named("pgd", steps=7).name == "pgd-7"
    assert named("segfgsm", steps=7, eps=0.1).name == "segfgsm"
    paper = named("segpgd", preset="paper").options
    assert paper == PRESETS["paper"] == {"eps": 0.03, "step_size": 0.01}
    assert named("segfgsm", preset="paper").options == {"eps": 0.03}


def test_names_of_two_words():
    attack = named("Temperature-PGD-20", temperature=0.1)
    assert (attack.name, attack.recipe) == ("temperature-pgd-20", "temperature-pgd")
    assert attack.options == {"temperature": 0.1, "steps": 20}
    assert attack.build().loss.temperature == 0.1
    assert named("temperature-pgd").name == "temperature-pgd-20"
    sweep = named("temperature-sweep-7", temperatures=(1, 0.5), temperature=0.1, scale=10)
    assert sweep.name == "temperature-sweep-7"
    assert sweep.options == {"temperatures": (1, 0.5), "scale": 10, "steps": 7}
    assert (sweep.build().steps, sweep.build().restarts) == (7, 2)
    assert named("temperature-sweep").build().restarts == len(SWEEP)


@pytest.mark.parametrize("name", RECIPES)
def test_described_holds_all_values_as_json_does(name):
    in_linf = name.startswith("padam") or name in ("dag", "alma-prox")  # made for it alone
    norm = "Linf" if in_linf else "L2"
    values = named(name, eps=torch.tensor([0.25, 0.5]), bounds=(0, 1), norm=norm).described()
    assert json.loads(json.dumps(values, allow_nan=False)) == values
    assert (values["bounds"], values["norm"]) == ([0, 1], norm)
    assert values.get("eps") == ([0.25, 0.5] if "eps" in parameters(name) else None)
    parts = {"weighting", "loss"} & set(values)
    assert all(isinstance(values[part], str) for part in parts)  # those that have a name
    assert json.loads(json.dumps(named(name).described()))["norm"] == "Linf"


def test_described_names_the_loss_of_apgd():
    attack = named("APGD-50", loss="dlr", step_size=0.1)  # which only the others have
    assert (attack.name, attack.build().steps) == ("apgd-50", 50)
    assert attack.described()["loss"] == "dlr"
    assert named("apgd").described()["loss"] == "ce"


def test_described_temperatures():
    values = named("temperature-sweep").described()
    assert values["temperatures"] == list(SWEEP)
    assert (values["scale"], values["schedule"]) == (1.0, None)
    assert named("temperature-pgd").described()["temperature"] == 0.2
    values = named("temperature-sweep", temperatures=list(np.float64([2, 1]))).described()
    assert json.dumps(values["temperatures"]) == "[2.0, 1.0]"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"name": "cw"}, "attack 'cw' is unknown; choose from fgsm"),
        ({"name": "temperature"}, "temperature-pgd, temperature-sweep"),
        ({"name": "fgsm-20"}, "takes one step; write 'fgsm'"),
        ({"name": "pgd-0"}, "steps is 0"),
        ({"name": "temperature-sweep-0"}, "steps is 0"),
        ({"name": "pgd", "eps": -1.0}, "eps is -1.0"),
        ({"name": "pgd", "step_size": -1.0}, "step_size is -1.0"),
        ({"name": "pgd", "decay": -1.0}, "decay is -1.0"),
        ({"name": "pgd", "norm": 3}, "norm is 3"),
        ({"name": "pgd", "epsilon": 0.1}, "no attack has an option 'epsilon'"),
        ({"name": "pgd", "preset": "mine"}, "preset 'mine' is unknown"),
        ({"name": "segpgd", "schedule": "cosine"}, "schedule is 'cosine'"),
        ({"name": "segpgd", "schedule": 1.5}, "schedule is 1.5"),
        ({"name": "temperature-pgd", "schedule": "cosine"}, "schedule is 'cosine'"),
        ({"name": "temperature-pgd", "temperature": 0.0}, "temperature is 0.0; give a finite"),
        ({"name": "temperature-pgd", "temperature": -0.2}, "temperature is -0.2"),
        ({"name": "temperature-pgd", "temperature": math.nan}, "temperature is nan"),
        ({"name": "temperature-pgd", "scale": 0}, "scale is 0"),
        ({"name": "temperature-sweep", "scale": -3.0}, "scale is -3.0"),
        ({"name": "apgd", "loss": "cw"}, "loss is 'cw'; give one of ce, dlr"),
        ({"name": "apgd", "norm": "L1"}, "norm is 'L1'; APGD is made for 2 and inf"),
        ({"name": "apgd-0"}, "steps is 0"),
        (
            {"name": "temperature-sweep", "temperatures": ()},
            "temperatures are (); give one or more",
        ),
        ({"name": "temperature-sweep", "temperatures": [1, math.inf]}, "temperature is inf"),
    ],
)
def test_bad_values_are_named(arguments, words):
    with pytest.raises(InputError) as caught:
        named(**arguments)
    assert words in str(caught.value)
