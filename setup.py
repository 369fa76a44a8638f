"""Which modules are installed; all else about them is in setup.cfg.

main.py and configs/ lie at the top, where a reader looks for them. They are installed
as `safefakes.main` and `safefakes.configs`, out of the way of anybody else's.
"""

import setuptools
from setuptools.command import build_py


class BuildPy(build_py.build_py):
    def find_package_modules(self, package, package_dir):
        """Leave out what only this folder needs."""
        found = super().find_package_modules(package, package_dir)
        return [
            (package, module, path)
            for package, module, path in found
            if module not in ("setup", "conftest") and not module.endswith("_test")
        ]


setuptools.setup(
    packages=[
        *setuptools.find_packages(include=["safefakes_tf*", "tfds_builders*"]),
        "safefakes",
        "safefakes.configs",
    ],
    package_dir={"safefakes": ".", "safefakes.configs": "configs"},
    cmdclass={"build_py": BuildPy},
)
