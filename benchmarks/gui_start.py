"""Start the app as a user does, and print the seconds from the process's start to what it paints."""

import json
import os
import sys
import time

import psutil

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


def main():
    from art_segplugin_gui import guard
    from art_segplugin_gui.arguments import parse

    argv = ["--safe-mode", "--size", "1440x900"]
    parse(argv)
    guard.check()
    from PySide6.QtCore import QEvent

    from art_segplugin_gui import app
    from art_segplugin_gui.qt.window import MainWindow

    born = psutil.Process().create_time()
    stamps = {}

    class Stamped(MainWindow):
        def event(self, event):
            done = super().event(event)
            if event.type() == QEvent.Type.UpdateRequest:
                shown, now = self.controller.shown, time.time() - born
                stamps.setdefault("window", now)
                for key, there in (
                    ("picture", shown.frame),
                    ("clean", shown.clean),
                    ("step", shown.step),
                ):
                    if there is not None:
                        stamps.setdefault(key, now)
                if "step" in stamps:
                    stamps["cpu"] = time.process_time()
                    loaded = ("matplotlib", "transformers", "torchvision", "art", "scipy")
                    stamps["loaded"] = [name for name in loaded if name in sys.modules]
                    print(json.dumps(stamps), flush=True)
                    os._exit(0)
            return done

    app.MainWindow = Stamped
    app.main(argv)


if __name__ == "__main__":
    main()
