import pytest

from art_segplugin.errors import InputError
from art_segplugin.training.options import TrainingOptions


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": 0}, "steps is 0; expected at least 1"),
        ({"batch_size": -1}, "batch_size is -1"),
        ({"validate_every": 0}, "validate_every is 0"),
        ({"save_every": 0}, "save_every is 0"),
        ({"lr": 0.0}, "lr is 0.0"),
        ({"lr": float("nan")}, "lr is nan"),
        ({"lr": float("inf")}, "lr is inf"),
        ({"lr": 1e38}, "lr is 1e"),
        ({"weight_decay": float("inf")}, "weight_decay is inf; expected a finite"),
        ({"weight_decay": float("nan")}, "weight_decay is nan"),
        ({"scale": (1.0, float("inf"))}, "scale is"),
        ({"jitter": float("nan")}, "jitter is nan"),
        ({"weight_decay": -0.1}, "weight_decay is -0.1"),
        ({"warmup": 1.0}, "warmup is 1.0"),
        ({"jitter": -0.1}, "jitter is -0.1"),
        ({"crop": (0, 8)}, "crop is"),
        ({"scale": (2.0, 1.0)}, "scale is"),
        ({"scale": (0.0, 1.0)}, "scale is"),
        ({"class_weighting": "all"}, "'all'; expected one of none, sqrt, median"),
        ({"precision": "int8"}, "'int8'; expected one of float32, bfloat16"),
        ({"schedule": "linear"}, "'linear'; expected one of cosine, steps"),
        ({"milestones": (0.5, 1.0)}, r"milestones is \(0.5, 1.0\)"),
        ({"milestones": (50,)}, "milestones is"),
        ({"accumulate": 0}, "accumulate is 0"),
        ({"accumulate": 9}, "accumulate is 9; expected at most batch_size, 8"),
        ({"eps_warmup": 1.0}, "eps_warmup is 1.0"),
        ({"ema": 1.0}, "ema is 1.0"),
        ({"ema": -0.5}, "ema is -0.5"),
        ({"patience": -1}, "cannot be negative"),
        ({"workers": -1}, "cannot be negative"),
    ],
)
def test_refuses_values_no_run_can_use(changes, message):
    with pytest.raises(InputError, match=message):
        TrainingOptions(**changes)
