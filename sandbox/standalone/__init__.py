"""Verification that needs nothing of us: one Python file and one page, each carried on a stick and run from there.

`archive` makes baas-verify.pyz, whose program is `program`; `page` makes verify.html from the modules in `page/`.
Texts come from whoever builds: this room knows no catalogue.
"""
