from pathlib import Path

from art_segplugin_gui.qt.action_table import as_markdown

GUIDE = Path(__file__).parents[2] / "docs" / "app.md"


def test_the_guide_lists_the_actions_as_they_are():
    """python -c "from art_segplugin_gui.qt.action_table import as_markdown; print(as_markdown())" """
    assert as_markdown() in GUIDE.read_text(encoding="utf-8")
