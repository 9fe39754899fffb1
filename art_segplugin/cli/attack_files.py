"""The body of `attack`: pictures and videos in, adversarial files and a report out."""

import io
import unicodedata
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from art_segplugin.attacks import NamedAttack
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.cli.evaluation import (
    ATTACKED,
    command,
    computed_by,
    print_doubts,
    raise_left_out,
    say_fast,
)
from art_segplugin.core.types import Images
from art_segplugin.data.folders import ImageFiles, PairedFolder, browse
from art_segplugin.data.images import IMAGE_SUFFIXES, RGB, ImageRule
from art_segplugin.data.labels import INDICES_OR_COLOURS, LabelRule, refined
from art_segplugin.data.pairing import Tree
from art_segplugin.data.palettes import Palette, known_palette
from art_segplugin.data.sample import Dataset, Sample
from art_segplugin.data.video import LOSSLESS, VIDEO_SUFFIXES, Video, VideoWriter, is_video
from art_segplugin.errors import InputError, ModelError
from art_segplugin.evaluation import BatchResult, Example, RobustnessReport, summarise
from art_segplugin.evaluation.class_names import palette_of, reported_palette
from art_segplugin.evaluation.dataset import (
    ROUNDED,
    AttackedSample,
    attack_samples,
    refuse_void_alone,
    usable_sample,
    video_samples,
)
from art_segplugin.evaluation.label_facts import label_facts
from art_segplugin.evaluation.pipeline import Goal, device_of, to_uint8
from art_segplugin.evaluation.result import (
    as_rgb,
    class_lists,
    reference_of,
    versions,
)
from art_segplugin.files import fitting_name, only_run_in, printable, replacing, write_bytes
from art_segplugin.models import Segmenter
from art_segplugin.models.fast import Accelerated, fastest
from art_segplugin.report import panel, scores_table, write_report
from art_segplugin.report.panel import Picture

PICTURES_ON_PAGE = 6


@dataclass(frozen=True)
class FileAttack:
    """How to attack files and what to write.

    Attributes:
        model: the model, on the device to use.
        palette_name: palette of its classes, None for what the model knows.
        attack: the attack.
        goal: which pixels count, and what they shall become.
        seed: seed of the random starts.
        out: folder for everything that is written.
        save_float: also save exact values as .npy.
        video_suffix: container of adversarial videos.
        frames: number of leading frames of each video, None for all.
        scale: factor on height and width of images and videos.
        pixels: how the pixels of files become the channels of the model.
        rule: how label maps are read, None for the rule of the data set that the images are of.
        default_rule: how they are read where there is no such rule either.
        labels: folder of the label maps, None to look for them.
        label_suffix: what their names add to those of the images.
        names: classes of the data, where these name them.
        taken: names of outputs so far, so that none is written twice.
        fast: attack a copy of the model, see `models.fast`.
        copy: that copy, once it is made.
        left_out: a sentence for each image, video or rest of a video that could not be attacked.
    """

    model: Segmenter
    palette_name: str | None
    attack: NamedAttack
    goal: Goal
    seed: int
    out: Path
    save_float: bool = False
    video_suffix: str = LOSSLESS
    frames: int | None = None
    scale: float = 1.0
    pixels: ImageRule = RGB
    rule: LabelRule | None = None
    default_rule: LabelRule = INDICES_OR_COLOURS
    labels: Path | None = None
    label_suffix: str | None = None
    names: Palette | None = None
    taken: set[str] = field(default_factory=set)
    left_out: list[str] = field(default_factory=list)
    fast: bool = False
    copy: Accelerated | None = None

    @property
    def palette(self) -> Palette:
        """Names and colours; a model may know the number of its classes only after a forward."""
        return self.names or palette_of(self.model, self.palette_name)

    def pictures(self, data: Dataset) -> Generator[AttackedSample, None, None]:
        """Attack pictures; writes adversarial/NAME.png and overlays/NAME.png for each.

        Of images with other channels than grey or RGB, NAME.npy (h, w, channels) holds all, and
        NAME.png the first three.
        """

        def read(index: int) -> Sample:
            sample = data[index]
            return replace(sample, name=self._unused(sample.name, ".png"))

        for done in self._attacked(map(read, range(len(data)))):  # goes on after an error
            name, written = done.sample.name, to_uint8(done.x_8_bit[0])
            adversarial = self.out / "adversarial"
            if written.shape[2] not in (1, 3):
                _save_array(adversarial / f"{name}.npy", written)
                written = as_rgb(written)
            write_bytes(adversarial / f"{name}.png", _png(written))
            write_bytes(self.out / "overlays" / f"{name}.png", _png(self._panel(done)))
            if self.save_float:
                _save_array(self._float_path(done.sample), done.x_adv[0].cpu().numpy())
            yield done

    def video(self, video: Video) -> Generator[AttackedSample, None, None]:
        """Attack the frames of a video; writes adversarial/NAME and overlays/NAME videos.

        Where the video breaks off, the videos end with its last good frame.
        """
        name = self._unused(video.path.stem, self.video_suffix) + self.video_suffix
        samples = video_samples(video, self.frames, self.scale, self.pixels)
        with (
            replacing(self.out / "adversarial" / name) as adversarial,
            replacing(self.out / "overlays" / name) as overlays,
            VideoWriter(adversarial, video.fps) as pixels,
            VideoWriter(overlays, video.fps) as drawn,
        ):
            for done in self._attacked(samples):
                pixels.write(as_rgb(to_uint8(done.x_8_bit[0])))
                drawn.write(_even(self._panel(done, whole_legend=True)))
                yield done
            if not pixels.written:
                raise InputError(self.left_out.pop() if self.left_out else f"{video.path} is empty")

    def _attacked(self, samples: Iterator[Sample]) -> Iterator[AttackedSample]:
        """What comes of the samples; one that cannot be used is noted and the others go on."""
        number = 0
        while True:
            try:
                for done in attack_samples(
                    self.model,
                    samples,
                    self.attack,
                    self.seed,
                    first=number,
                    goal=self.goal,
                    fast=self.copy,
                ):
                    number += 1
                    yield done
                return
            except InputError as error:
                if isinstance(error, ModelError) and not number:
                    raise  # it is broken, rather than an image of a size that it does not take
                number += 1
                self.left_out.append(str(error))

    def _unused(self, name: str, suffix: str) -> str:
        """`name` as file systems take it, numbered if another output is called so, but for case."""
        name, number = printable(name), 1
        while True:
            ending = f"-{number}" if number > 1 else ""
            unused = fitting_name(name, ending + suffix).removesuffix(suffix)
            key = unicodedata.normalize("NFC", unused).casefold()
            if key not in self.taken:
                self.taken.add(key)
                return unused
            number += 1

    def _float_path(self, sample: Sample) -> Path:
        plain = sample.image.shape[0] in (1, 3)
        return self.out / "adversarial" / f"{sample.name}{'' if plain else '.float'}.npy"

    def _panel(self, done: AttackedSample, *, whole_legend: bool = False) -> Picture:
        reference = "labels" if done.sample.labels is not None else "clean prediction"
        name = self.attack.name + ROUNDED
        return panel(done.example, self.palette, name, reference, whole_legend=whole_legend)


