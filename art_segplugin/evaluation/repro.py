"""`repro.json`: all that makes the scores of one shown image again, and how they are made."""

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import numpy as np
import torch
from pydantic import PlainSerializer, PlainValidator, SerializationInfo, ValidationInfo

from art_segplugin.core.ensemble import points_of
from art_segplugin.core.types import Images, Logits
from art_segplugin.errors import InputError
from art_segplugin.evaluation.documents import Published, from_plain, from_text, to_text
from art_segplugin.evaluation.exact_files import FileRef, Pixels, png, read_png
from art_segplugin.evaluation.model_refs import ModelPair, open_model, validate
from art_segplugin.evaluation.pipeline import (
    Attacked,
    AttackPlan,
    Clean,
    Mask,
    clean_picture,
    device_of,
    faded,
    finite_logits,
    image_batch,
    shown,
)
from art_segplugin.evaluation.result import versions
from art_segplugin.files import write_bytes, write_text
from art_segplugin.models import Segmenter, load_model
from art_segplugin.scores import Scores

FORMAT = 2
READABLE = (1, 2)
"""Format 1 knows no position of an image: its random start was that of position 0."""
FILE_NAME = "repro.json"
MOST_THREADS = 1024

SIDES = ("A clean", "A adversarial", "B clean", "B adversarial")
"""What scores are of; those of B only where there is a B."""

Progress = Callable[[int, int], None]
"""Is told how much is done, and of how much."""

T = TypeVar("T")


def _beside(what: str) -> tuple[PlainValidator, PlainSerializer]:
    """Of a field whose array is a PNG beside the JSON file: STEM-`what`.png."""

    def read(ref: Any, info: ValidationInfo[Any]) -> Pixels | Mask | None:
        if ref is None:
            return None
        path = from_plain(FileRef, ref).path(info.context["folder"])
        pixels = read_png(path, 3 if what == "image" else 1)
        return pixels > 0 if what == "mask" else pixels

    def write(array: Any, info: SerializationInfo[Any]) -> dict[str, str] | None:
        if array is None:
            return None
        grey = array.astype(np.uint8) * np.uint8(255) if what == "mask" else array
        name, data = f"{info.context['stem']}-{what}.png", png(grey)
        info.context["files"][name] = data
        return asdict(FileRef(name, hashlib.sha256(data).hexdigest()))

    kind = FileRef if what == "image" else FileRef | None
    return PlainValidator(read, json_schema_input_type=kind), PlainSerializer(write)


@dataclass(frozen=True, eq=False)
class Reproduction(Published):
    """One image, what was done to it, and the scores that were on show.

    Attributes:
        format: version of the file.
        kind: "picture".
        image: RGB uint8 (h, w, 3).
        models: what was attacked.
        numbers: scores by the names in SIDES.
        plan: the attack; None where only clean predictions were shown.
        point: number of the iterate that was shown, counted through all restarts from 0; None for
            the attack's answer.
        fade: strength at which the perturbation was shown; None for the attack's own image.
        labels: true classes, uint8 (h, w), 255 for void; None where there are none.
        mask: pixels that may change, bool (h, w), where the plan's region is "painted".
        index: position in its source, 0 to `pipeline.MOST`, which the random start depends on.
        name: of the image.
        origin: where it came from, as JSON can hold it.
        classes: names of the classes, for tables; none where nobody needs them.
        threads: threads that torch computed with: another number rounds otherwise.
        device: on which.
        versions: of what was installed.
    """

    format: int = field(default=FORMAT, kw_only=True)
    kind: Literal["picture"] = field(default="picture", kw_only=True)
    image: Annotated[Pixels, *_beside("image")]
    models: ModelPair
    numbers: dict[str, Scores]
    plan: AttackPlan | None = None
    point: int | None = None
    fade: float | None = None
    labels: Annotated[Pixels | None, *_beside("labels")] = None
    mask: Annotated[Mask | None, *_beside("mask")] = None
    index: int = 0
    name: str = "picture"
    origin: dict[str, Any] = field(default_factory=dict)
    classes: list[str] = field(default_factory=list)
    threads: int = field(default_factory=torch.get_num_threads)
    device: str = "cpu"
    versions: dict[str, str] = field(default_factory=versions)

    def save(self, folder: Path, stem: str = "repro") -> list[Path]:
        """Write STEM.json and the files that it names; each whole or not at all.

        Returns:
            The paths, that of the JSON first.

        Raises:
            InputError: the folder cannot be written.
        """
        files: dict[str, bytes] = {}
        text = to_text(self, context={"stem": stem, "files": files})
        for name, data in files.items():
            write_bytes(folder / name, data)
        path = folder / f"{stem}.json"
        write_text(path, text)  # last: what it names is there
        return [path, *(folder / name for name in files)]

    @classmethod
    def load(cls, path: Path) -> "Reproduction":
        """Read what `save` wrote.

        Args:
            path: the JSON file, or the folder with its `repro.json`.

        Raises:
            InputError: it is no such file, of another version, or one beside is missing or changed.
        """
        path = json_path(path)
        read = parsed(cls, read_text(path), "picture", {"folder": path.parent})
        for array, what in ((read.labels, "labels"), (read.mask, "mask")):
            if array is not None and array.shape != read.image.shape[:2]:
                raise InputError(
                    f"the {what} have another size than the picture; export once more."
                )
        return read


