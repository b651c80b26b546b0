"""The documentation's site: ``tox -e docs``. What GitHub shows as pages is built as one site, without a network.

The pages stay plain Markdown that GitHub renders too, so that no directive of Sphinx is in any but the index.
"""

from __future__ import annotations

project = "perfkit"
author = "The perfkit authors"
project_copyright = "The perfkit authors"
html_title = "perfkit"

extensions = ["myst_parser"]
source_suffix = {".md": "markdown"}
root_doc = "index"
# Links from page to page, and to headings within them, are checked by MyST as GitHub makes their anchors.
myst_heading_anchors = 4
# -W makes each of these warnings an error; a reference that leads nowhere is one.
nitpicky = True

html_theme = "furo"
# System fonts and no link to anything outside: the site can be read from a disk.
html_theme_options = {"navigation_with_keys": False, "top_of_page_buttons": []}
html_copy_source = False
html_show_sphinx = False
templates_path: list[str] = []
