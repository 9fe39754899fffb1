import importlib
import subprocess
import sys

import pytest

from art_segplugin.moved import MOVED, moved_to


@pytest.mark.parametrize("old", MOVED)
def test_an_old_path_gives_the_module_of_today_with_a_warning(old):
    sys.modules.pop(old, None)
    with pytest.warns(DeprecationWarning, match=MOVED[old]):
        found = importlib.import_module(old)
    new = importlib.import_module(MOVED[old])
    names = [name for name in vars(new) if not name.startswith("_")]
    assert names
    assert all(getattr(found, name) is getattr(new, name) for name in names)


def test_modules_below_a_package_that_moved_follow_it(monkeypatch):
    monkeypatch.setitem(MOVED, "art_segplugin.elsewhere", "art_segplugin.core")
    with pytest.warns(DeprecationWarning, match=r"art_segplugin\.core\.steps"):
        from art_segplugin.elsewhere.steps import SteepestStep
    from art_segplugin.core import steps

    assert SteepestStep is steps.SteepestStep
    assert moved_to("art_segplugin.core.steps") is None


def test_a_name_that_never_was_is_not_found():
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("art_segplugin.never_was")


def test_the_warning_names_the_line_of_the_user(tmp_path):
    if not MOVED:
        pytest.skip("nothing moved yet")
    script = tmp_path / "user.py"
    script.write_text(f"import {next(iter(MOVED))}\n")
    run = subprocess.run(
        [sys.executable, "-W", "always", script], capture_output=True, text=True, check=True
    )
    assert "user.py:1: DeprecationWarning" in run.stderr
