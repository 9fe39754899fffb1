import pytest
from report.diagnosis_builder import diagnosis, results

from art_segplugin.errors import InputError
from art_segplugin.evaluation import DiagnosisReport
from art_segplugin.report import write_diagnosis


def test_every_file_is_written_and_the_page_last(tmp_path):
    written = write_diagnosis(diagnosis(), tmp_path / "new" / "out")
    assert [path.name for path in written] == [
        "diagnosis.json",
        "class_scores.csv",
        "comparisons.csv",
        "class-accuracy.png",
        "drop.png",
        "confusion.png",
        "weight-norm.png",
        "diagnosis.html",
    ]
    assert sorted(written) == sorted((tmp_path / "new" / "out").iterdir())
    assert DiagnosisReport.load(written[0]).classes == ["road", "sky", "car", "cat"]


def test_figures_of_several_models_are_numbered(tmp_path):
    report = diagnosis(("a/b", results()), ("../c", results()), norms=None)
    names = {path.name for path in write_diagnosis(report, tmp_path / "out")}
    assert {"drop-1.png", "drop-2.png", "class-accuracy-2.png"} <= names
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="cannot write"):
        write_diagnosis(diagnosis(), tmp_path / "file" / "out")
