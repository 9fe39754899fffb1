"""The attacks of `art_segplugin.attacks` as ART users import them: arrays in, arrays out.

There is one class for each `AttackSpec` with a `class_name`, with the parameters of ART's PGD and the
attack's own; the last lines make them. What type checkers read is `attacks.pyi`.
"""

import inspect
from typing import Any, ClassVar

import numpy as np
import torch
from art.attacks.attack import EvasionAttack
from art.estimators.classification import PyTorchClassifier
from art.estimators.estimator import BaseEstimator, LossGradientsMixin
from art.summary_writer import SummaryWriter, SummaryWriterDefault
from tqdm.auto import trange

from art_segplugin.attacks import ATTACKS, AttackSpec
from art_segplugin.attacks.common import ORDER, default_step_size
from art_segplugin.core.checks import check_unit, warn_of_scale
from art_segplugin.core.iterate import (
    Attack,
    FittedAttack,
    Iterate,
    fitted,
    warn_without_gradient,
)
from art_segplugin.core.types import Images, Labels, PerImageMask, PixelMask
from art_segplugin.docstrings import arguments, described
from art_segplugin.errors import InputError, renamed
from art_segplugin.models.outputs import check_outputs, no_predictions
from art_segplugin.wrappers.art.arrays import (
    Data,
    Same,
    check_array,
    check_channels,
    check_images,
    float_copy,
    from_images,
    to_array,
    to_images,
)
from art_segplugin.wrappers.art.estimator import SegmenterMixin
from art_segplugin.wrappers.art.estimator_view import EstimatorView, view_of
from art_segplugin.wrappers.art.labels import warn_of_void
from art_segplugin.wrappers.art.masks import pixel_mask
from art_segplugin.wrappers.art.parameters import restored_on_error
from art_segplugin.wrappers.art.sizes import (
    Size,
    check_in_clip_values,
    of_batch,
    per_image_size,
    pixel_bounds,
    shrunk_at_random,
    whole_number,
)

RENAMED = {"step_size": "eps_step", "steps": "max_iter"}
"""Parameters that ART calls otherwise."""


_CHECKED = 32
"""Images of a classifier whose outputs are looked at before the attack; of a segmenter one will do."""


