"""Import paths of earlier versions: each gives the module of today, with a deprecation warning."""

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType

MOVED: dict[str, str] = {
    "art_segplugin.data.video_reader": "art_segplugin.data.video",
    "art_segplugin.data.camvid": "art_segplugin.data.folders",
    "art_segplugin.data.catalog": "art_segplugin.data.datasets",
    "art_segplugin.data.class_files": "art_segplugin.data.class_folder",
    "art_segplugin.data.folder": "art_segplugin.data.folders",
    "art_segplugin.data.pictures": "art_segplugin.data.images",
    "art_segplugin.data.scenes.batches": "art_segplugin.scenes.renderer_gl",
    "art_segplugin.data.scenes.camera": "art_segplugin.scenes.camera",
    "art_segplugin.data.scenes.contact": "art_segplugin.scenes.contact",
    "art_segplugin.data.scenes.dataset": "art_segplugin.data.scenes",
    "art_segplugin.data.scenes.drive": "art_segplugin.data.scenes",
    "art_segplugin.data.scenes.ground": "art_segplugin.scenes.ground",
    "art_segplugin.data.scenes.layout": "art_segplugin.scenes.layout",
    "art_segplugin.data.scenes.meshes": "art_segplugin.scenes.meshes",
    "art_segplugin.data.scenes.noise": "art_segplugin.scenes.noise",
    "art_segplugin.data.scenes.plan": "art_segplugin.scenes.plan",
    "art_segplugin.data.scenes.primitives": "art_segplugin.scenes.primitives",
    "art_segplugin.data.scenes.random_textures": "art_segplugin.scenes.random_textures",
    "art_segplugin.data.scenes.raycaster": "art_segplugin.scenes.raycaster",
    "art_segplugin.data.scenes.renderer_gl": "art_segplugin.scenes.renderer_gl",
    "art_segplugin.data.scenes.rendering": "art_segplugin.scenes.rendering",
    "art_segplugin.data.scenes.scene": "art_segplugin.scenes.scene",
    "art_segplugin.data.scenes.sensor": "art_segplugin.scenes.rendering",
    "art_segplugin.data.scenes.shading": "art_segplugin.scenes.raycaster",
    "art_segplugin.data.scenes.site": "art_segplugin.scenes.layout",
    "art_segplugin.data.scenes.things": "art_segplugin.scenes.objects",
    "art_segplugin.data.scenes.visibility": "art_segplugin.scenes.camera",
    "art_segplugin.data.scenes.weather": "art_segplugin.scenes.layout",
    "art_segplugin.evaluation.attack_plan": "art_segplugin.evaluation.pipeline",
    "art_segplugin.evaluation.batch_result": "art_segplugin.evaluation.result",
    "art_segplugin.evaluation.batches": "art_segplugin.evaluation.dataset",
    "art_segplugin.evaluation.clip_reproduction": "art_segplugin.evaluation.clip",
    "art_segplugin.evaluation.comparison": "art_segplugin.evaluation.diagnosis",
    "art_segplugin.evaluation.goal": "art_segplugin.evaluation.pipeline",
    "art_segplugin.evaluation.media": "art_segplugin.evaluation.dataset",
    "art_segplugin.evaluation.objects": "art_segplugin.evaluation.regions",
    "art_segplugin.evaluation.picture": "art_segplugin.evaluation.pipeline",
    "art_segplugin.evaluation.quantise": "art_segplugin.evaluation.pipeline",
    "art_segplugin.evaluation.runner": "art_segplugin.evaluation.dataset",
    "art_segplugin.evaluation.store": "art_segplugin.evaluation.dataset",
    "art_segplugin.evaluation.summary": "art_segplugin.evaluation.result",
    "art_segplugin.evaluation.json_tree": "art_segplugin.evaluation.documents",
    "art_segplugin.evaluation.numbers": "art_segplugin.evaluation.scores",
    "art_segplugin.evaluation.replay_clip": "art_segplugin.evaluation.clip",
    "art_segplugin.evaluation.reproduce": "art_segplugin.evaluation.repro",
    "art_segplugin.evaluation.reproduction": "art_segplugin.evaluation.repro",
    "art_segplugin.heads.check": "art_segplugin.heads.last_layer",
    "art_segplugin.heads.margins": "art_segplugin.heads.hypersphere",
    "art_segplugin.metrics.scores": "art_segplugin.metrics.class_scores",
    "art_segplugin.models.class_outputs": "art_segplugin.models.outputs",
    "art_segplugin.models.output_checks": "art_segplugin.models.outputs",
    "art_segplugin.report.csv_files": "art_segplugin.report.tables",
    "art_segplugin.report.diagnosis_csv": "art_segplugin.report.diagnosis_tables",
    "art_segplugin.report.diagnosis_figures": "art_segplugin.report.plots",
    "art_segplugin.report.diagnosis_html": "art_segplugin.report.write_diagnosis",
    "art_segplugin.report.diagnosis_words": "art_segplugin.report.diagnosis_tables",
    "art_segplugin.report.figures": "art_segplugin.report.plots",
    "art_segplugin.report.html": "art_segplugin.report.write",
    "art_segplugin.report.lettering": "art_segplugin.report.panel",
    "art_segplugin.report.model_tables": "art_segplugin.report.diagnosis_tables",
    "art_segplugin.report.overlays": "art_segplugin.report.panel",
    "art_segplugin.report.sheet": "art_segplugin.report.tables",
    "art_segplugin.report.tiles": "art_segplugin.report.panel",
    "art_segplugin.report.training_figures": "art_segplugin.report.plots",
    "art_segplugin.report.training_tables": "art_segplugin.report.write_training",
    "art_segplugin.report.training_write": "art_segplugin.report.write_training",
    "art_segplugin.training.cache": "art_segplugin.training.batches",
    "art_segplugin.training.class_robustness": "art_segplugin.training.class_weights",
    "art_segplugin.training.cross_entropy": "art_segplugin.training.objective",
    "art_segplugin.training.ordered_batches": "art_segplugin.training.batches",
    "art_segplugin.training.randomness": "art_segplugin.training.batches",
    "art_segplugin.training.schedules": "art_segplugin.training.options",
    "art_segplugin.training.state": "art_segplugin.training.trainer",
    "art_segplugin.training.supervised": "art_segplugin.training.objective",
    "art_segplugin.training.validation": "art_segplugin.training.trainer",
    "art_segplugin.wrappers.art.activations": "art_segplugin.interpret.hooks",
    "art_segplugin.wrappers.art.classifier_view": "art_segplugin.wrappers.art.estimator_view",
    "art_segplugin.wrappers.art.hypersphere_classifier": "art_segplugin.wrappers.art.hypersphere",
    "art_segplugin.wrappers.art.hypersphere_segmenter": "art_segplugin.wrappers.art.hypersphere",
    "art_segplugin.wrappers.art.objective_trainer": "art_segplugin.wrappers.art.trainers",
    "art_segplugin.wrappers.art.pytorch_segmenter": "art_segplugin.wrappers.art.estimator",
    "art_segplugin.wrappers.art.queries": "art_segplugin.wrappers.art.estimator",
    "art_segplugin.wrappers.art.segmenter_mixin": "art_segplugin.wrappers.art.estimator",
    "art_segplugin.wrappers.art.training": "art_segplugin.wrappers.art.estimator",
    "art_segplugin.wrappers.art.training_checks": "art_segplugin.wrappers.art.trainers",
    "art_segplugin.wrappers.art.training_data": "art_segplugin.wrappers.art.trainers",
    "art_segplugin.wrappers.torchattacks.targets": "art_segplugin.wrappers.torchattacks.mixin",
    "art_segplugin.wrappers.art.evasion": "art_segplugin.wrappers.art.attacks",
    "art_segplugin.wrappers.art.recipe_attack": "art_segplugin.wrappers.art.attacks",
    "art_segplugin.wrappers.temperatures": "art_segplugin.attacks.temperature_pgd",
}
"""Dotted name until 0.1 -> dotted name now. Modules below a package that moved as a whole follow it."""


