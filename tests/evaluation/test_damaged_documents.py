"""Reports, reproductions and stores that were damaged or written by somebody else."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from evaluation.test_runner import ATTACKS, Toy
from hypothesis import given, settings
from hypothesis import strategies as st
from oracles import TinyNet

from art_segplugin.errors import InputError
from art_segplugin.evaluation import DiagnosisReport, ResultStore, RobustnessReport, evaluate
from art_segplugin.evaluation.clip import ClipReproduction
from art_segplugin.evaluation.repro import Reproduction, kind_of, read_text
from art_segplugin.models import Segmenter

FILES = Path(__file__).parent / "files_of_0_1"
FEW = settings(max_examples=60, deadline=None)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["model", "results", "setting", "kind", "x"]), inner)
    ),
    max_leaves=6,
)
DOCUMENTS = [
    ("report.json", RobustnessReport.load),
    ("diagnosis.json", DiagnosisReport.load),
    ("picture/repro.json", Reproduction.load),
    ("clip/repro.json", ClipReproduction.load),
]


def outcome(read, *arguments):
    """What is read, or the sentence that says why not."""
    try:
        return read(*arguments)
    except InputError as error:
        return str(error)


def replaced(tree, data):
    """The tree with one of its values, however deep, another one or away."""
    if isinstance(tree, dict | list) and tree and data.draw(st.booleans()):
        keys = list(tree) if isinstance(tree, dict) else range(len(tree))
        key = data.draw(st.sampled_from(keys))
        if data.draw(st.booleans()):
            copy = dict(tree) if isinstance(tree, dict) else list(tree)
            copy[key] = replaced(tree[key], data)
            return copy
        if isinstance(tree, dict):
            return {name: value for name, value in tree.items() if name != key}
    return data.draw(JSON)


@pytest.mark.parametrize(("name", "load"), DOCUMENTS)
def test_documents_with_other_values(tmp_path, name, load):
    original = json.loads((FILES / name).read_text())

    @FEW
    @given(st.data())
    def damaged(data):
        path = tmp_path / "repro.json"
        path.write_text(json.dumps(replaced(original, data)))
        assert outcome(load, path)

    damaged()


@pytest.mark.parametrize(("name", "load"), DOCUMENTS)
def test_documents_with_other_bytes(tmp_path, name, load):
    whole = (FILES / name).read_bytes()

    @FEW
    @given(st.integers(0, len(whole)), st.binary(max_size=4))
    def damaged(place, put):
        path = tmp_path / "repro.json"
        for data in (whole[:place] + put, whole[:place] + put + whole[place + len(put) :]):
            path.write_bytes(data)
            assert outcome(lambda: kind_of(read_text(path)) or "unknown")
            assert outcome(load, path)

    damaged()


def test_stores_with_other_lines(tmp_path):
    """What is whole is used, or it is refused in a sentence; nothing is lost in either case."""
    torch.manual_seed(0)
    model = Segmenter(TinyNet(4), classes=4).eval()
    path = tmp_path / "good.jsonl"
    results = list(
        evaluate(model, Toy([(10, 12)]), ATTACKS[:1], store=ResultStore(path, {"data": "a"}))
    )
    lines = path.read_text().splitlines()

    @FEW
    @given(st.data())
    def damaged(data):
        number = data.draw(st.integers(0, len(lines) - 1))
        other = data.draw(
            st.binary(max_size=30).map(lambda b: b.decode("latin-1"))
            | JSON.map(json.dumps)
            | st.integers(0, len(lines[number])).map(lambda end: lines[number][:end])
            | st.just(None).map(lambda _: json.dumps(replaced(json.loads(lines[number]), data)))
        )
        changed = tmp_path / "store.jsonl"
        text = "\n".join([*lines[:number], other, *lines[number + 1 :]]) + "\n"
        changed.write_text(text, encoding="utf-8")
        store = outcome(ResultStore, changed, {"data": "a"})
        if isinstance(store, str):
            assert "store.jsonl" in store
            assert changed.read_text(encoding="utf-8") == text
            return
        again = list(evaluate(model, Toy([(10, 12)]), ATTACKS[:1], store=store))
        assert len(again) == len(results)

    damaged()


@pytest.mark.parametrize("name", [os.fsdecode(b"latin\xe9"), "\ud800", "a\nb", "\0", "\u2028"])
def test_a_report_is_written_whatever_its_texts_are(tmp_path, name):
    report = RobustnessReport.load(FILES / "report.json")
    written = replace(report, model=name, data=name, command=name, left_out=[name])
    written.save(tmp_path / "report.json")
    read = RobustnessReport.load(tmp_path / "report.json")
    assert read.results == report.results
