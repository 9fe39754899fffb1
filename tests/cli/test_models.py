import pytest

from art_segplugin.models import shipped


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_list_has_every_name_whole(run, columns):
    status, output, _ = run("models", columns=columns)
    assert status == 0
    words = output.replace("│", " ").split()
    assert set(shipped()) <= set(words)
    assert "…" not in output
    assert max(map(len, output.splitlines())) <= columns
