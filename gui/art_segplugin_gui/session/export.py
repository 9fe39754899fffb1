"""Write what is on screen to files; runs beside the window, in a thread of its own."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch

from art_segplugin.errors import InputError
from art_segplugin.evaluation.documents import to_plain
from art_segplugin.evaluation.exact_files import png
from art_segplugin.evaluation.pipeline import image_batch, to_8_bit, to_uint8
from art_segplugin.evaluation.repro import SIDES, Reproduction
from art_segplugin.evaluation.result import versions
from art_segplugin.files import remove_stale, write_bytes, write_text
from art_segplugin.report.clip import class_rows
from art_segplugin.report.tables import write_rows
from art_segplugin.scores import Scores
from art_segplugin_gui.session.export_job import Exported
from art_segplugin_gui.session.export_names import FIGURES, KINDS, OWNED, is_one_file
from art_segplugin_gui.session.export_pictures import palette, pictures
from art_segplugin_gui.session.frames import Picture, Prediction
from art_segplugin_gui.session.plan import model_pair, plan_of


def export(target: Path, what: Collection[str], job: Exported) -> list[Path]:
    """Write files; each appears whole or not at all.

    Args:
        target: a folder, made if missing; or one file: a figure (one of FIGURES), the table of
            classes (.csv) or all scores (.json), whatever `what` says.
        what: some of KINDS; in a folder a figure is a PNG.
        job: what is on screen.

    Of each kind that is exported, files of an earlier export that have no counterpart now are
    deleted at the end, so that what lies in the folder belongs together.

    Returns:
        The files, in the order of writing.

    Raises:
        InputError: there is nothing to export yet, a file cannot be written, for instance on a full
            disk, or a model's file is gone.
    """
    if is_one_file(target):
        suffix = target.suffix.lower()
        if suffix in FIGURES:
            _figure(target, job)
        elif suffix == ".csv":
            write_rows(_class_rows(job), target)
        else:
            write_text(target, json.dumps(all_numbers(job), indent=1))
        return [target]
    if unknown := set(what) - set(KINDS):
        raise InputError(f"{unknown.pop()!r} cannot be exported; choose from {', '.join(KINDS)}.")
    written: list[Path] = []
    if "pictures" in what:
        written += _pictures(target, job)
    if "figure" in what:
        written.append(_figure(target / "figure.png", job))
    if "tables" in what:
        written += _tables(target, job)
    if "numbers" in what:
        written.append(target / "numbers.json")
        write_text(written[-1], json.dumps(all_numbers(job), indent=1))
    if "reproduction" in what:
        written += reproduction(job).save(target)
    remove_stale(target, set[str]().union(*(OWNED[kind] for kind in what)), written)
    return written


def reproduction(job: Exported) -> Reproduction:
    """All that makes the numbers on screen again, with those numbers.

    Raises:
        InputError: there is nothing yet, or a model's file is gone.
    """
    shown, request, clean = job.shown, job.request, job.clean
    step, plan = shown.step, None
    if step is not None:
        if request.attack is None:
            raise InputError(
                "the attack on screen is of other settings than the prediction; attack once more."
            )
        plan = plan_of(request.attack, quick=request.quick)
    return Reproduction(
        image=job.frame.image,
        models=model_pair(request.models, b=clean.b is not None, sha256=clean.sha256),
        numbers=numbers(job),
        plan=plan,
        point=None if step is None or step.answer else step.number,
        fade=None if shown.faded is None else shown.faded.share,
        labels=job.frame.labels if job.clean.labelled else None,  # as they were used
        mask=None if plan is None or request.attack is None else request.attack.mask,
        index=job.frame.index,
        name=job.frame.name,
        origin=job.frame.origin,
        classes=list(clean.classes),
        threads=job.threads,
        device=job.device,
    )


def numbers(job: Exported) -> dict[str, Scores]:
    """The scores on screen by the names in `repro.SIDES`."""
    found = {}
    for name, clean, attacked in job.rows:
        found[f"{name} clean"] = clean.scores
        if attacked is not None:
            found[f"{name} adversarial"] = attacked.scores
    return {side: found[side] for side in SIDES if side in found}


def all_numbers(job: Exported) -> dict[str, Any]:
    """Every figure on screen and what it is of, as JSON can hold it."""
    made = reproduction(job)
    fields = ("name", "index", "origin", "models", "plan", "point", "fade", "classes", "numbers")
    return {
        **to_plain(made, fields),
        "reference": _reference(job),
        "curves": [to_plain(curve) for curve in job.curves],
        "threads": job.threads,
        "device": job.device,
        "versions": versions(),
    }


def _reference(job: Exported) -> str:
    return "labels" if job.clean.labelled else "clean prediction"


def _class_rows(job: Exported) -> list[dict[str, Any]]:
    return class_rows(job.clean.classes, numbers(job), "adversarial")


def _tables(folder: Path, job: Exported) -> list[Path]:
    path = folder / "classes.csv"
    write_rows(_class_rows(job), path)
    if not job.curves:
        return [path]
    points: dict[int, dict[str, Any]] = {}
    for curve in job.curves:
        for number, miou, wrong in zip(curve.numbers, curve.miou, curve.mis_ratio, strict=True):
            row = points.setdefault(number, {"point": number})
            row |= {f"{curve.name} mIoU": miou, f"{curve.name} error": wrong}
    names = ["point", *(f"{c.name} {word}" for c in job.curves for word in ("mIoU", "error"))]
    rows = [{name: points[n].get(name, "") for name in names} for n in sorted(points)]
    write_rows(rows, folder / "curve.csv")
    return [path, folder / "curve.csv"]


def _figure(path: Path, job: Exported) -> Path:
    from art_segplugin_gui.session.export_figure import figure_bytes

    write_bytes(path, figure_bytes(job, path.suffix.lower().removeprefix(".")))
    return path


def _pictures(folder: Path, job: Exported) -> list[Path]:
    colours, opacity = palette(job.clean), job.state.view.opacity
    files = {"clean": job.frame.image}
    for name, clean, attacked in job.rows:
        ending = "" if name == "A" else "-b"
        drawn = dict(pictures(clean, clean, colours, opacity))
        files[f"clean{ending}-prediction"] = drawn["prediction"]
        files[f"clean{ending}-error"] = drawn["error"]
        if attacked is None:
            continue
        files[f"adversarial{ending}"] = _as_8_bit(job, attacked)
        for layer, picture in pictures(attacked, clean, colours, opacity):
            files[f"adversarial{ending}-{layer}"] = picture
    if job.frame.labels is not None:
        files["labels"] = job.frame.labels
    for name, picture in files.items():
        write_bytes(folder / f"{name}.png", png(picture))
    return [folder / f"{name}.png" for name in files]


def _as_8_bit(job: Exported, side: Prediction) -> Picture:
    """The adversarial image in 8 bits, inside the threat model where the exact one is."""
    request = job.request
    if job.shown.faded is not None or side.exact is None or request.attack is None:
        return side.image
    attack = plan_of(request.attack, quick=request.quick).attack.build()
    x_adv = torch.from_numpy(side.exact.copy()).unsqueeze(0)
    x = image_batch(job.frame.image, x_adv.device)
    return to_uint8(to_8_bit(x_adv, x, attack.threat_model)[0])
