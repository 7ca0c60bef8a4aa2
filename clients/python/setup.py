"""Builds the package: its own modules, the messages that protoc makes of proto/, and the verifier's modules."""

import pathlib
import shutil
import subprocess

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MESSAGES = ("ledger", "node")
#: The verifier's own program, its tests and what they need are no part of the package.
NOT_SHARED = ("verify", "test_", "sample_", "check_")


class Build(build_py):
    """Adds what stands elsewhere in the repository, so that nothing stands in it twice."""

    def run(self):
        """Builds, then adds."""
        super().run()
        package = pathlib.Path(self.build_lib) / "touchstone"
        files = [f"touchstone/{name}.proto" for name in MESSAGES]
        command = ["protoc", f"--proto_path={ROOT / 'proto'}", f"--python_out={self.build_lib}", *files]
        try:
            subprocess.run(command, check=True)
        except FileNotFoundError:
            raise SystemExit("protoc is missing: Debian's protobuf-compiler, or protobuf's own release") from None
        shared = package / "_verifier"
        shared.mkdir(exist_ok=True)
        for module in (ROOT / "verifiers/python").glob("*.py"):
            if not module.name.startswith(NOT_SHARED):
                shutil.copy(module, shared)


setup(packages=["touchstone"], cmdclass={"build_py": Build})