def attack_files(job: FileAttack, inputs: Sequence[Path], model_name: str) -> RobustnessReport:
    """Attack every input and write the report, of what was done where the rest cannot be.

    Raises:
        InputError: an input is missing or none of them can be used; or, after the report of the
            others is written, some cannot.
    """
    with only_run_in(job.out):
        return _attack_files(job, inputs, model_name)


def _attack_files(job: FileAttack, inputs: Sequence[Path], model_name: str) -> RobustnessReport:
    folders, videos = _sorted_inputs(job, inputs)
    if len(folders) == 1 and not videos and not folders[0].palette.numbered:
        job = replace(job, names=folders[0].palette)
    _check_classes(job, folders, videos)
    if job.fast and (folders or videos):
        image = _first_image(job, folders, videos)
        job = replace(job, copy=say_fast(fastest(job.model, image)))
    runs = [*map(job.pictures, folders), *map(job.video, videos)]
    frames = [min(video.count, job.frames or video.count) for video in videos]
    results: list[BatchResult] = []
    shown: list[Example] = []

    def write() -> RobustnessReport:
        return _write(job, results, shown, inputs, model_name, folders)

    with progress_bar() as bar:
        task = bar.add_task(job.attack.name, total=sum(map(len, folders)) + sum(frames))
        try:
            for run, source in zip(runs, [*folders, *videos], strict=True):
                before = len(results)
                try:
                    with closing(run):
                        for done in run:
                            number = len(results) // len(done.results)  # through all inputs
                            if number < PICTURES_ON_PAGE:
                                shown.append(done.example)
                            results += [
                                replace(one.without_pictures(), first=number, indices=None)
                                for one in done.results
                            ]
                            bar.update(task, advance=1)
                except InputError as error:
                    if isinstance(error, ModelError) and not results:
                        raise
                    job.left_out.append(str(error))
                except KeyboardInterrupt:
                    if isinstance(source, Video):  # what was written of it is gone
                        del results[before:]
                    raise
        except KeyboardInterrupt:
            if results:
                write()
            raise
    if not results:
        raise InputError(job.left_out[0] if job.left_out else "there is nothing to attack.")
    report = write()
    if videos and job.video_suffix != LOSSLESS:
        errors().print(f"{job.video_suffix} is lossy: such a video is not for re-evaluation.")
    raise_left_out(job.left_out, len(report.clean.images))
    return report


