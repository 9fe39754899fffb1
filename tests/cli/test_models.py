import numpy as np
import pytest
from PIL import Image
from selfie_files import archive_or_skip

from art_segplugin.evaluation import RobustnessReport
from art_segplugin.models import shipped


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "archive.tgz"
    path.write_bytes(archive_or_skip())
    return path


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_list_has_every_name_whole(run, columns):
    status, output, _ = run("models", columns=columns)
    assert status == 0
    words = output.replace("│", " ").split()
    assert set(shipped()) <= set(words)
    assert "…" not in output
    assert max(map(len, output.splitlines())) <= columns


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_the_list_of_attacks_has_every_paper_whole(run, columns):
    status, output, _ = run("attacks", columns=columns)
    assert status == 0
    assert "…" not in output
    assert {"arXiv:2302.02213,", "arXiv:2207.12391,", "temperature-sweep"} <= set(
        output.replace("│", " ").split()
    )


def test_the_list_says_what_can_be_fetched(run, archive, cache):
    assert "art-segplugin models get selfie: MediaPipe" in run("models")[1]
    assert run("models", "get", "selfie", "--from", archive)[0] == 0
    _, output, _ = run("models")
    assert "models get selfie:" not in output
    assert "models get selfie-landscape:" in output
    assert "106,401" in output


def test_a_damaged_model_does_not_hide_the_others(run, archive, cache):
    run("models", "get", "selfie", "--from", archive)
    (path,) = cache.rglob("selfie.safetensors")
    path.write_bytes(path.read_bytes()[:500])
    status, output, _ = run("models", columns=80)
    assert status == 0
    assert {"small-scenes", "selfie", "readable"} <= set(output.replace("│", " ").split())


def test_a_person_is_fetched_attacked_and_lost(run, archive, tmp_path):
    skimage = pytest.importorskip("skimage.data")
    status, output, _ = run("models", "get", "selfie", "--from", archive)
    assert status == 0
    assert "Use it with --model selfie." in output
    assert "There already" in run("models", "get", "selfie")[1]
    Image.fromarray(skimage.astronaut()).save(tmp_path / "astronaut.png")
    status, _, _ = run(
        "attack", tmp_path / "astronaut.png", "--model", "selfie", "--attack", "pgd", "--eps", "8/255",
        "--steps", "5", "--out", tmp_path / "out",
    )  # fmt: skip
    assert status == 0
    report = RobustnessReport.load(tmp_path / "out" / "report.json")
    assert report.classes == ["background", "person"]
    clean, attacked = (np.array(result.counts) for result in report.results[:2])
    assert clean[1].sum() / clean.sum() == pytest.approx(0.545, abs=0.005)
    assert attacked[1, 1] < 0.7 * clean[1, 1]  # of the pixels that were person


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["portrait"], "no model 'portrait' to get; known are selfie, selfie-landscape"),
        (["selfie", "--from", "none.tgz"], "cannot read none.tgz: No such file"),
        (["selfie", "--from", "."], "cannot read .: Is a directory"),
    ],
)
def test_what_cannot_be_fetched_is_one_sentence(run, arguments, message):
    status, _, error = run("models", "get", *arguments)
    assert status == 2
    assert message in error
    assert "Traceback" not in error


def test_a_model_that_is_not_there_names_the_command(run, picture):
    status, _, error = run("attack", picture, "--model", "selfie")
    assert status == 2
    assert "run `art-segplugin models get selfie`" in error


def test_the_help_has_examples(run):
    for arguments in (("models",), ("models", "get")):
        status, output, _ = run(*arguments, "--help")
        assert status == 0
        assert "art-segplugin models get selfie" in output
