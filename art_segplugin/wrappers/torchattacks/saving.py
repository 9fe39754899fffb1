"""torchattacks' `save` and `load`, for label maps and labels of images."""

import pickle
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset
from torchattacks.attack import Attack

from art_segplugin.core.types import NO_VOID, Images
from art_segplugin.errors import InputError
from art_segplugin.metrics import ConfusionMatrix, mean_iou, pixel_accuracy
from art_segplugin.models.tensors import write_torch


class SaveScores(NamedTuple):
    """What `save(..., return_verbose=True)` returns.

    Attributes:
        rob_acc: pixel accuracy on the adversarial images over all valid pixels (of a classifier: its
            accuracy), in percent.
        miou: mean IoU over the classes that occur, of all valid pixels together, in percent.
        l2: mean L2 length of the perturbation of an image in [0, 1].
        elapsed_time: seconds.
    """

    rob_acc: float
    miou: float
    l2: float
    elapsed_time: float


class LabelMapSaving(Attack):
    """Writes the adversarial images of a whole data set to one file, and scores them by pixels."""

    ignore_index: int

    def save(
        self,
        data_loader: Iterable[Any],
        save_path: str | Path | None = None,
        verbose: bool = True,
        return_verbose: bool = False,
        save_predictions: bool = False,
        save_clean_inputs: bool = False,
        save_type: str = "float",
    ) -> SaveScores | None:
        """Attack every batch; write all at the end, in torchattacks' format.

        With `save_type="int"` images are rounded to 8 bits first, and scored as they are written.

        Args:
            data_loader: batches (images, labels), as the attack is called with.
            save_path: the file, whole or not at all; None to only score.
            verbose: print the scores so far after every batch.
            return_verbose: return the scores.
            save_predictions: also write the predicted classes.
            save_clean_inputs: also write the images before the attack.
            save_type: "float", or "int" for 8 bits.

        Raises:
            InputError: another `save_type`, no batch at all, or a file that cannot be written.
        """
        if save_type not in ("float", "int"):
            raise InputError(f"save_type is {save_type!r}; give 'float' or 'int'.")
        kept: dict[str, list[Tensor]] = {"adv_inputs": [], "labels": []}
        kept |= {"preds": []} if save_predictions else {}
        kept |= {"clean_inputs": []} if save_clean_inputs else {}
        matrix: ConfusionMatrix | None = None
        lengths: list[Tensor] = []
        start = time.perf_counter()
        for batch, (inputs, labels) in enumerate(data_loader, 1):
            adv_images = _stored(self._in_unit_range(self(inputs, labels)), save_type)
            logits = self.get_output_with_eval_nograd(self._as_given(adv_images))
            prediction = logits.argmax(1)
            if matrix is None:
                void = NO_VOID if labels.ndim == 1 else self.ignore_index
                matrix = ConfusionMatrix(logits.shape[1], void, logits.device)
            matrix.update(prediction, labels.to(logits.device))
            images = self._in_unit_range(inputs.to(adv_images.device))
            lengths.append((_floats(adv_images) - images).flatten(1).norm(dim=1).cpu())
            scores = SaveScores(
                100 * pixel_accuracy(matrix.counts),
                100 * mean_iou(matrix.counts),
                torch.cat(lengths).mean().item(),
                time.perf_counter() - start,
            )
            if verbose:
                _print(batch, scores, pixels=labels.ndim > 1, end="\r")
            tensors = {
                "adv_inputs": adv_images,
                "labels": labels,
                "preds": prediction,
                "clean_inputs": _stored(images, save_type),
            }
            for key, parts in kept.items():
                parts.append(tensors[key].detach().cpu())
        if matrix is None:
            raise InputError("the data loader gave no batch; give one with at least one.")
        if verbose:  # so that nothing is printed over the last scores
            _print(batch, scores, pixels=labels.ndim > 1, end="\n")
        if save_path is not None:
            saved = {key: torch.cat(parts) for key, parts in kept.items()}
            write_torch(Path(save_path), {**saved, "save_type": save_type})
        return scores if return_verbose else None

    @staticmethod
    def load(
        load_path: str | Path,
        batch_size: int = 128,
        shuffle: bool = False,
        normalize: dict[str, Any] | None = None,
        load_predictions: bool = False,
        load_clean_inputs: bool = False,
    ) -> DataLoader[tuple[Tensor, ...]]:
        """Read a file that `save` wrote, ours or that of torchattacks. No code in it is ever run.

        Args:
            load_path: the file.
            batch_size: images per batch.
            shuffle: another order every time.
            normalize: {"mean": ..., "std": ...} per channel, for models that want such images.
            load_predictions: also give the predicted classes.
            load_clean_inputs: also give the images before the attack.

        Returns:
            Batches (adversarial images, labels, [predictions], [clean images]); images are floats.

        Raises:
            InputError: the file is missing, broken, holds more than tensors, or lacks what is asked.
        """
        optional = {"preds": load_predictions, "clean_inputs": load_clean_inputs}
        keys = ["adv_inputs", "labels", *(key for key, wanted in optional.items() if wanted)]
        saved = _read(Path(load_path), keys)
        for key in {"adv_inputs", "clean_inputs"} & set(keys):
            images = _floats(saved[key])
            if normalize is not None:
                mean, std = (
                    torch.as_tensor(normalize[name], dtype=images.dtype).view(1, -1, 1, 1)
                    for name in ("mean", "std")
                )
                images = (images - mean) / std
            saved[key] = images
        dataset = TensorDataset(*(saved[key] for key in keys))
        return DataLoader(dataset, batch_size=batch_size, shuffle=shuffle)

    def _in_unit_range(self, images: Images) -> Images:
        """`images` with the normalisation of the attack's inputs undone."""
        if self.normalization_used is None:
            return images
        return self.inverse_normalize(images).to(images.dtype)

    def _as_given(self, stored: Tensor) -> Images:
        """Stored images as the attack's inputs are."""
        images = _floats(stored)
        if self.normalization_used is None:
            return images
        return self.normalize(images).to(images.dtype)


def _stored(images: Images, save_type: str) -> Tensor:
    return (images * 255).round().to(torch.uint8) if save_type == "int" else images


def _floats(images: Tensor) -> Images:
    return images / 255 if images.dtype == torch.uint8 else images


def _print(batch: int, scores: SaveScores, *, pixels: bool, end: str) -> None:
    accuracy = "Pixel accuracy" if pixels else "Accuracy"
    print(  # noqa: T201
        f"- Batch {batch} / {accuracy}: {scores.rob_acc:.2f} % / mIoU: {scores.miou:.2f} % "
        f"/ L2: {scores.l2:.5f} ({scores.elapsed_time:.1f} s)",
        end=end,
    )


def _read(path: Path, keys: list[str]) -> dict[str, Tensor]:
    """The file's content, with tensors under `keys`.

    Raises:
        InputError: see `LabelMapSaving.load`.
    """
    try:
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}.") from error
    except pickle.UnpicklingError as error:
        raise InputError(
            f"{path} holds more than tensors, which could run any code when read, or is no file of "
            "save(); write it again with save()."
        ) from error
    except Exception as error:  # a damaged file can fail anywhere inside the reader
        raise InputError(f"{path} is broken; write it again with save().") from error
    for key in keys:
        if not (isinstance(saved, dict) and isinstance(saved.get(key), Tensor)):
            raise InputError(
                f"{path} holds no {key!r}; write it with save(), which takes save_predictions=True "
                "and save_clean_inputs=True."
            )
    return {key: saved[key] for key in keys}
