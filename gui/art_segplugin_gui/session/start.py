"""Starts the engine; the one module that a window's thread must not import, for it loads torch."""

import os

import torch

from art_segplugin.models import shipped
from art_segplugin_gui.session.attack_forms import attack_forms
from art_segplugin_gui.session.engine import Engine
from art_segplugin_gui.session.ready import Ready


def start_engine(threads: int | None = None, device: str | None = None) -> tuple[Engine, Ready]:
    """The engine, and what there is to choose from.

    Args:
        threads: of torch; by default one core is left to the window.
        device: where models run; by default the graphics card if there is one.
    """
    torch.set_num_threads(threads or max((os.cpu_count() or 2) - 1, 1))
    name = device or ("cuda" if torch.cuda.is_available() else "cpu")
    ready = Ready(attack_forms(), tuple(shipped()), name, torch.get_num_threads())
    return Engine(name), ready
