"""All that can be done by menu or key. Menus, shortcuts, the F1 sheet and the docs are made of it."""

from dataclasses import dataclass

from art_segplugin_gui.session.state import LAYERS

MENUS = ("File", "Edit", "View", "Source", "Attack", "Models", "Help")


@dataclass(frozen=True)
class Action:
    """One row of the table.

    Attributes:
        id: what the window is told.
        text: as the menu says it; dots where a dialog follows.
        keys: keys by default, such as "Ctrl+O"; several that do the same.
        menu: one of MENUS.
        tip: one sentence on what it does.
        checkable: it is on or off.
        hold: it is on while its key is held.
    """

    id: str
    text: str
    keys: tuple[str, ...]
    menu: str
    tip: str
    checkable: bool = False
    hold: bool = False

    @property
    def plain(self) -> str:
        """The text without dots."""
        return self.text.removesuffix("\u2026")


def layer_id(layer: str) -> str:
    """The id of the action that shows a layer of `state.LAYERS`."""
    return f"layer-{layer.replace(' ', '-')}"


_LAYERS = tuple(
    Action(
        layer_id(name),
        f"Layer: {name}",
        (str(number),),
        "View",
        f"Show the layer {name!r}.",
        checkable=True,
    )
    for number, name in enumerate(LAYERS, 1)
)

ACTIONS: tuple[Action, ...] = (
    Action("open", "Open image or video\u2026", ("Ctrl+O",), "File", "Open an image or a video."),
    Action(
        "open-folder", "Open folder\u2026", ("Ctrl+Shift+O",), "File", "Open a folder of images."
    ),
    Action(
        "load-session", "Open session\u2026", ("Ctrl+L",), "File", "Go back to a saved session."
    ),
    Action("save-session", "Save session\u2026", ("Ctrl+S",), "File", "Save all that was chosen."),
    Action(
        "export",
        "Export\u2026",
        ("Ctrl+E",),
        "File",
        "Write pictures, figures and numbers to files.",
    ),
    Action("quit", "Quit", ("Ctrl+Q",), "File", "Close the window and end the program."),
    Action("undo", "Undo", ("Ctrl+Z",), "Edit", "Take the last change back."),
    Action("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Edit", "Make the change again."),
    Action("edit-shortcuts", "Keyboard shortcuts\u2026", ("Ctrl+K",), "Edit", "Choose other keys."),
    *_LAYERS,
    Action("opacity-down", "Less overlay", ("[",), "View", "Make the layer more transparent."),
    Action("opacity-up", "More overlay", ("]",), "View", "Make the layer more opaque."),
    Action(
        "flip",
        "Flip clean and adversarial",
        ("X",),
        "View",
        "Show the clean picture in the place of the adversarial one.",
        hold=True,
    ),
    Action("plain", "Hide the overlay", ("O",), "View", "Show the bare picture.", hold=True),
    Action(
        "link",
        "Link the panes",
        ("L",),
        "View",
        "Zoom and move all panes together.",
        checkable=True,
    ),
    Action("fit", "Fit to the pane", ("F",), "View", "Show the whole picture."),
    Action("actual-size", "Actual size", ("Z",), "View", "Show one pixel as one pixel."),
    Action(
        "safe-colours",
        "Colour-blind-safe colours",
        (),
        "View",
        "Use colours and hatching that colour-blind people can tell apart.",
        checkable=True,
    ),
    Action("theme", "Dark or light", ("Ctrl+Shift+T",), "View", "Change between dark and light."),
    Action(
        "demo",
        "Demo mode",
        ("F11",),
        "View",
        "Show the panes only, with large text.",
        checkable=True,
    ),
    Action("play", "Play", ("Space",), "Source", "Play the source, or pause.", checkable=True),
    Action("previous", "Previous picture", ("A", "Left"), "Source", "Go back by one picture."),
    Action("next", "Next picture", ("D", "Right"), "Source", "Go on by one picture."),
    Action("run", "Run", ("R",), "Attack", "Attack the picture, all steps."),
    Action("step", "One step", (".",), "Attack", "Do one step of the attack."),
    Action("stop", "Stop", ("Esc",), "Attack", "Stop what is running."),
    Action(
        "fade-down",
        "Weaker perturbation",
        ("{",),
        "Attack",
        "Show the perturbation a tenth weaker.",
    ),
    Action(
        "fade-up",
        "Stronger perturbation",
        ("}",),
        "Attack",
        "Show the perturbation a tenth stronger.",
    ),
    Action(
        "eps-down",
        "Smaller radius",
        ("-",),
        "Attack",
        "Make the radius eps smaller by one place: 1/255 in Linf.",
    ),
    Action(
        "eps-up",
        "Larger radius",
        ("=",),
        "Attack",
        "Make the radius eps larger by one place: 1/255 in Linf.",
    ),
    Action(
        "auto",
        "Attack after each change",
        (),
        "Attack",
        "Attack again whenever something changes.",
        checkable=True,
    ),
    Action(
        "attack-range",
        "Attack the range\u2026",
        ("Ctrl+R",),
        "Attack",
        "Attack all frames of the range.",
    ),
    Action(
        "open-checkpoint",
        "Open checkpoint\u2026",
        ("Ctrl+M",),
        "Models",
        "Use a model of your own.",
    ),
    Action(
        "compare",
        "Compare two models",
        ("C",),
        "Models",
        "Show the second model beside the first.",
        checkable=True,
    ),
    Action("swap", "Swap the models", ("S",), "Models", "Attack B and show A beside it."),
    Action(
        "transfer",
        "Show B the attack on A",
        (),
        "Models",
        "Show the second model the images made against the first.",
        checkable=True,
    ),
    Action("shortcuts", "Keys", ("F1",), "Help", "Show what each key does."),
    Action("log", "Log", ("Ctrl+Shift+L",), "Help", "Show what happened so far."),
    Action("about", "About", (), "Help", "Version and licences."),
)

BY_ID = {action.id: action for action in ACTIONS}


def as_markdown() -> str:
    """The table for the documentation: a heading and a table for each menu, default keys."""
    parts = []
    for menu in MENUS:
        rows = [
            f"| {_keys(action)} | {action.plain} | {action.tip} |"
            for action in ACTIONS
            if action.menu == menu
        ]
        parts.append(
            "\n".join(
                [f"### {menu}", "", "| Key | Action | What it does |", "|---|---|---|", *rows]
            )
        )
    return "\n\n".join(parts) + "\n"


def _keys(action: Action) -> str:
    keys = ", ".join(f"`{key}`" for key in action.keys) or "-"
    return f"hold {keys}" if action.hold else keys
