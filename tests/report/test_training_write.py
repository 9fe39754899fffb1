import io

from PIL import Image
from report.builder import report, result

from art_segplugin.report.write_training import BEST, headline, write_training
from art_segplugin.training.log import LogRow

ROWS = [LogRow(1, 2.0, 0.1, 1.0), LogRow(2, 1.0, 0.05, 1.0, {"miou": 0.5})]


def reports(name="runs/<a>|b/best.safetensors"):
    return {BEST: report(result("pgd-20", right=60, wrong=40), model=name)}


def test_everything_is_written_and_the_page_comes_last(tmp_path):
    written = write_training(ROWS, reports(), tmp_path)
    assert [path.name for path in written] == ["curves.png", "report.md", "report.html"]
    assert sorted(tmp_path.iterdir()) == sorted(written)
    picture = Image.open(io.BytesIO(written[0].read_bytes()))
    assert picture.size[0] > 1000
    page = written[2].read_text()
    assert headline(reports()) in page
    assert "runs/&lt;a&gt;|b/best.safetensors" in page
    assert "<script" not in page
    assert "data:image/png;base64," in page
    assert "http" not in page.replace("http-equiv", "")


def test_the_text_has_whole_tables(tmp_path):
    write_training(ROWS, reports(), tmp_path)
    text = (tmp_path / "report.md").read_text()
    assert headline(reports()) in text
    assert "| best (runs/<a>\\|b/best.safetensors) | 81.8 | 42.9 |" in text
    assert "| road | 81.8 | 42.9 |" in text
    assert "art-segplugin evaluate --data scenes" in text  # the command of the report
    tables = [line for line in text.splitlines() if line.startswith("|")]
    assert len(tables) == 3 + 3 + 5 + 3
