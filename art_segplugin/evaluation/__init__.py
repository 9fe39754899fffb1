"""Attack whole data sets and score what is left."""

from art_segplugin.evaluation.batch_result import BatchResult
from art_segplugin.evaluation.result import AttackResult, Example, ImageScore, RobustnessReport
from art_segplugin.evaluation.runner import evaluate, predict
from art_segplugin.evaluation.store import ResultStore
from art_segplugin.evaluation.summary import examples, summarise

__all__ = [
    "AttackResult",
    "BatchResult",
    "Example",
    "ImageScore",
    "ResultStore",
    "RobustnessReport",
    "evaluate",
    "examples",
    "predict",
    "summarise",
]
