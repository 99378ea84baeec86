"""Has Evolution's own LDAP backend search a running ``annuaire serve``, set up with the file of its page.

Not a test: evolution-data-server and its 85 packages are too many for the suite.  On Debian 12, as anybody:

    sudo apt-get install --no-install-recommends evolution-data-server gir1.2-ebook-1.2 gir1.2-ebookcontacts-1.2 \
        gir1.2-edataserver-1.2 python3-gi dbus
    /usr/bin/python3 tools/evolution.py 127.0.0.1:1389 'dupont jean' --wait 70 'dupont'

Each text is asked as the field *To* asks it.  ``--wait`` says nothing for so long, which is more than
``ldap_idle_anonymous``, and asks on: what comes next must be answered too.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parent.parent / "docs" / "howto" / "clients" / "evolution.md"
LONGEST = 20  # seconds for an answer

# ENameSelectorEntry's, of evolution-data-server 3.46.
ASKED = (
    '(or (beginswith "nickname" "{0}") (beginswith "email" "{0}") (contains "nickname" "{0}") (contains "email" "{0}")'
    ' (or (beginswith "full_name" "{0}") (beginswith "file_as" "{0}")))'
)


def main(where: str, *texts: str) -> None:
    """Starts a session bus with a home of its own, and itself in it."""
    if "ANNUAIRE_EVOLUTION" in os.environ:
        ask_all(*texts)
        return
    host, _, port = where.rpartition(":")
    found = re.search(r"```ini annuaire.source\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert found, PAGE
    source = found[1].replace("annuaire.example.org", host).replace("1389", port)
    home = tempfile.mkdtemp(prefix="annuaire-evolution-")
    folder = Path(home, ".config", "evolution", "sources")
    folder.mkdir(parents=True)
    (folder / "annuaire.source").write_text(source, encoding="utf-8")
    places = {f"XDG_{kind}_HOME": f"{home}/{kind.lower()}" for kind in ("DATA", "CACHE")}
    ours = {"HOME": home, "XDG_CONFIG_HOME": f"{home}/.config", "GSETTINGS_BACKEND": "memory", "LC_ALL": "C.UTF-8"}
    command = ["dbus-run-session", "--", sys.executable, __file__, where, *texts]
    ours |= places | {"ANNUAIRE_EVOLUTION": "1"}
    sys.exit(subprocess.run(command, env=os.environ | ours).returncode)


def ask_all(*texts: str) -> None:
    import gi

    gi.require_version("EDataServer", "1.2")
    gi.require_version("EBook", "1.2")
    from gi.repository import EBook, EDataServer

    source = EDataServer.SourceRegistry.new_sync(None).ref_source("annuaire")
    book = EBook.BookClient.connect_sync(
        source, 0xFFFFFFFF, None
    )  # without waiting for a "connected" that LDAP never says
    left = list(texts)
    while left:
        text = left.pop(0)
        if text == "--wait":
            time.sleep(float(left.pop(0)))
        else:
            show(book, text)


def show(book: Any, text: str) -> None:
    from gi.repository import GLib

    loop, cards, ends, began = GLib.MainLoop(), list[Any](), list[str](), time.monotonic()
    _, view = book.get_view_sync(ASKED.format(text), None)

    def complete(_view: object, error: Any) -> None:
        ends.append(error.message if error else "")
        loop.quit()

    view.connect("objects-added", lambda _view, added: cards.extend(added))
    view.connect("complete", complete)
    view.start()
    late = GLib.timeout_add_seconds(LONGEST, loop.quit)
    loop.run()
    if ends:
        GLib.source_remove(late)
    view.stop()
    print(f"{text!r}: {len(cards)}, {time.monotonic() - began:.2f} s", *ends or ["no answer"], flush=True)
    for card in cards[:5]:
        print(f"  {card.get_property('full-name')} <{card.get_property('email-1')}>", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
