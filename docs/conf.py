"""The documentation site: MyST pages, warnings are errors (see ``make docs``)."""

from importlib.metadata import version as installed

project = "Wherry"
author = "The Wherry authors"
copyright = "The Wherry authors, Apache-2.0"
version = release = installed("wherry")

extensions = ["myst_parser"]
myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = "Wherry"
html_static_path: list[str] = []
html_copy_source = False
html_show_sphinx = False
