"""Configuration of the documentation."""

import inspect
import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.append(str(Path(__file__).parent))  # where paper_results.py is

project = "skmire"
author = "The skmire developers"
release = version = installed_version("skmire")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "paper_results",
]
exclude_patterns = [
    "_build",
    "results",
    "changelog.md",
]  # the changelog is included by changelog_page.rst
templates_path = ["_templates"]

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say them
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "parallel": 2,
    "show_memory": False,
    "download_all_examples": False,
    "backreferences_dir": "api/generated/backreferences",  # which examples use what
    "doc_module": ("skmire",),
}

html_theme = "pydata_sphinx_theme"
html_title = "skmire"
html_theme_options = {
    "show_prev_next": True,
    "navigation_with_keys": False,
    "header_links_before_dropdown": 5,
}
html_show_sourcelink = False
_alone = "architecture changelog_page contributing conventions faq getting_started results"
html_sidebars = {page: [] for page in _alone.split()}  # they have no section to navigate


def leave_out_what_others_wrote(app, what, name, obj, skip, options):
    """Keep the members of the classes to those that skmire defines, inherited ones included."""
    function = getattr(obj, "fget", None) or inspect.unwrap(getattr(obj, "__func__", obj))
    if what in ("class", "exception") and (
        not str(getattr(function, "__module__", None)).startswith("skmire") or name == "extra_repr"
    ):
        return True
    return None


def setup(app):
    """Connect the handler to Sphinx."""
    app.connect("autodoc-skip-member", leave_out_what_others_wrote)
