import os
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before anything makes a QApplication

import pytest
import torch

try:
    from PySide6.QtCore import QSettings
    from PySide6.QtWidgets import QApplication  # needs system libraries as well

    NO_QT = None
except ImportError as error:
    NO_QT = f"the tests of the app need PySide6: {error}"

HERE = Path(__file__).parent


class _Unusable(pytest.Module):
    def collect(self):
        pytest.skip(NO_QT, allow_module_level=True)


def pytest_pycollect_makemodule(module_path, parent):
    if NO_QT and module_path.is_relative_to(HERE):
        return _Unusable.from_parent(parent, path=module_path)
    return None


@pytest.fixture(scope="session", autouse=True)
def one_thread_of_torch():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(autouse=True)
def nothing_of_the_users(tmp_path, monkeypatch):
    """Settings and logs go to a folder of the test."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "state"))
    QSettings.setDefaultFormat(QSettings.Format.IniFormat)
    for scope in (QSettings.Scope.UserScope, QSettings.Scope.SystemScope):
        QSettings.setPath(QSettings.Format.IniFormat, scope, str(tmp_path / "settings"))


@pytest.fixture(scope="session")
def qapp_cls():
    return QApplication
