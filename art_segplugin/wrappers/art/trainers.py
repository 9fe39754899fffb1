"""Adversarial training as ART users import it: one trainer for each method, with its paper's values.

All of them are `AdversarialTrainerSegmentationPyTorch` with an objective chosen; see there for what
is not told here.
"""

from typing import Any

from art_segplugin.wrappers.art.hypersphere import HypersphereMixin
from art_segplugin.wrappers.art.objective_trainer import AdversarialTrainerSegmentationPyTorch
from art_segplugin.wrappers.art.training_checks import usual_step


class AdversarialTrainerSegPGDPyTorch(AdversarialTrainerSegmentationPyTorch):
    """SegPGD-AT (Gu et al., ECCV 2022, arXiv:2207.12391, algorithm 2).

    Args:
        classifier: As everything that is not told here, see the base class.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of a step; None for a third of eps, as in the paper.
        max_iter: Steps of SegPGD; 3 and 7 in the paper.
        half: Attack every other image only, as in the paper.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 0.03,
        eps_step: float | None = None,
        max_iter: int = 3,
        half: bool = True,
        verbose: bool = True,
    ) -> None:
        step = usual_step(eps, eps_step, 3)
        super().__init__(
            classifier,
            "segpgd-at",
            eps=eps,
            eps_step=step,
            max_iter=max_iter,
            half=half,
            verbose=verbose,
        )


class AdversarialTrainerHypersphere(AdversarialTrainerSegmentationPyTorch):
    """What the trainers with hypersphere embedding share (Pang et al., NeurIPS 2020, arXiv:2002.08619).

    Raises:
        TypeError: The estimator has no hypersphere embedding.
    """

    def __init__(self, classifier: Any, objective: str, **options: Any) -> None:
        if not isinstance(classifier, HypersphereMixin):
            raise TypeError(
                f"{type(self).__name__} needs hypersphere embedding and {type(classifier).__name__} "
                "has none; give a PyTorchHypersphereSegmenter or PyTorchHypersphereClassifier."
            )
        super().__init__(classifier, objective, **options)


class AdversarialTrainerHEPGDPyTorch(AdversarialTrainerHypersphere):
    """PGD-AT with hypersphere embedding: arXiv:1706.06083 and arXiv:2002.08619.

    The paper's estimator has scale 15 and margin 0.2.

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of a step; None for a quarter of eps, as in the paper.
        max_iter: Steps of PGD.
        half: Attack every other image only.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        max_iter: int = 10,
        half: bool = False,
        verbose: bool = True,
    ) -> None:
        step = usual_step(eps, eps_step, 4)
        super().__init__(
            classifier,
            "pgd-at",
            eps=eps,
            eps_step=step,
            max_iter=max_iter,
            half=half,
            verbose=verbose,
        )


class AdversarialTrainerHEALPPyTorch(AdversarialTrainerHypersphere):
    """Adversarial logit pairing with hypersphere embedding: arXiv:1803.06373 and arXiv:2002.08619.

    Cosines are paired. The paper's estimator has scale 20 and margin 0.3.

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of a step; None for a quarter of eps, as in the paper.
        max_iter: Steps of PGD.
        beta: Factor of the distance between the cosines of clean and attacked images.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        max_iter: int = 10,
        beta: float = 0.5,
        verbose: bool = True,
    ) -> None:
        step = usual_step(eps, eps_step, 4)
        super().__init__(
            classifier,
            "alp",
            eps=eps,
            eps_step=step,
            max_iter=max_iter,
            weight=beta,
            verbose=verbose,
        )


class AdversarialTrainerHETRADESPyTorch(AdversarialTrainerHypersphere):
    """TRADES with hypersphere embedding: arXiv:1901.08573 and arXiv:2002.08619.

    The divergence is averaged over pixels, so that beta means the same for maps of any size. The
    paper's estimator has scale 15 and margin 0.2.

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of a step; None for a quarter of eps, as in the paper.
        max_iter: Steps of the attack on the divergence.
        beta: Factor of the divergence, 1 / lambda of TRADES.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        max_iter: int = 10,
        beta: float = 6.0,
        verbose: bool = True,
    ) -> None:
        step = usual_step(eps, eps_step, 4)
        super().__init__(
            classifier,
            "trades",
            eps=eps,
            eps_step=step,
            max_iter=max_iter,
            weight=beta,
            verbose=verbose,
        )


class AdversarialTrainerHEFreePyTorch(AdversarialTrainerHypersphere):
    """Free adversarial training with hypersphere embedding: arXiv:1904.12843 and arXiv:2002.08619.

    One backward pass gives the gradients of weights and perturbation, so that the perturbation sees
    the margin, too. The perturbation starts at 0 in each `fit`. `nb_epochs` counts updates: the
    images are gone through nb_epochs / replays times. The paper's estimator has scale 10 and
    margin 0.2 (ImageNet).

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius and step, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        replays: Updates with each batch, m of the paper.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self, classifier: Any, eps: float = 4 / 255, replays: int = 4, verbose: bool = True
    ) -> None:
        super().__init__(classifier, "free-at", eps=eps, replays=replays, verbose=verbose)


class AdversarialTrainerHEFastPyTorch(AdversarialTrainerHypersphere):
    """Fast adversarial training with hypersphere embedding: arXiv:2001.03994 and arXiv:2002.08619.

    One step from a random start. Watch the accuracy under PGD: long trainings can lose it at once
    (catastrophic overfitting).

    Args:
        classifier: A `PyTorchHypersphereSegmenter` or `PyTorchHypersphereClassifier`.
        eps: Radius, L-inf, in the unit of the images; that of the paper for images in [0, 1].
        eps_step: Length of the step; None for 1.25 times eps, as in the paper.
        verbose: Show a progress bar over the epochs.
    """

    def __init__(
        self,
        classifier: Any,
        eps: float = 8 / 255,
        eps_step: float | None = None,
        verbose: bool = True,
    ) -> None:
        super().__init__(classifier, "fast-at", eps=eps, eps_step=eps_step, verbose=verbose)


ALL = (
    AdversarialTrainerSegmentationPyTorch,
    AdversarialTrainerSegPGDPyTorch,
    AdversarialTrainerHEPGDPyTorch,
    AdversarialTrainerHEALPPyTorch,
    AdversarialTrainerHETRADESPyTorch,
    AdversarialTrainerHEFreePyTorch,
    AdversarialTrainerHEFastPyTorch,
)
"""What `register` makes importable from `art.defences.trainer`."""
