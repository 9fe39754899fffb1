"""HTML pages that need nothing else: style and pictures are inside, nothing is fetched."""

import base64
from pathlib import Path
from typing import Any


def page(template: str, **values: Any) -> str:
    """Fill a template of this folder; texts among the values are escaped."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(template).render(**values)


def data_uri(kind: str, data: bytes) -> str:
    """A picture ("png", "jpeg") as an address that holds it."""
    return f"data:image/{kind};base64,{base64.b64encode(data).decode('ascii')}"
