"""The wheel of the module in python/, with the tool and the library: bin/forkguard and lib/forkguard/libforkguard.so of the environment."""
import os
import shutil

from setuptools import Distribution, setup
from setuptools.command.bdist_wheel import bdist_wheel

TOOL, LIBRARY = "bin/forkguard", "lib/forkguard/libforkguard.so"


class Binary(Distribution):
    """What is installed belongs to one platform, though the module is pure Python."""

    def has_ext_modules(self):
        return True


class Wheel(bdist_wheel):
    """Any Python 3 of this platform: nothing is linked to the interpreter."""

    def get_tag(self):
        return "py3", "none", os.environ["FORKGUARD_WHEEL_PLATFORM"]

    def run(self):
        # setuptools takes scripts for text: the tool goes where pip finds programs, and keeps its mode.
        place = os.path.join(self.bdist_dir, f"{self.wheel_dist_name}.data", "scripts")
        os.makedirs(place)
        shutil.copy(TOOL, place)
        super().run()


setup(
    distclass=Binary,
    cmdclass={"bdist_wheel": Wheel},
    data_files=[("lib/forkguard", [LIBRARY]), ("share/man/man1", sorted(f"share/man/man1/{page}" for page in os.listdir("share/man/man1")))],
)
