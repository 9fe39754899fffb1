"""Finished batches on disk, one JSON line each, so that an interrupted evaluation can go on."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from art_segplugin.errors import InputError
from art_segplugin.evaluation.batch_result import BatchResult
from art_segplugin.evaluation.result import CLEAN, ImageScore
from art_segplugin.files import write_text
from art_segplugin.metrics.class_counts import ClassCounts

NOT_STORED = ("adversarial", "prediction", "reference", "class_counts")


class ResultStore:
    """Results of one evaluation by attack, seed and batch.

    Args:
        path: file of JSON lines, made if missing.
        setting: what must be equal for results to be reusable (model, data, batch size).

    Raises:
        InputError: the file holds results of another setting, or is no such file.
    """

    def __init__(self, path: Path, setting: dict[str, Any]) -> None:
        self.path = path
        self._lines: dict[str, dict[str, Any]] = {}
        setting = json.loads(json.dumps(setting))
        if not path.exists():
            write_text(path, json.dumps({"setting": setting}) + "\n")
            return
        try:
            first, *lines = path.read_text(encoding="utf-8").splitlines()
            earlier = json.loads(first)["setting"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise InputError(
                f"{path} holds no results that could be gone on with ({error}); delete it."
            ) from error
        if earlier != setting:
            differing = [k for k in setting if (earlier or {}).get(k) != setting[k]]
            raise InputError(
                f"{path} holds results with another {', '.join(differing) or 'setting'}; "
                "choose another folder, or delete the file to begin anew."
            )
        good = [line for line in lines if _is_whole(line)]
        if len(good) < len(lines):  # the run was killed while it wrote a line
            write_text(path, "\n".join([first, *good]) + "\n")
        for values in map(json.loads, good):
            key = _key(values["attack"], values["options"], values["seed"], values["first"])
            self._lines[key] = values

    def find(
        self, attack: str, options: dict[str, Any], seed: int, first: int
    ) -> BatchResult | None:
        """The stored result, or None."""
        values = self._lines.get(_key(attack, options, seed, first))
        if values is None:
            return None
        images = [ImageScore(**image) for image in values["images"]]
        counts = values.get("class_counts")
        by_class = None if counts is None else ClassCounts.from_json(counts)
        found = BatchResult(**{**values, "images": images, "class_counts": by_class})
        return found if by_class is None else replace(found, counts=by_class.confusion.tolist())

    def add(self, result: BatchResult) -> None:
        """Append one result, if it is new; a crash can only lose the line being written.

        One with counts by class is new where the earlier one has none.
        """
        key = _key(result.attack, result.options, result.seed, result.first)
        earlier = self._lines.get(key)
        if earlier is not None and ("class_counts" in earlier or result.class_counts is None):
            return
        values = {k: v for k, v in vars(result).items() if k not in NOT_STORED}
        values["images"] = [asdict(image) for image in result.images]
        if result.class_counts is not None:
            values["class_counts"] = result.class_counts.to_json()
            del values["counts"]  # the same table again
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(values) + "\n")
        self._lines[key] = values


def holds_attacks(path: Path) -> bool:
    """Whether a store of that path has results other than those of clean images."""
    with path.open(encoding="utf-8") as file:
        next(file, None)  # the setting
        return any(_is_whole(line) and json.loads(line)["attack"] != CLEAN for line in file)


def _is_whole(line: str) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def _key(attack: str, options: dict[str, Any], seed: int, first: int) -> str:
    return json.dumps([attack, options, seed, first], sort_keys=True)
