import pytest
from PySide6.QtCore import Qt

from art_segplugin_gui.qt.docks.source import SourcePanel, source_title
from art_segplugin_gui.session.state import Source

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def panel(qtbot):
    paths = {"image": "/data/a.png", "video": "/data/b.mp4", "folder": "", "asked": []}

    def choose(kind):
        paths["asked"].append(kind)
        return paths[kind]

    panel = SourcePanel(choose)
    qtbot.addWidget(panel)
    panel.asked = paths["asked"]
    panel.show_count(50)
    panel.resize(300, 260)
    panel.show()
    panel.seen = []
    panel.source_changed.connect(panel.seen.append)
    return panel


def entry(menu, text):
    return next(action for action in menu.actions() if action.text().startswith(text))


def test_how_labels_were_read_is_shown(panel):
    assert not panel.labels.isVisible()
    panel.show_labels("Labels: class indices; 255 void. 3.0 % void, 2 classes.")
    assert panel.labels.isVisible()
    assert "255 void" in panel.labels.said
    panel.show_labels("")
    assert not panel.labels.isVisible()


def test_showing_is_silent(panel):
    source = Source("/data/drive.mp4", 4, 2, 30, loop=False, longest_side=None)
    panel.show_source(source)
    panel.show_count(40)
    assert panel.source == source
    assert panel.name.said == "drive.mp4"
    assert (panel.index.value(), panel.first.value(), panel.last.value()) == (5, 3, 31)
    assert panel.count.text() == "of 40"
    assert panel.size_combo.currentText() == "full size"
    assert not panel.loop.isChecked()
    assert panel.seen == []


def test_the_menu_opens_what_it_says(panel):
    panel.show_source(Source("x.png", 3, loop=False, longest_side=960))
    for text in ("Open image", "Open video", "Open folder", "Rendered scenes", "Rendered drive"):
        entry(panel.menu, text).trigger()
    assert panel.asked == ["image", "video", "folder"]
    assert [one.spec for one in panel.seen] == [
        "/data/a.png", "/data/b.mp4", "scenes:test", "drive:0",
    ]  # fmt: skip
    assert all((one.index, one.loop, one.longest_side) == (0, False, 960) for one in panel.seen)


def test_the_camera_says_why_there_is_none(panel):
    camera = entry(panel.menu, "Camera")
    panel.set_camera_reason("none found")
    assert (camera.text(), camera.isEnabled()) == ("Camera (none found)", False)
    panel.set_camera_reason("")
    assert (camera.text(), camera.isEnabled()) == ("Camera", True)
    camera.trigger()
    assert panel.seen[-1].spec == "camera:0"


def test_recent_ones(panel):
    assert not panel.recent.isEnabled()
    paths = ["/data/a & b.png", "/data/" + "long" * 30 + ".mp4"]
    panel.set_recent(paths)
    first, second = panel.recent.actions()
    assert first.text() == "a && b.png  (data)"
    assert len(second.text()) <= 50
    assert second.toolTip() == paths[1]
    second.trigger()
    assert panel.seen == [Source(paths[1])]


def test_going_on_and_back_stops_at_the_ends_without_loop(panel, qtbot):
    panel.show_source(Source(loop=False))
    assert not panel.previous.isEnabled()
    qtbot.mouseClick(panel.next, LEFT)
    qtbot.mouseClick(panel.next, LEFT)
    qtbot.mouseClick(panel.previous, LEFT)
    assert [one.index for one in panel.seen] == [1, 2, 1]
    panel.go(1000)
    assert panel.seen[-1].index == 49
    assert not panel.next.isEnabled()
    panel.go(1)
    assert len(panel.seen) == 4


def test_with_loop_it_goes_round_the_range(panel, qtbot):
    panel.show_source(Source(index=4, first=4, last=9))
    qtbot.mouseClick(panel.previous, LEFT)
    qtbot.mouseClick(panel.next, LEFT)
    assert [one.index for one in panel.seen] == [9, 4]


def test_going_to_a_number(panel):
    panel.index.setValue(20)
    assert panel.seen == [Source(index=19)]


def test_the_range(panel):
    panel.first.setValue(10)
    panel.last.setValue(20)
    assert (panel.seen[-1].first, panel.seen[-1].last) == (9, 19)
    assert panel.first.maximum() == 20
    assert panel.last.minimum() == 10
    panel.last.setValue(50)
    assert panel.seen[-1].last is None


def test_playing_looping_and_the_working_size(panel, qtbot):
    playing = []
    panel.playing.connect(playing.append)
    qtbot.mouseClick(panel.play, LEFT)
    assert panel.play.text() == "Pause"
    panel.set_playing(False)
    assert (panel.play.text(), playing) == ("Play", [True])
    panel.loop.click()
    panel.size_combo.setCurrentIndex(3)
    panel.size_combo.activated.emit(3)
    assert panel.seen == [Source(loop=False), Source(loop=False, longest_side=None)]


def test_one_picture_or_an_endless_source(panel):
    panel.show_count(1)
    assert not any(one.isEnabled() for one in (panel.index, panel.next, panel.play, panel.first))
    panel.show_count(None)
    assert panel.play.isEnabled()
    assert panel.count.text() == ""
    panel.show_count(0)
    assert not panel.play.isEnabled()


def test_an_unusual_working_size_is_kept(panel):
    panel.show_source(Source(longest_side=1234))
    assert panel.size_combo.currentText() == "at most 1234 px"


@pytest.mark.parametrize(
    ("spec", "title"),
    [
        ("scenes:test", "Scenes (test)"),
        ("drive:7", "Drive 7"),
        ("camera:0", "Camera 0"),
        ("/data/a:b.png", "a:b.png"),
        ("/data/street", "street"),
    ],
)
def test_titles(spec, title):
    assert source_title(spec) == title


def test_it_fits_into_a_narrow_dock(panel):
    panel.show_source(Source("/data/" + "a_very_long_name_" * 4 + ".mp4"))
    panel.show_count(100000)
    assert panel.minimumSizeHint().width() <= 280
    panel.resize(300, panel.layout().totalHeightForWidth(300))
    panel.grab()
    assert panel.name.height() >= panel.name.heightForWidth(panel.name.width())
