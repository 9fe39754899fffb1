import pytest

from art_segplugin.cli import train

TINY = (
    "train", "--data", "digits", "--count", 40, "--val-count", 20, "--network",
    "resnet:width=4,blocks=1", "--batch-size", 20, "--report-count", 0,
)  # fmt: skip
STEPS = ("--schedule", "steps", "--milestones")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--objective", "madry"), "objective 'madry' is unknown; choose from cross-entropy, pgd"),
        (("--half",), "half is for pgd-at, segpgd-at"),
        (("--objective", "trades", "--replays", 3), "replays is for free-at"),
        (("--objective", "trades", "--attack", "segpgd-5"), "has a loss of its own; give pgd-10"),
        (("--objective", "fast-at", "--attack", "pgd-2"), "fast-at has no attack to choose"),
        (("--he", "--layer", "nope"), "no layer 'nope'; expected one of 10 outputs, such as class"),
        (("--objective", "pgd-at", "--half", "--batch-size", 1), "none would be attacked; give ba"),
        (("--eps-warmup", 0.3), "cross-entropy has no attack whose radius could rise"),
        (("--zoom", "a-2"), "'a' is no number; write 0.75-1.75"),
        (("--milestones", "0.5"), "the schedule cosine has no milestones; give --schedule steps"),
        ((*STEPS, "half"), "'half' is no number; write 0.5,0.75"),
        ((*STEPS, ""), "the milestones are empty"),
        ((*STEPS, "2"), "milestones is (2.0,); expected shares"),
        (("--device", "meta"), "device 'meta' is not available; use cpu or auto"),
        (("--class-robustness", "nope.json"), "'nope.json' does not exist"),
        (("--schedule", "linear"), "expected one of cosine, steps"),
        (("--ema", 1), "ema is 1.0"),
        (("--lr", "1e30"), "the loss is nan at step 2 with learning rate 7.5e+29: lower lr"),
        (("--against", "nothing"), "'nothing' is no model"),
    ],
)
def test_bad_options_are_named_in_one_sentence(arguments, words, run, tmp_path):
    options = (*TINY[:-2], "--steps", 3, "--warmup", 0, "--report-count", 1)
    status, _, message = run(*options, *arguments, "--out", tmp_path / "x")
    assert status == 2
    assert words in message
    assert "Traceback" not in message


@pytest.mark.parametrize(("rank", "waits"), [(None, 0), (0, 0), (1, 1)])
def test_the_first_process_says_what_is_wrong(rank, waits, run, tmp_path, monkeypatch):
    """The others wait to be ended with it, and speak if they are not."""
    naps = []
    monkeypatch.setattr(train.time, "sleep", naps.append)
    if rank is not None:
        monkeypatch.setenv("LOCAL_RANK", str(rank))
    status, _, message = run(*TINY, "--ema", 1, "--out", tmp_path / "x")
    assert status == 2
    assert "ema is 1.0" in message
    assert len(naps) == waits
