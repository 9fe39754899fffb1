"""Which classes fall first, what they are taken for, and which temperature hurts them most.

Run `python examples/05_class_diagnosis.py`; with `--smoke` it is as short as can be.
`art-segplugin diagnose` does the same with a progress bar, pictures and files.
"""

import argparse
from pathlib import Path

from art_segplugin.attacks import named
from art_segplugin.data.scenes import SceneDataset
from art_segplugin.evaluation import ModelCounts, Regions, attack_counts, diagnose, evaluate
from art_segplugin.heads.last_layer import class_weight_norms
from art_segplugin.models import load_model
from art_segplugin.report import write_diagnosis
from art_segplugin.report.diagnosis_tables import confound, headline, labels, points


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true")
    smoke = parser.parse_args().smoke

    # 1. A model, images with labels, and attacks; the first is what the others are compared with.
    model = load_model("small-scenes")
    scenes = SceneDataset(2 if smoke else 8, "test", size=(90, 120) if smoke else (180, 240))
    steps, sizes = 3 if smoke else 20, {"eps": 2 / 255, "step_size": 0.5 / 255}
    attacks = [
        named(f"pgd-{steps}", **sizes),
        named(f"temperature-pgd-{steps}", temperature=10.0, **sizes),
        named(f"temperature-pgd-{steps}", temperature=0.1, **sizes),
    ]

    # 2. Attack, counting each class in each image and region.
    results = evaluate(model, scenes, attacks, regions=Regions(background=(0, 10)))
    norms = class_weight_norms(model, len(scenes.palette))
    counted = ModelCounts("small-scenes", attack_counts(results), norms)

    # 3. Everything else is worked out from the counts.
    report = diagnose([counted], scenes.palette, f"{len(scenes)} rendered scenes")
    found = report.models[0]
    for name, result in zip(labels(found), found.results, strict=True):
        spread = result.accuracy_spread
        print(
            f"{name.lower():40} pixel accuracy {result.accuracy:6.1%}, gap between classes "
            f"{spread.gap:6.1%}, worst {report.classes[spread.worst]} {spread.smallest:.1%}"
        )
        if result.comparison is not None:
            print(f"  against {labels(found)[1]}: {points(result.comparison.accuracy)} points")
    print(headline(report, found))
    for index in sorted(range(len(report.classes)), key=found.baseline.class_accuracy.__getitem__):
        taken = confound(report, found.baseline, index)
        print(f"{report.classes[index]:14} is taken for {taken}")
    written = write_diagnosis(report, Path("diagnosis"))
    print(f"wrote {written[-1]}")


if __name__ == "__main__":
    main()
