"""Configuration of the documentation."""

from importlib.metadata import version as installed_version

project = "skmire"
author = "The skmire developers"
release = version = installed_version("skmire")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
exclude_patterns = ["_build", "changelog.md"]  # the changelog is included by changelog_page.rst

autosummary_generate = True
autodoc_typehints = "none"  # the docstrings say them
numpydoc_show_class_members = False

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "show_memory": False,
    "download_all_examples": False,
}

html_theme = "pydata_sphinx_theme"
html_title = "skmire"
html_theme_options = {"show_prev_next": True, "navigation_with_keys": False}
html_show_sourcelink = False
