"""Markdown tables from what benchmarks/class_wise.py left: all of them, or the README's.

python benchmarks/class_wise_tables.py runs/class-wise > benchmarks/CLASS_WISE.md
python benchmarks/class_wise_tables.py runs/class-wise --short
"""

import argparse
import math
from pathlib import Path

from art_segplugin.evaluation import DiagnosisReport
from art_segplugin.models import load_model
from art_segplugin.report import model_sheets, models_sheets
from art_segplugin.report.diagnosis_tables import labels, number, points, selection_sentence

NAMES = {
    "cifar-plain": "CIFAR-10, plain",
    "cifar-plain-1": "CIFAR-10, plain, eps 1/255",
    "cifar-at": "CIFAR-10, PGD-AT",
    "cifar-at-2": "CIFAR-10, PGD-AT, second network",
    "scenes": "rendered scenes, plain",
    "scenes-at": "rendered scenes, PGD-AT",
    "camvid": "CamVid, plain",
    "camvid-at": "CamVid, PGD-AT",
}


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def in_words(text, folder):
    """Names for people in place of the paths of checkpoints, longest first."""
    for path in sorted(folder.glob("*/best.safetensors"), key=lambda path: -len(str(path))):
        text = text.replace(str(path), path.parent.name)
    return text.replace(f"{folder}/cifar-adjusted.safetensors", "cifar-adjusted")


def sheets(report, folder):
    parts = []
    for sheet in [s for m in report.models for s in model_sheets(report, m)] + models_sheets(
        report
    ):
        parts += [f"### {sheet.title}\n", table(sheet.header, sheet.rows)]
        parts += [f"{sheet.note}\n"] if sheet.note else []
    parts += [f"{model.model}: {selection_sentence(model)}\n" for model in report.models]
    return in_words("\n".join(parts), folder)


def percent(value):
    return "-" if math.isnan(value) else f"{100 * value:.1f}"


def sweep(found):
    """Rows: models. Columns: attacks, each with its accuracy and the gap between classes."""
    names = [name.partition("T = ")[2].rstrip(")") or name for name in labels(found[0][1])]
    rows = []
    for title, model in found:
        cells = [f"{percent(r.accuracy)} / {percent(r.accuracy_spread.gap)}" for r in model.results]
        rows.append([title, *cells])
    header = ["model", *(name if name[0].isalpha() else f"T = {name}" for name in names)]
    return table(header, rows)


def chosen(found):
    rows = []
    for title, model in found:
        pick = model.selection
        name = labels(model)[pick.attack].partition("T = ")[2].rstrip(")")
        difference = pick.comparison
        rows.append(
            [
                title,
                name,
                points(difference.accuracy),
                points(difference.mean_iou),
                points(difference.worst_class_accuracy),
            ]
        )
    return table(["model", "T chosen", "accuracy", "mIoU", "worst class"], rows)


def questions(found):
    rows = []
    for title, model in found:
        base = model.baseline
        ranks = [r for row in model.rank_consistency for r in row if not math.isnan(r)]
        norm, frequency = (base.correlations.get(k) for k in ("weight norm", "frequency"))
        pick = model.results[model.selection.attack]
        rows.append(
            [
                title,
                percent(model.clean.accuracy_spread.gap),
                percent(base.accuracy_spread.gap),
                number(min(ranks, default=math.nan)),
                f"{percent(pick.gain.share)} of {percent(pick.gain.expected)}",
                "-" if norm is None else f"{number(norm.pearson)} / {number(norm.spearman)}",
                "-" if frequency is None else number(frequency.spearman),
                percent(base.homing_rate),
            ]
        )
    header = ["model", "gap, clean", "gap, PGD-20", "lowest rank correlation of two attacks"]
    header += ["gain of the chosen T on the weakest third [% of an even share]"]
    header += ["weight norm, Pearson / Spearman", "frequency, Spearman", "homing [%]"]
    return table(header, rows)


def per_class(report):
    model = report.models[0]
    sheet = next(s for s in model_sheets(report, model) if s.title.startswith("Accuracy per"))
    header = [cell.replace("Temperature-PGD-20 (", "").rstrip(")") for cell in sheet.header]
    gaps = ["gap", *(percent(r.accuracy_spread.gap) for r in model.results)]
    return table(header, [*sheet.rows, gaps])


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--short", action="store_true", help="the tables of the README")
    given = parser.parse_args()
    reports = {
        name: DiagnosisReport.load(path)
        for name in [*NAMES, "strengths", "remedies"]
        if (path := given.folder / f"diagnosis-{name}" / "diagnosis.json").exists()
    }
    found = [(NAMES[name], reports[name].models[0]) for name in NAMES if name in reports]
    if not given.short:
        print("# Class-wise robustness: all tables of benchmarks/class_wise.py\n")
        print(
            "CIFAR-10 images at hand are JPEG re-encoded: not comparable with published figures.\n"
        )
        for path in sorted(given.folder.glob("*/best.safetensors")):
            info = load_model(str(path)).info
            scores = ", ".join(f"{name} {percent(value)} %" for name, value in info.scores.items())
            print(f"- {path.parent.name}: {scores}; `{in_words(info.command, given.folder)}`")
        for name, report in reports.items():
            print(f"\n## {NAMES.get(name, name)}\n\n{sheets(report, given.folder)}")
        return
    for title, text in (
        ("accuracy / gap", sweep(found)),
        ("chosen on one half, reported on the other", chosen(found)),
        ("questions", questions(found)),
        ("CIFAR-10, PGD-AT", per_class(reports["cifar-at"])),
        *(
            (name, sheets(reports[name], given.folder))
            for name in ("strengths", "remedies")
            if name in reports
        ),
    ):
        print(f"\n## {title}\n\n{text}")


if __name__ == "__main__":
    main()
