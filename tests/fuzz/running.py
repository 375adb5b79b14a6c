"""How a target is given to atheris. It is needed by those who fuzz, and by none of the tests."""

import sys
from importlib import import_module
from pathlib import Path
from tempfile import gettempdir

TESTED = ("sip", "pbx.media")


def fuzz(name: str) -> None:
    """Feeds `check_NAME` of `tests.fuzz.fuzz_NAME` with whatever reaches new code, from its `SEEDS` on.

    Ends the process. The arguments of the program are libFuzzer's. What reached something is kept in the folder that
    they name, or else in one of this target's own among the temporary files.
    """
    import atheris

    corpus = Path(gettempdir()) / f"gorizont-fuzz-{name}"
    for argument in sys.argv[1:]:
        if not argument.startswith("-"):
            corpus = Path(argument)
    corpus.mkdir(exist_ok=True)
    # The target was imported to get here; what it tests is imported anew, to tell the fuzzer which code it reaches.
    for module in [known for known in sys.modules if known.startswith(TESTED)]:
        del sys.modules[module]
    with atheris.instrument_imports(include=list(TESTED)):
        target = import_module(f"tests.fuzz.fuzz_{name}")
    for seed, octets in target.SEEDS.items():
        (corpus / seed).write_bytes(octets)
    options = [argument for argument in sys.argv if argument.startswith("-")]
    atheris.Setup([sys.argv[0], *options, str(corpus)], getattr(target, f"check_{name}"))
    atheris.Fuzz()
