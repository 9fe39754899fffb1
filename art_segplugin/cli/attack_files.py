"""The body of `attack`: pictures and videos in, adversarial files and a report out."""

import io
import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from PIL import Image

from art_segplugin.attacks import NamedAttack
from art_segplugin.cli.console import errors, output, progress_bar
from art_segplugin.cli.evaluation import print_doubts
from art_segplugin.data.datasets import known_palette
from art_segplugin.data.folders import ImageFiles, PairedFolder, browse
from art_segplugin.data.images import IMAGE_SUFFIXES
from art_segplugin.data.labels import INDICES_OR_COLOURS, LabelRule
from art_segplugin.data.pairing import Tree
from art_segplugin.data.palettes import Palette
from art_segplugin.data.sample import Dataset, Sample
from art_segplugin.data.video import LOSSLESS, VIDEO_SUFFIXES, Video, VideoWriter
from art_segplugin.errors import InputError
from art_segplugin.evaluation import BatchResult, Example, RobustnessReport, summarise
from art_segplugin.evaluation.class_names import palette_of, reported_palette
from art_segplugin.evaluation.dataset import (
    ROUNDED,
    AttackedSample,
    attack_samples,
    refuse_void_alone,
    video_samples,
)
from art_segplugin.evaluation.label_facts import label_facts
from art_segplugin.evaluation.pipeline import device_of
from art_segplugin.evaluation.result import class_lists, reference_of, to_uint8, versions
from art_segplugin.files import replacing, write_bytes
from art_segplugin.models import Segmenter
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
        target: class that every pixel shall become, if targeted.
        seed: seed of the random starts.
        out: folder for everything that is written.
        save_float: also save exact values as .npy.
        video_suffix: container of adversarial videos.
        frames: number of leading frames of each video, None for all.
        rule: how label maps are read, None for the rule of the data set that the images are of.
        default_rule: how they are read where there is no such rule either.
        labels: folder of the label maps, None to look for them.
        label_suffix: what their names add to those of the images.
        taken: names of outputs so far, so that none is written twice.
    """

    model: Segmenter
    palette_name: str | None
    attack: NamedAttack
    target: int | None
    seed: int
    out: Path
    save_float: bool = False
    video_suffix: str = LOSSLESS
    frames: int | None = None
    rule: LabelRule | None = None
    default_rule: LabelRule = INDICES_OR_COLOURS
    labels: Path | None = None
    label_suffix: str | None = None
    taken: set[str] = field(default_factory=set)

    @property
    def palette(self) -> Palette:
        """Names and colours; a model may know the number of its classes only after a forward."""
        return palette_of(self.model, self.palette_name)

    def pictures(self, data: Dataset) -> Generator[AttackedSample, None, None]:
        """Attack pictures; writes adversarial/NAME.png and overlays/NAME.png for each."""
        samples = (self._renamed(data[index]) for index in range(len(data)))
        for done in attack_samples(self.model, samples, self.attack, self.seed, self.target):
            name = done.sample.name
            write_bytes(self.out / "adversarial" / f"{name}.png", _png(to_uint8(done.x_8_bit[0])))
            write_bytes(self.out / "overlays" / f"{name}.png", _png(self._panel(done)))
            if self.save_float:
                with replacing(self.out / "adversarial" / f"{name}.npy") as beside:
                    np.save(beside, done.x_adv[0].cpu().numpy())
            yield done

    def video(self, video: Video) -> Generator[AttackedSample, None, None]:
        """Attack the frames of a video; writes adversarial/NAME and overlays/NAME videos."""
        name = f"{self._unused(video.path.stem)}{self.video_suffix}"
        samples = video_samples(video, self.frames)
        with (
            replacing(self.out / "adversarial" / name) as adversarial,
            replacing(self.out / "overlays" / name) as overlays,
            VideoWriter(adversarial, video.fps) as pixels,
            VideoWriter(overlays, video.fps) as drawn,
        ):
            for done in attack_samples(self.model, samples, self.attack, self.seed, self.target):
                pixels.write(to_uint8(done.x_8_bit[0]))
                drawn.write(_even(self._panel(done, whole_legend=True)))
                yield done

    def _renamed(self, sample: Sample) -> Sample:
        return replace(sample, name=self._unused(sample.name))

    def _unused(self, name: str) -> str:
        """`name`, numbered if an input of another folder had it before."""
        unused, number = name, 1
        while unused in self.taken:
            number += 1
            unused = f"{name}-{number}"
        self.taken.add(unused)
        return unused

    def _panel(self, done: AttackedSample, *, whole_legend: bool = False) -> Picture:
        reference = "labels" if done.sample.labels is not None else "clean prediction"
        name = self.attack.name + ROUNDED
        return panel(done.example, self.palette, name, reference, whole_legend=whole_legend)


def attack_files(
    job: FileAttack, inputs: Sequence[Path], model_name: str, scale: float
) -> RobustnessReport:
    """Attack every input and write the report.

    Raises:
        InputError: an input is missing or corrupt, or does not fit the model.
    """
    files, videos = _sorted_inputs(inputs)
    folders = [_opened(job, path, scale) for path in files]
    _check_classes(job, folders, videos)
    runs = [*map(job.pictures, folders), *map(job.video, videos)]
    frames = [min(video.count, job.frames or video.count) for video in videos]
    results: list[BatchResult] = []
    shown: list[Example] = []
    number = 0  # of the image, through all inputs
    with progress_bar() as bar:
        task = bar.add_task(job.attack.name, total=sum(map(len, folders)) + sum(frames))
        for run in runs:
            with closing(run):
                for done in run:
                    if number < PICTURES_ON_PAGE:
                        shown.append(done.example)
                    results += [
                        replace(one.without_pictures(), first=number, indices=None)
                        for one in done.results
                    ]
                    number += 1
                    bar.update(task, advance=1)
    report = RobustnessReport(
        model=model_name,
        data=", ".join(map(str, inputs)),
        reference=reference_of(results),
        results=summarise(results),
        versions=versions(),
        command=shlex.join(["art-segplugin", *sys.argv[1:]]),
        labels=label_facts(results, job.palette, folders[0] if folders else None),
        **class_lists(job.palette),
    )
    if report.reference != "labels":
        errors().print("Images without labels are scored against the model's own clean prediction.")
    if videos and job.video_suffix != LOSSLESS:
        errors().print(f"{job.video_suffix} is lossy: such a video is not for re-evaluation.")
    output().print(scores_table(report))
    print_doubts(report.labels)
    written = write_report(report, shown, job.palette, job.out, overlays=False)
    errors().print(f"wrote adversarial/, overlays/ and {written[-1]}", markup=False)
    return report


def _opened(job: FileAttack, path: Path, scale: float) -> ImageFiles:
    """The images of an input, with their label maps where these are of the model's classes."""
    if job.labels is not None:
        rule = job.rule or job.default_rule
        return PairedFolder(path, job.labels, rule, job.palette, scale, job.label_suffix)
    if job.label_suffix is not None:
        raise InputError("--label-suffix is for the label maps in --labels; give that folder too.")
    data = browse(path, job.palette, scale, job.rule, job.default_rule)
    if data.palette is job.palette:
        return data
    errors().print(data.described, markup=False, highlight=False, soft_wrap=True)
    without = ImageFiles([(image, None) for image, _ in data.pairs], job.palette, scale=scale)
    if job.model.classes is None:
        job.model.validate(without[0].image[None].to(device_of(job.model)))
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
        refuse_void_alone(folder, job.palette.ignore_index)
    chosen = known_palette(job.palette_name)
    if chosen is None:
        return
    if job.model.classes is None:
        first = folders[0][0] if folders else next(video_samples(videos[0], 1))
        job.model.validate(first.image[None].to(device_of(job.model)))
    reported_palette(job.model, chosen, asked=True)


def _sorted_inputs(inputs: Sequence[Path]) -> tuple[list[Path], list[Video]]:
    """Images and folders that hold some, and videos, also those in folders."""
    files: list[Path] = []
    videos: list[Video] = []
    for path in inputs:
        if not path.exists():
            raise InputError(f"{path} does not exist; give images, videos or folders of them.")
        inside = Tree().files(path, (*IMAGE_SUFFIXES, *VIDEO_SUFFIXES)) if path.is_dir() else [path]
        found = [Video(file) for file in inside if file.suffix.lower() in VIDEO_SUFFIXES]
        videos += found
        if not found or any(f.suffix.lower() in IMAGE_SUFFIXES for f in inside):
            files.append(path)
    return files, videos


def _png(picture: Picture) -> bytes:
    data = io.BytesIO()
    Image.fromarray(picture).save(data, "PNG")
    return data.getvalue()


def _even(picture: Picture) -> Picture:
    """Cut to even sides, which most video codecs ask for."""
    return picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
