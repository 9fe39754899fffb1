import pytest
from training.toy import objective_maker, run

from art_segplugin.training import OBJECTIVES


@pytest.mark.gpu
@pytest.mark.parametrize("precision", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("name", OBJECTIVES)
def test_learns_on_a_graphics_card_and_resumes(tmp_path, name, precision):
    options = {"objective": objective_maker(name), "precision": precision, "device": "cuda"}
    options |= {"steps": 40, "validate_every": 40, "ema": 0.5}
    states = list(run(tmp_path / "whole", **options)[1])
    assert states[-1].loss < 0.9 * states[0].loss
    assert states[-1].best > 0.6
    for state in run(tmp_path / "broken", **options)[1]:
        if state.step == 21:
            break
    resumed = list(run(tmp_path / "broken", **options, resume=True)[1])
    assert resumed[0].step == 21
    # Kernels of graphics cards may add up in any order.
    assert resumed[0].loss == pytest.approx(states[20].loss, rel=1e-2)
    assert resumed[-1].loss == pytest.approx(states[-1].loss, rel=0.2)
