"""``python -m fuzz [--seconds 60] [target …]``: atheris over each target in turn, an equal share of the time each.

The corpus grows in ``.fuzz/``, kept between runs; an input that breaks a target is left there as ``crash-<sha1>`` and
the run ends with 1.  ``python -m fuzz --replay FILE target`` runs one input again, without atheris.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / ".fuzz"
NAMES = (
    "session", "server", "filter", "name", "schema", "policy", "proxy", "certificate", "dav", "description",
)  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--replay", type=Path)
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    targets = options.targets or NAMES
    if options.replay:
        from fuzz.targets import TARGETS, close

        try:
            TARGETS[targets[0]](options.replay.read_bytes())
        finally:
            close()
        return 0
    if options.one:
        return _fuzz(targets[0], options.seconds)
    share = max(1, options.seconds // len(targets))
    return max(_in_a_process(target, share) for target in targets)


def _in_a_process(target: str, seconds: int) -> int:
    """libFuzzer ends the process it runs in."""
    command = [sys.executable, "-m", "fuzz", "--one", "--seconds", str(seconds), target]
    print(f"--- {target}, {seconds} s", flush=True)
    return 1 if subprocess.run(command, cwd=ROOT, check=False).returncode else 0


def _fuzz(target: str, seconds: int) -> int:
    import atheris

    ours = ("ldap", "index.plan", "policy", "trust.smime", "web.dav", "matching", "model.confusable")
    with atheris.instrument_imports(include=[*(f"directory_service.{name}" for name in ours), "ldap_schema"]):
        from fuzz import seeds, targets

    corpus, words = seeds.write(FOLDER, target)
    options = [f"-max_total_time={seconds}", f"-dict={words}", f"-artifact_prefix={FOLDER}/", "-max_len=4096",
               "-timeout=10", "-rss_limit_mb=1024", "-verbosity=0", "-print_final_stats=1"]  # fmt: skip
    atheris.Setup([sys.argv[0], *options, str(corpus)], targets.TARGETS[target])
    atheris.Fuzz()
    return 0


if __name__ == "__main__":
    sys.exit(main())