class _MovedFinder(MetaPathFinder, Loader):
    """Finds what is nowhere else, so it must come after all other finders."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """A spec for a name that moved, None for any other."""
        if moved_to(name) is None:
            return None
        return spec_from_loader(name, self, is_package=True)

    def exec_module(self, module: ModuleType) -> None:
        """Let the old name give whatever the new one has."""
        old = module.__name__
        new = moved_to(old)
        assert new is not None, "found by find_spec"
        warnings.warn(
            f"{old} is now {new}; the old name will be removed.", DeprecationWarning, stacklevel=2
        )
        found = import_module(new)
        vars(module)["__getattr__"] = lambda name: getattr(found, name)
        vars(module)["__dir__"] = lambda: dir(found)
        vars(module)["__doc__"] = found.__doc__
        if hasattr(found, "__all__"):
            vars(module)["__all__"] = found.__all__


def moved_to(name: str) -> str | None:
    """Today's name of a module, None if it never moved."""
    package, below = name, ""
    while package not in MOVED:
        package, dot, last = package.rpartition(".")
        if not dot:
            return None
        below = f".{last}{below}"
    return MOVED[package] + below


def install() -> None:
    """Find moved modules from now on."""
    if not any(isinstance(finder, _MovedFinder) for finder in sys.meta_path):
        sys.meta_path.append(_MovedFinder())