class FactoryAttack(EvasionAttack):
    """What the attacks on segmenters and classifiers share; a subclass has the `AttackSpec`.

    The perturbations of a batch are those of the attack's factory, bit for bit. What is increased is
    the attack's own loss, whatever the loss of the estimator. An attack that has to be fitted is
    fitted to the images that `generate` is given.

    Args:
        estimator: a segmenter, such as `PyTorchSegmenter`, or ART's `PyTorchClassifier`, to which one
            label per image is one pixel: pixel accuracy is then 1 while the label is predicted, else 0.
        norm: 1, 2, np.inf or "inf".
        eps: radius, in the unit of the images: a number, or an array with one per image.
        eps_step: length of the first step in the norm, and of all where the schedule is "constant"; a
            number or an array, as eps. None for twice eps where it falls, in Linf at most the range
            of the images, else for a quarter of eps, in Linf at most 2/255 of that range.
        decay: momentum (MI-FGSM, arXiv:1710.06081); None for none.
        max_iter: steps of one restart.
        targeted: labels are what the adversary wants.
        num_random_init: 0 to start at the image; k for k random starts, of which the one with the
            lowest pixel accuracy (the highest share of pixels on target, if targeted) wins.
        batch_size: images attacked together.
        random_eps: draw the radius anew in each `generate`, from the normal distribution of standard
            deviation eps/2 cut to [0, eps]; steps shrink alike (arXiv:1611.01236).
        summary_writer: False, True (a folder in runs/), a folder or a `SummaryWriter`: TensorBoard
            curves of the losses and of the norms of the estimator's loss gradient, which cost a
            forward pass and a gradient at each point.
        verbose: show a progress bar over the batches.
        step_schedule: "constant", or "cosine" or "linear" for steps that fall to 0 over the run.

    Raises:
        TypeError: a parameter of a wrong type.
        ValueError: a parameter outside its range.
    """

    spec: ClassVar[AttackSpec]
    attack_params: ClassVar[list[str]] = list(EvasionAttack.attack_params)
    _estimator_requirements = (
        BaseEstimator,
        LossGradientsMixin,
        (SegmenterMixin, PyTorchClassifier),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        given = inspect.signature(type(self)).bind(*args, **kwargs)
        given.apply_defaults()
        values = dict(given.arguments)
        super().__init__(
            estimator=values.pop("estimator"), summary_writer=values.pop("summary_writer")
        )
        for name, value in values.items():
            setattr(self, name, value)
        self._check_params()

    def build(self, eps: Any, eps_step: Any) -> Attack | FittedAttack:
        """The attack on a batch, given its radius and step size: one number each, or (n,).

        Args:
            eps: radius; not used by an attack without one.
            eps_step: step size; likewise.
        """
        values: dict[str, Any] = {
            "eps": eps,
            "step_size": eps_step,
            "random_start": self.num_random_init > 0,
            "restarts": max(self.num_random_init, 1),
            "ignore_index": self._view.ignore_index,
            "bounds": pixel_bounds(self.estimator.clip_values),
        }
        options = {
            name: values[name] if name in values else getattr(self, RENAMED.get(name, name))
            for name in self.spec.class_parameters
        }
        assert self.spec.wrapped is not None
        with renamed(RENAMED):
            made: Attack | FittedAttack = self.spec.wrapped(**options)
        return made

    @property
    def summary_writer(self) -> SummaryWriter | None:
        """Where the curves go; set a folder, True, False (or None) or a writer."""
        return self._summary_writer

    @summary_writer.setter
    def summary_writer(self, value: Any) -> None:
        self._summary_writer_arg = False if value is None else value
        if not isinstance(value, SummaryWriter):
            value = SummaryWriterDefault(value) if value else None
        self._summary_writer = value

    def set_params(self, **kwargs: Any) -> None:
        """Set parameters of the constructor, all of them or none.

        Args:
            **kwargs: their new values.

        Raises:
            ValueError: there is no such parameter.
            TypeError, InputError: as in the constructor.
        """
        with restored_on_error(self):
            super().set_params(**kwargs)

    def generate(
        self,
        x: Same,
        y: Data | None = None,
        mask: Data | None = None,
        generator: torch.Generator | None = None,
        **kwargs: Any,
    ) -> Same:
        """Adversarial images: float32 array of the shape of `x`, or a tensor if `x` is one.

        Args:
            x: images, in the layout and range of the estimator.
            y: labels in any form that the estimator takes, the wanted ones if targeted; None for
                what the model predicts on `x`. For a classifier (n,) class indices, or one-hot
                labels (n, nb_classes).
            mask: nonzero where pixels may be changed, see `pixel_mask`; None for everywhere.
            generator: source of the random draws, on the device of the estimator; None for torch's
                own, which `torch.manual_seed` seeds.
            **kwargs: taken for ART's sake, without effect.

        Raises:
            InputError: no labels for a targeted attack, images outside the `clip_values` of the
                estimator, arguments that do not fit together, or a model that returns NaN.
        """
        estimator, layout = self.estimator, {"channels_first": self.estimator.channels_first}
        check_images(x, **layout)
        if isinstance(x, torch.Tensor):
            x = x.detach()
        if isinstance(estimator, SegmenterMixin):
            check_channels(x, estimator.input_shape, **layout)
        if y is None and self.targeted:
            raise InputError("the attack is targeted and y is None; give the wanted labels.")
        if y is not None:
            check_array("y", y)
        if y is not None and len(y) != len(x):
            raise InputError(
                f"there are labels for {len(y)} images and {len(x)} images; give one each."
            )
        check_in_clip_values(x, estimator.clip_values)
        bounds = pixel_bounds(estimator.clip_values)
        warn_of_scale(x, bounds, "the estimator's clip_values")
        if y is not None and isinstance(estimator, SegmenterMixin):
            void = estimator.ignore_index
            warn_of_void(y, nb_classes=estimator.nb_classes, ignore_index=void)
        allowed = None if mask is None else pixel_mask(mask, x, **layout)
        eps, eps_step = (
            per_image_size(name, getattr(self, name, 0.0), len(x)) for name in ("eps", "eps_step")
        )
        if getattr(self, "random_eps", False):
            if eps_step is None:
                schedule = getattr(self, "step_schedule", "constant")
                eps_step = default_step_size(eps, self.norm, bounds, schedule)
            eps, eps_step = shrunk_at_random(eps, eps_step, generator)
        result = float_copy(x)
        starts = range(0, len(x), self.batch_size)
        slices = [slice(start, start + self.batch_size) for start in starts]
        learned: Attack | None = None
        hidden: list[PerImageMask] = []
        first = (
            self.build(of_batch(eps, slices[0]), of_batch(eps_step, slices[0])) if slices else None
        )
        if isinstance(first, FittedAttack):
            batches = [self._batch(x, y, rows) for rows in slices]
            learned = fitted(first, self._view, batches, generator)
        for batch_id in trange(len(slices), desc=type(self).__name__, disable=not self.verbose):
            rows = slices[batch_id]
            images, labels = self._batch(x, y, rows)
            if batch_id == 0:
                self._check_outputs(images, labels, known=y is not None and not self.targeted)
            attack = learned or self.build(of_batch(eps, rows), of_batch(eps_step, rows))
            assert isinstance(attack, Attack)
            pixels = None if allowed is None else allowed[rows].to(estimator.device)
            last = self._run(batch_id, attack, images, labels, pixels, generator)
            result[rows] = from_images(last.best, x, **layout)
            if last.without_gradient is not None:
                hidden.append(last.without_gradient)
        if hidden:  # once, of all batches
            warn_without_gradient(torch.cat(hidden))
        if self.summary_writer is not None:
            self.summary_writer.reset()
        return result

    def _batch(self, x: Data, y: Data | None, rows: slice) -> tuple[Images, Labels]:
        estimator, view = self.estimator, self._view
        images = to_images(x[rows], estimator.device, channels_first=estimator.channels_first)
        return images, _predicted(view, images) if y is None else view.labels(y[rows], images)

    def _check_outputs(self, images: Images, labels: Labels, *, known: bool) -> None:
        few = _CHECKED if labels.shape[1:] == (1, 1) else 1
        with torch.no_grad():
            logits = self._view.logits(images[:few])
        check_outputs(logits, no_predictions(logits, labels[:few] if known else None))

    def _run(
        self,
        batch_id: int,
        attack: Attack,
        images: Images,
        labels: Labels,
        mask: PixelMask | None,
        generator: torch.Generator | None,
    ) -> Iterate:
        """The last point of the attack, whose warnings `generate` gives once for all batches."""
        writer = self.summary_writer
        options = {"mask": mask, "generator": generator, "final_forward": writer is not None}
        options["keep_logits"] = False
        for iterate in attack.iterates(self._view, images, labels, **options):
            if writer is not None:
                self._write(writer, batch_id, iterate, labels, attack.steps)
        return iterate

    def _write(
        self, writer: SummaryWriter, batch_id: int, iterate: Iterate, labels: Labels, steps: int
    ) -> None:
        estimator, view = self.estimator, self._view
        x_adv = iterate.x_adv if estimator.channels_first else iterate.x_adv.permute(0, 2, 3, 1)
        x, y = to_array(x_adv), view.for_art(labels)
        with view.undisturbed():
            gradient = estimator.loss_gradient(x, y)
            writer.update(
                batch_id=batch_id,
                global_step=iterate.restart * (steps + 1) + iterate.step,
                grad=-gradient if self.targeted else gradient,
                estimator=estimator,
                x=x,
                y=y,
                targeted=self.targeted,
            )

    @property
    def _view(self) -> EstimatorView:
        return view_of(self.estimator)

    def _check_params(self) -> None:
        super()._check_params()
        known = self.spec.class_parameters
        if "step_size" in known and self.eps_step is not None:
            self._check_steps(self.eps, self.eps_step)
        if "steps" in known:
            self.max_iter = whole_number("max_iter", self.max_iter, least=1)
        if "eps" in known:
            self._check_eps(self.eps)
        if not isinstance(self.targeted, bool):
            raise InputError(f"targeted is {self.targeted!r}; give True or False.")
        self.num_random_init = whole_number("num_random_init", self.num_random_init, least=0)
        self.batch_size = whole_number("batch_size", self.batch_size, least=1)
        if not isinstance(self.verbose, bool):
            raise InputError(f"verbose is {self.verbose!r}; give True or False.")
        built = self.build(0.0, 0.0)  # the core refuses other norms and the attack's own parameters
        bounds, norm = pixel_bounds(self.estimator.clip_values), built.threat_model.p
        for name, own in (("eps", "eps"), ("eps_step", "step_size")):
            if own in known:
                check_unit(name, getattr(self, name), bounds, norm, "the estimator's clip_values")

    @staticmethod
    def _check_steps(eps: Size, eps_step: Size) -> None:
        arrays = [isinstance(size, np.ndarray) for size in (eps, eps_step)]
        if not (all(arrays) or (isinstance(eps_step, int | float) and not any(arrays))):
            raise TypeError(
                f"eps is a {type(eps).__name__} and eps_step a {type(eps_step).__name__}; "
                "give two numbers (int or float) or two arrays."
            )
        if np.shape(eps) != np.shape(eps_step):
            raise InputError(
                f"eps has shape {np.shape(eps)} and eps_step {np.shape(eps_step)}; "
                "give the same number of values."
            )
        if not np.all(np.greater(eps_step, 0) & np.isfinite(eps_step)):
            raise InputError(f"eps_step is {eps_step}; give a finite number > 0.")

    @staticmethod
    def _check_eps(eps: Size) -> None:
        if not isinstance(eps, int | float | np.ndarray):
            raise TypeError(f"eps is a {type(eps).__name__}; give an int, float or ndarray.")
        if not np.all(np.greater_equal(eps, 0) & np.isfinite(eps)):
            raise InputError(f"eps is {eps}; give a finite number >= 0.")


RecipeAttack = FactoryAttack
"""The name until version 0.1."""


@torch.no_grad()
def _predicted(view: EstimatorView, images: Images) -> Labels:
    labels: Labels = view.logits(images).argmax(1)
    return labels


def signature_of(spec: AttackSpec) -> inspect.Signature:
    """The parameters of an attack's class: those of ART's PGD that it has, then its own."""
    known = spec.class_parameters
    starts = 1 if "random_start" in known and known["random_start"].default else 0
    defaults = {RENAMED.get(name, name): parameter.default for name, parameter in known.items()}
    shared: dict[str, tuple[Any, Any]] = {
        "norm": (float | str, np.inf),
        "eps": (Size, defaults.get("eps")),
        "eps_step": (Size | None, defaults.get("eps_step")),
        "decay": (float | None, defaults.get("decay")),
        "max_iter": (int, defaults.get("max_iter")),
        "targeted": (bool, False),
        "num_random_init": (int, starts),
        "batch_size": (int, 32),
        "random_eps": (bool, False),
        "summary_writer": (str | bool | SummaryWriter, False),
        "verbose": (bool, True),
        "step_schedule": (str, defaults.get("step_schedule")),
    }
    always = {"targeted", "num_random_init", "batch_size", "summary_writer", "verbose"}
    wanted = always | set(defaults) | ({"random_eps"} if "eps" in known else set())
    keyword = inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature(
        [
            inspect.Parameter("estimator", keyword, annotation=Any),
            *(
                inspect.Parameter(name, keyword, default=default, annotation=annotation)
                for name, (annotation, default) in shared.items()
                if name in wanted
            ),
            *(parameter for name, parameter in known.items() if name not in ORDER),
        ]
    )


def class_of(spec: AttackSpec, module: str) -> type[FactoryAttack]:
    """The class of an attack.

    Args:
        spec: of the attack.
        module: where the class is to be found by its name, for pickle.
    """
    signature, explained = signature_of(spec), arguments(FactoryAttack.__doc__)
    assert spec.wrapped is not None
    explained |= {
        name: text for name, text in arguments(spec.wrapped.__doc__).items() if name not in ORDER
    }
    documented = described({name: explained[name] for name in signature.parameters})
    attributes = {
        "__module__": module,
        "__doc__": f"{spec.summary}\n\n    {spec.paper}\n\n{documented}\n    ",
        "__signature__": signature,
        "spec": spec,
        "attack_params": [
            *FactoryAttack.attack_params,
            *(name for name in signature.parameters if name != "estimator"),
        ],
    }
    if "steps" not in spec.class_parameters and "eps" in spec.class_parameters:
        attributes["eps_step"] = property(
            lambda self: self.eps, doc="The one step is as long as the radius."
        )
    assert spec.class_name is not None
    return type(FactoryAttack)(spec.class_name, (FactoryAttack,), attributes)


CLASSES = {
    spec.class_name: class_of(spec, __name__) for spec in ATTACKS.values() if spec.class_name
}
"""The attacks' classes by name, which are in this module by these names too."""
globals().update(CLASSES)

__all__ = [*CLASSES]
