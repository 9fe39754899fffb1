"""Docstrings as data: forms, the command line and the classes of attacks are made from them."""

import inspect
import re
import textwrap


def first_line(docstring: str | None) -> str:
    """What it says first, without the blanks around it."""
    return (docstring or "").strip().partition("\n")[0]


def arguments(docstring: str | None) -> dict[str, str]:
    """The "Args:" section of a docstring: name to text, on one line."""
    found: dict[str, str] = {}
    inside, name = False, ""
    for line in inspect.cleandoc(docstring or "").splitlines():
        if not line.startswith(" "):
            inside = line == "Args:" or (inside and not line)
            continue
        entry = re.match(r"    (\w+)(?: \(.*?\))?: (.*)", line)
        if inside and entry:
            name = entry[1]
            found[name] = entry[2].strip()
        elif inside and name:
            found[name] += f" {line.strip()}"
    return found


def described(arguments: dict[str, str], indent: int = 4) -> str:
    """The "Args:" section of a docstring, wrapped as those in the sources are."""
    lines = ["Args:"]
    for name, text in arguments.items():
        lines += textwrap.wrap(
            f"{name}: {text}",
            100 - indent,
            initial_indent=" " * 4,
            subsequent_indent=" " * 8,
            break_on_hyphens=False,
            break_long_words=False,
        )
    return textwrap.indent("\n".join(lines), " " * indent)
