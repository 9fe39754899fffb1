"""A folder for the monkey to play in; to be imported before Qt and the app.

Nothing of the user's is read or written.
"""

import os
import tempfile
from pathlib import Path

HOME = Path(tempfile.mkdtemp(prefix="monkey-"))
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME", "LOCALAPPDATA", "APPDATA"):
    os.environ[name] = str(HOME)
