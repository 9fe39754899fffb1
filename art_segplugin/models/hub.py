"""Models of torch.hub: ``hub:owner/repo:entry``, or ``hub:folder:entry`` for a folder with a hubconf.py.

This runs the code of that repository, with all it may do: give only code you trust.
"""

from pathlib import Path

import torch

from art_segplugin.errors import InputError
from art_segplugin.models.factory import built
from art_segplugin.models.segmenter import Segmenter


def load(name: str) -> Segmenter:
    """Call an entry of a ``hubconf.py`` without arguments.

    Entries differ in their defaults: torchvision's, for one, have random weights unless told
    otherwise. To pass arguments, or to say how images are normalised, call ``torch.hub.load`` in a
    function of your own and give ``file.py:function``.

    Args:
        name: Folder with a ``hubconf.py``, or ``owner/repo`` or ``owner/repo:tag`` of GitHub, which is
            downloaded once and kept by torch; a colon; and the name of the entry. The entry returns a
            Segmenter, or a module that takes RGB images in [0, 1].

    Returns:
        The model in eval mode.

    Raises:
        InputError: There is no such folder, repository or entry, or it does not give a model.
    """
    source, _, entry = name.rpartition(":")
    local = Path(source).is_dir()
    if not source or not entry or (not local and source.partition(":")[0].count("/") != 1):
        raise InputError(
            f"hub:{name} is no folder or GitHub repository with an entry; expected hub:FOLDER:ENTRY or "
            "hub:OWNER/REPO:ENTRY."
        )
    if local and not (Path(source) / "hubconf.py").is_file():
        raise InputError(f"{source} has no hubconf.py, in which torch.hub looks for {entry!r}.")
    return built(
        f"hub:{name}",
        lambda: torch.hub.load(  # type: ignore[no-untyped-call]
            source,
            entry,
            source="local" if local else "github",
            trust_repo=True,  # who names it has been asked, as for a function of their own
            verbose=False,
        ),
    )
