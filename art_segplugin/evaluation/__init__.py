"""Attack whole data sets and score what is left."""

from art_segplugin.evaluation.batch_result import BatchResult
from art_segplugin.evaluation.diagnosis import ModelCounts, attack_counts, diagnose
from art_segplugin.evaluation.diagnosis_report import DiagnosisReport
from art_segplugin.evaluation.regions import Regions
from art_segplugin.evaluation.result import AttackResult, Example, ImageScore, RobustnessReport
from art_segplugin.evaluation.runner import evaluate, predict
from art_segplugin.evaluation.store import ResultStore
from art_segplugin.evaluation.summary import examples, summarise

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