def kind_of(text: str) -> str:
    """What a reproduction is of: "picture" or "clip".

    Raises:
        InputError: the text is no reproduction, or of another version.
    """
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):  # the latter where it is nested too deeply
        values = None
    if not isinstance(values, dict) or values.get("kind") not in ("picture", "clip"):
        raise InputError("this is no repro.json of art-segplugin; export one in the desktop app.")
    if values.get("format") not in READABLE:
        raise InputError(
            f"this repro.json has format {values.get('format')!r} and this version reads "
            f"{READABLE[0]} to {READABLE[-1]}; install the version that it names."
        )
    return str(values["kind"])


def parsed(document: type[T], text: str, kind: str, context: Any = None) -> T:
    """The values of a reproduction of a kind.

    Raises:
        InputError: the text is no such reproduction; what is wrong is named.
    """
    if kind_of(text) != kind:
        raise InputError(f"this repro.json is of a {kind_of(text)}, not of a {kind}.")
    try:
        return from_text(document, text, context)
    except InputError:
        raise
    except ValueError as error:
        why = str(error).rstrip(".")
        raise InputError(f"this repro.json is damaged ({why}); export it once more.") from error


def json_path(path: Path) -> Path:
    """The JSON file that a path means: itself, or `repro.json` in a folder."""
    return path / FILE_NAME if path.is_dir() else path


def read_text(path: Path) -> str:
    """The text of a file.

    Raises:
        InputError: it is missing or holds no text.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it holds no text"
        raise InputError(
            f"cannot read {path}: {reason}; give a repro.json or its folder."
        ) from error


@contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Let torch compute with so many threads for a while: the same sums in the same order.

    Raises:
        InputError: it is no number of threads.
    """
    if not 1 <= count <= MOST_THREADS:
        raise InputError(f"threads is {count}; give a number from 1 to {MOST_THREADS}.")
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def reproduce(
    reproduction: Reproduction,
    device: str = "cpu",
    *,
    progress: Progress | None = None,
    run_code: bool = False,
    load: Callable[[str], Segmenter] = load_model,
) -> dict[str, Scores]:
    """Do again what was shown; on the same machine the scores are the same to the last bit.

    Args:
        reproduction: what to do.
        device: where.
        progress: is told after every iterate of the attack.
        run_code: models of own code may be run, see `open_model`.
        load: loads a model by its spec.

    Returns:
        Scores by the names in SIDES.

    Raises:
        InputError: a model is not the recorded one, or does not fit the picture.
    """
    with torch_threads(reproduction.threads):
        a, b = open_models(reproduction.models, device, run_code=run_code, load=load)
        beside = None if b is None else _clean(reproduction, b)
        return _scores(reproduction, _clean(reproduction, a), beside, progress)


def open_models(
    models: ModelPair, device: str, *, run_code: bool, load: Callable[[str], Segmenter]
) -> tuple[Segmenter, Segmenter | None]:
    """Both models; see `open_model`."""
    a = open_model(models.a, device, run_code=run_code, load=load)
    if models.b is None:
        return a, None
    return a, open_model(models.b, device, run_code=run_code, load=load)


def _clean(reproduction: Reproduction, model: Segmenter) -> Clean:
    validate(model, image_batch(reproduction.image, device_of(model)))
    return clean_picture(model, reproduction.image, reproduction.labels, reproduction.name)


def _scores(
    reproduction: Reproduction, a: Clean, b: Clean | None, progress: Progress | None
) -> dict[str, Scores]:
    a_clean, a_adversarial, b_clean, b_adversarial = SIDES
    found = {a_clean: a.shown.scores}
    if b is not None:
        found[b_clean] = b.shown.scores
    if reproduction.plan is None:
        return found
    images, logits = _iterate(reproduction, a, progress)
    found[a_adversarial] = _attacked(reproduction, a, images, logits)
    if b is not None:
        other: Logits | None = None
        if not reproduction.models.transfer:
            images, other = _iterate(reproduction, b, progress)
        found[b_adversarial] = _attacked(reproduction, b, images, other)
    return {side: found[side] for side in SIDES if side in found}


def _iterate(
    reproduction: Reproduction, clean: Clean, progress: Progress | None
) -> tuple[Images, Logits]:
    """The iterate that was shown, and the model's logits for it."""
    plan, wanted = reproduction.plan, reproduction.point
    assert plan is not None
    attack = plan.build(clean)
    last = points_of(attack) - 1 if wanted is None else wanted
    with closing(plan.iterates(clean, reproduction.mask, reproduction.index)) as iterates:
        found = None
        for number, iterate in enumerate(iterates):
            if progress is not None:
                progress(min(number, last) + 1, last + 1)
            if number == wanted:
                return shown(clean, iterate, answer=False)
            if wanted is None:  # the logits are freed when the attack goes on
                found = shown(clean, iterate, answer=True) if number >= last else iterate
    if found is None or wanted is not None:
        raise InputError(f"the attack has no point {wanted}; this repro.json is damaged.")
    return (
        found if isinstance(found, tuple) else (found.best, finite_logits(clean.model, found.best))
    )


def _attacked(
    reproduction: Reproduction, clean: Clean, x_adv: Images, logits: Logits | None
) -> Scores:
    plan, share = reproduction.plan, reproduction.fade
    assert plan is not None
    if share is not None:
        x_adv, logits = faded(clean.x, x_adv, share), None
    threat_model = plan.build(clean).threat_model
    return Attacked.of(clean, x_adv, threat_model, logits, plan.goal).scores
