"""Names of the files of a clip; knows no torch, so that a window can say what would be replaced."""

EXACT_VIDEO = ".mkv"
VIDEOS = (EXACT_VIDEO, ".mp4", ".webm", ".avi")
"""Those of `art_segplugin.data.video.CODECS`."""

UNFINISHED, SETTING = "unfinished-clip", "setting.json"
"""Folder of a clip's images until its files are written, and what says there whose they are."""

FINISHED = ("pictures.mkv", "clip.json", "repro.json")
"""Files that every finished clip has; no other export has all of them."""


def video_name(name: str, suffix: str) -> str:
    """Name of a clip's video, which says where values are lost."""
    return f"{name}{suffix}" if suffix == EXACT_VIDEO else f"{name}.lossy{suffix}"


REPRODUCTION = frozenset({"repro.json", "repro-image.png", "repro-labels.png", "repro-mask.png"})
"""Files of a reproduction, of whatever kind."""

CLIP_FILES = REPRODUCTION.union(
    (
        video_name(name, suffix)
        for name in ("adversarial", "adversarial-b", "side-by-side", "overlay")
        for suffix in VIDEOS
    ),
    {"labels.mkv", "pictures.csv", "classes.csv", *FINISHED},
)
"""All names that a clip gives its files: what lies there is not kept."""
