"""The app's one door to OpenCV: `from art_segplugin_gui._cv2 import cv2`.

opencv-python brings its own Qt 5 and on import points two environment variables of Qt into its
folder. Qt 6 in this process finds its way, child processes that use Qt 5 would not, and where
system libraries are missing the message blames the wrong folder. Its own windows (`imshow` and what
belongs to it) abort a process that runs Qt 6; the app never opens one.
"""

import os
from pathlib import Path

os.environ.setdefault("OPENCV_LOG_LEVEL", "SILENT")  # we say ourselves what is wrong
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
import cv2

__all__ = ["cv2"]

for _name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR"):
    if Path(os.environ.get(_name, "")).is_relative_to(Path(cv2.__file__).parent):
        del os.environ[_name]
