"""Sphinx's configuration."""

from __future__ import annotations

from importlib.metadata import version as installed_version

project = "pariter"
author = "the pariter developers"
copyright = "the pariter developers"
release = version = installed_version("pariter")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
exclude_patterns = ["_build"]
nitpicky = False

# Pages. Headings get anchors, so that a link to a section that is gone fails the build.
myst_enable_extensions = ["attrs_inline", "deflist"]
myst_heading_anchors = 3

# Docstrings: plain text with `code` in single backticks.
default_role = "code"
autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 88
add_module_names = False
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"pariter {release}"
html_show_sourcelink = False
pygments_style = "sphinx"
pygments_dark_style = "monokai"
