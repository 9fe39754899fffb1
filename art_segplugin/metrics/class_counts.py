"""What became of each class: everything that class-wise diagnosis needs, as integer counts."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from art_segplugin.core.types import Labels, Logits, PixelMask
from art_segplugin.errors import InputError
from art_segplugin.metrics.confusion import count

MOST_DENSE = 32
"""Classes up to which tables are written with all their cells."""


@dataclass(frozen=True, eq=False)
class ClassCounts:
    """Counts of some images; `a + b` joins two disjoint sets of images exactly.

    Only `images` depends on the order in which parts are joined. All tensors are int64.

    Attributes:
        confusion: (c, c) valid pixels, rows true class, columns predicted class.
        returned: (c, c) of the `confusion[y, k]` pixels of class y predicted as k != y, those whose
            largest logit is y's once k's is taken away; 0 on the diagonal.
        images: (n, 3, c) hits, true pixels and predicted pixels of each class in each image.
        regions: confusion (c, c) of the valid pixels of each named region.
    """

    confusion: Tensor
    returned: Tensor
    images: Tensor
    regions: dict[str, Tensor]

    @classmethod
    def of(
        cls,
        logits: Logits,
        labels: Labels,
        ignore_index: int = 255,
        regions: Mapping[str, PixelMask] | None = None,
    ) -> "ClassCounts":
        """Count one batch, on the device of the logits.

        The prediction is `logits.argmax(1)`: of tied logits the smallest class, of NaN the first.
        The class that is left when the predicted one is taken away is found by the same rule.

        Args:
            logits: (n, c, h, w) floats, c >= 1.
            labels: (n, h, w) integers: classes 0 ... c - 1, or ignore_index.
            ignore_index: label of void pixels, which are counted nowhere.
            regions: name -> (n, h, w) True on the pixels of the region; regions may overlap.

        Raises:
            InputError: a shape or dtype, or a label outside the classes.
        """
        _check_batch(logits, labels, regions or {})
        logits, classes = logits.detach(), logits.shape[1]
        labels = labels.to(logits.device, torch.int64)
        prediction: Tensor = logits.argmax(1)
        confusion = count(prediction, labels, classes, ignore_index)
        valid = labels != ignore_index
        right = valid & (prediction == labels)

        def part(pixels: Tensor) -> Tensor:
            return count(
                prediction, labels.masked_fill(~pixels, ignore_index), classes, ignore_index
            )

        images = (
            _per_image(labels, right, classes),
            _per_image(labels, valid, classes),
            _per_image(prediction, valid, classes),
        )
        return cls(
            confusion=confusion,
            returned=part(_comes_back(logits, labels, prediction, valid & ~right)),
            images=torch.stack(images, dim=1),
            regions={name: part(mask.to(labels.device)) for name, mask in (regions or {}).items()},
        )

    @classmethod
    def empty(cls, classes: int, regions: Iterable[str] = ()) -> "ClassCounts":
        """Counts of no images, on the CPU: what sums start from.

        Raises:
            InputError: fewer than one class.
        """
        if classes < 1:
            raise InputError(f"classes is {classes!r}; give the number of classes, 1 or more.")

        def none(*shape: int) -> Tensor:
            return torch.zeros(*shape, dtype=torch.int64)

        tables = {name: none(classes, classes) for name in regions}
        return cls(none(classes, classes), none(classes, classes), none(0, 3, classes), tables)

    @classmethod
    def joined(cls, parts: Iterable["ClassCounts"]) -> "ClassCounts":
        """Counts of all parts, on the device of the first; faster than `+` for many parts.

        Raises:
            InputError: no parts, or parts of different classes or regions.
        """
        parts = list(parts)
        if not parts:
            raise InputError("there are no counts to join; start from ClassCounts.empty(classes).")
        first = parts[0]
        device, names = first.confusion.device, first.regions.keys()
        for part in parts[1:]:
            if part.classes != first.classes:
                raise InputError(
                    f"counts of {first.classes} and of {part.classes} classes cannot be added; "
                    "count both with the same model."
                )
            if part.regions.keys() != names:
                raise InputError(
                    f"counts of the regions {sorted(names)} and {sorted(part.regions)} cannot be "
                    "added; count both with the same regions."
                )

        def total(tables: Iterable[Tensor]) -> Tensor:
            return torch.stack([table.to(device) for table in tables]).sum(0)

        return cls(
            confusion=total(part.confusion for part in parts),
            returned=total(part.returned for part in parts),
            images=torch.cat([part.images.to(device) for part in parts]),
            regions={name: total(part.regions[name] for part in parts) for name in names},
        )

    def __add__(self, other: "ClassCounts") -> "ClassCounts":
        """Counts of both; those of `self` come first in `images`."""
        return self.joined((self, other))

    @property
    def classes(self) -> int:
        """Number of classes c."""
        return len(self.confusion)

    @property
    def totals(self) -> Tensor:
        """(3, c) hits, true and predicted pixels of each class, over all images."""
        return self.images.sum(0)

    def to_json(self) -> dict[str, Any]:
        """Plain lists, which `from_json` reads back exactly.

        With more than 32 classes a table is {"shape": [...], "cells": [[position ..., count], ...]}
        of the cells that are not zero, for most of them are.
        """
        return {
            "confusion": plain_table(self.confusion),
            "returned": plain_table(self.returned),
            "images": plain_table(self.images),
            "regions": {name: plain_table(table) for name, table in self.regions.items()},
        }

    @classmethod
    def from_json(cls, values: Any) -> "ClassCounts":
        """Read what `to_json` gave, on the CPU.

        Raises:
            InputError: anything else, or tables that contradict each other.
        """
        try:
            classes, images = _length(values["confusion"]), _length(values["images"])
            counts = cls(
                confusion=table_from(values["confusion"], (classes, classes)),
                returned=table_from(values["returned"], (classes, classes)),
                images=table_from(values["images"], (images, 3, classes)),
                regions={
                    str(name): table_from(table, (classes, classes))
                    for name, table in values["regions"].items()
                },
            )
            counts._check_tables()
        except (
            TypeError, KeyError, ValueError, AttributeError, RuntimeError, IndexError
        ) as error:  # fmt: skip
            raise InputError(
                f"these are no class counts ({type(error).__name__}: {error}); give what "
                "ClassCounts.to_json wrote."
            ) from error
        return counts

    def _check_tables(self) -> None:
        wrong = self.confusion - self.confusion.diagonal().diag()
        expected = (self.confusion.diagonal(), self.confusion.sum(1), self.confusion.sum(0))
        if not torch.equal(self.totals, torch.stack(expected)):
            raise ValueError("images and confusion differ in their totals")
        if bool((self.returned > wrong).any()):
            raise ValueError("more pixels returned than were wrong")
        for name, table in self.regions.items():
            if bool((table > self.confusion).any()):
                raise ValueError(f"region {name!r} has more pixels than there are")


def _comes_back(logits: Tensor, labels: Tensor, prediction: Tensor, wrong: Tensor) -> Tensor:
    """Mask (n, h, w) of the wrong pixels that are right without the predicted class."""
    rest, gone = logits.movedim(1, -1)[wrong], prediction[wrong].unsqueeze(1)
    left = rest.scatter_(1, gone, -torch.inf).argmax(1, keepdim=True)
    # Only if class 0 is taken away and all others are -inf, the arg max is what was taken away.
    left = left.masked_fill(left == gone, 1).squeeze(1)
    return torch.zeros_like(wrong).masked_scatter_(wrong, left == labels[wrong])


def _per_image(maps: Tensor, pixels: Tensor, classes: int) -> Tensor:
    """(n, classes): pixels of each class in each map, where `pixels` is True."""
    first = torch.arange(len(maps), device=maps.device).view(-1, 1, 1) * classes
    found = torch.bincount((maps + first)[pixels], minlength=len(maps) * classes)
    return found.view(len(maps), classes)


def plain_table(table: Tensor) -> list[Any] | dict[str, Any]:
    """Counts as JSON can hold them: all, or the cells that are not zero where there are many classes.

    Args:
        table: whole numbers of any shape, classes last.
    """
    if table.shape[-1] <= MOST_DENSE:
        dense: list[Any] = table.tolist()
        return dense
    cells = torch.cat([table.nonzero(), table[table != 0].unsqueeze(1)], dim=1)
    return {"shape": list(table.shape), "cells": cells.tolist()}


def _length(values: Any) -> int:
    return int(values["shape"][0]) if isinstance(values, dict) else len(values)


def _of_cells(values: Any, shape: tuple[int, ...]) -> Tensor:
    """What `_plain` gave of many classes."""
    if list(shape) != values["shape"] or shape[-1] < 1:
        raise ValueError(f"a table is not of shape {shape}")
    table = torch.zeros(shape, dtype=torch.int64)
    if not values["cells"]:
        return table
    cells = torch.tensor(values["cells"])
    if cells.dtype != torch.int64 or cells.shape[1:] != (len(shape) + 1,) or int(cells.min()) < 0:
        raise ValueError(f"cells are not {len(shape)} positions and a count, whole numbers >= 0")
    where = cells[:, :-1]
    if len(torch.unique(where, dim=0)) < len(where):
        raise ValueError("a cell occurs twice")
    table[tuple(where.unbind(1))] = cells[:, -1]  # a position outside the table is an IndexError
    return table


def table_from(values: Any, shape: tuple[int, ...]) -> Tensor:
    """What `plain_table` gave, as int64 on the CPU.

    Args:
        values: what was read.
        shape: of the table.

    Raises:
        ValueError: another shape, or something else than counts >= 0; or a TypeError, KeyError or
            IndexError.
    """
    if isinstance(values, dict):
        return _of_cells(values, shape)
    if 0 in shape:
        if shape[-1] < 1 or values != []:
            raise ValueError("a table is empty")
        return torch.zeros(shape, dtype=torch.int64)
    table = torch.tensor(values)
    if table.dtype != torch.int64 or tuple(table.shape) != shape or int(table.min()) < 0:
        raise ValueError(f"a table is not of whole numbers >= 0 of shape {shape}")
    return table


def _check_batch(logits: Tensor, labels: Tensor, regions: Mapping[str, Tensor]) -> None:
    if logits.ndim != 4 or not logits.is_floating_point() or not logits.shape[1]:
        raise InputError(
            f"logits are {logits.dtype} of shape {tuple(logits.shape)}; give floats (n, c, h, w)."
        )
    wanted = (logits.shape[0], *logits.shape[2:])
    kind_fits = not (
        labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool
    )
    if tuple(labels.shape) != wanted or not kind_fits:
        raise InputError(
            f"labels are {labels.dtype} of shape {tuple(labels.shape)}; give class indices (int64) "
            f"of shape {wanted} for these logits."
        )
    for name, mask in regions.items():
        if tuple(mask.shape) != wanted or mask.dtype != torch.bool:
            raise InputError(
                f"region {name!r} is {mask.dtype} of shape {tuple(mask.shape)}; give booleans of "
                f"shape {wanted}."
            )
