"""Attack images, data sets and clips, and score what the model says of them."""

from art_segplugin.evaluation.dataset import ResultStore, evaluate, predict
from art_segplugin.evaluation.diagnosis import ModelCounts, attack_counts, diagnose
from art_segplugin.evaluation.diagnosis_report import DiagnosisReport
from art_segplugin.evaluation.regions import Regions
from art_segplugin.evaluation.result import (
    AttackResult,
    BatchResult,
    Example,
    ImageScore,
    RobustnessReport,
    examples,
    summarise,
)

__all__ = [
    "AttackResult",
    "BatchResult",
    "DiagnosisReport",
    "Example",
    "ImageScore",
    "ModelCounts",
    "Regions",
    "ResultStore",
    "RobustnessReport",
    "attack_counts",
    "diagnose",
    "evaluate",
    "examples",
    "predict",
    "summarise",
]