def _write(
    job: FileAttack,
    results: Sequence[BatchResult],
    shown: Sequence[Example],
    inputs: Sequence[Path],
    model_name: str,
    folders: Sequence[ImageFiles],
) -> RobustnessReport:
    """Print the table and write the report."""
    report = RobustnessReport(
        model=printable(model_name),
        data=printable(", ".join(map(str, inputs))),
        reference=reference_of(results),
        results=summarise(results),
        versions=versions(),
        command=command(),
        labels=label_facts(results, job.palette, folders[0] if folders else None),
        settings={"batch size": "1"}
        | ({ATTACKED: job.copy.described} if job.copy else {})
        | computed_by(job.model),
        left_out=list(map(printable, job.left_out)),
        **class_lists(job.palette),
    )
    if report.reference != "labels":
        errors().print("Images without labels are scored against the model's own clean prediction.")
    output().print(scores_table(report))
    print_doubts(report.labels)
    written = write_report(report, shown, job.palette, job.out, overlays=False)
    errors().print(f"wrote adversarial/, overlays/ and {written[-1]}", markup=False)
    return report


def _opened(job: FileAttack, path: Path) -> ImageFiles:
    """The images of an input, with their label maps where these are of the model's classes."""
    if job.labels is not None:
        rule = refined(job.rule, job.default_rule)
        return PairedFolder(path, job.labels, rule, job.palette, job.scale, job.label_suffix)
    if job.label_suffix is not None:
        raise InputError("--label-suffix is for the label maps in --labels; give that folder too.")
    data = browse(path, job.palette, job.scale, job.rule, job.default_rule)
    if data.palette == job.palette:
        return data
    errors().print(data.described, markup=False, highlight=False, soft_wrap=True)
    without = ImageFiles([(image, None) for image, _ in data.pairs], job.palette, scale=job.scale)
    without.pixels = job.pixels
    if job.model.classes is None:
        job.model.validate(usable_sample(without).image[None].to(device_of(job.model)))
    try:
        reported_palette(job.model, data.palette)
    except InputError as error:
        said = f"The label maps of {path} are not used: {error}"
        errors().print(said, markup=False, highlight=False, soft_wrap=True)
        return without
    return data


def _check_classes(job: FileAttack, folders: Sequence[ImageFiles], videos: Sequence[Video]) -> None:
    """Refuse a palette of other classes than the model's, and labels that are void everywhere."""
    for folder in folders:
        refuse_void_alone(folder, job.model.ignore_index)
    chosen = known_palette(job.palette_name)
    if chosen is None or not (folders or videos):
        return
    if job.model.classes is None:
        job.model.validate(_first_image(job, folders, videos))
    reported_palette(job.model, chosen, asked=True)


def _first_image(job: FileAttack, folders: Sequence[ImageFiles], videos: Sequence[Video]) -> Images:
    """One of the images (1, ch, h, w), on the device of the model."""
    first = (
        usable_sample(folders[0])
        if folders
        else next(video_samples(videos[0], 1, job.scale, job.pixels))
    )
    return first.image[None].to(device_of(job.model))


def _sorted_inputs(job: FileAttack, inputs: Sequence[Path]) -> tuple[list[ImageFiles], list[Video]]:
    """Images and folders that hold some, and videos, also those in folders."""
    folders: list[ImageFiles] = []
    videos: list[Video] = []
    for path in inputs:
        if not path.exists():
            raise InputError(f"{path} does not exist; give images, videos or folders of them.")
        suffixes = (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES, ".gif")
        inside = Tree().files(path, suffixes) if path.is_dir() else [path]
        found = [file for file in inside if is_video(file)]
        for file in found:
            try:
                videos.append(Video(file))
            except InputError as error:
                job.left_out.append(str(error))
        if not found or any(f.suffix.lower() in IMAGE_SUFFIXES for f in inside):
            folders.append(_opened(job, path))
            folders[-1].pixels = job.pixels
    return folders, videos


def _png(picture: Picture) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture[..., 0] if picture.shape[2] == 1 else picture).save(data, "PNG")
    return data.getvalue()


def _save_array(path: Path, values: NDArray[Any]) -> None:
    with replacing(path) as beside:
        np.save(beside, values)


def _even(picture: Picture) -> Picture:
    """Cut to even sides, which most video codecs ask for."""
    return picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
