"""A real Thunderbird without a window, driven by Marionette: JavaScript run in its own context, with its own modules.

What is run is what its windows run: the completion of the field *To*, the search of the address book, the download for
offline use.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

# Not Debian's wrapper in /usr/bin: it leaves processes of its own behind.
PROGRAM: Final = Path("/usr/lib/thunderbird/thunderbird-bin")

# Nothing of these tests may leave this machine, nor ask who uses it.
_QUIET: Final = {
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "mail.inappnotifications.enabled": False,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.shell.checkDefaultClient": False,
    "mail.spotlight.firstRunDone": True,
    "mailnews.start_page.enabled": False,
    "marionette.port": 0,  # any, written to the profile
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "http://127.0.0.1:9/",
    "toolkit.telemetry.enabled": False,
}

_IMPORTS: Final = """
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
const book = () => MailServices.ab.directories.find(d => d.isRemote).QueryInterface(Ci.nsIAbLDAPDirectory);
"""

# What ``mail-address-pill`` asks; as AbLDAPAutoCompleteSearch shows it, in its order.
_COMPLETE: Final = """
const search = Cc["@mozilla.org/autocomplete/search;1?name=ldap"].createInstance(Ci.nsIAutoCompleteSearch);
const found = await new Promise(done => search.startSearch(
  args[0], '{"type": "addr_to"}', null, { onSearchResult: (_, result) => done(result) }));
return [found.searchResult, [...Array(found.matchCount).keys()].map(n => found.getValueAt(n))];
"""

# What the address book does with its search field (aboutAddressBook.js).
_SEARCH: Final = """
const url = "resource:///modules/ABQueryUtils.sys.mjs";
const { getModelQuery, getSearchTokens, generateQueryURI } = ChromeUtils.importESModule(url);
const asked = generateQueryURI(getModelQuery("mail.addr_book.quicksearchquery.format"), getSearchTokens(args[0]));
const cards = [];
const end = await new Promise(done => book().search(asked.replace(/^[?]/, ""), args[0], {
  onSearchFoundCard: card => cards.push(Object.fromEntries([...card.properties].map(p => [p.name, String(p.value)]))),
  onSearchFinished: (status, _, security) => done(security?.errorCodeString || (Components.isSuccessCode(status) ? "" :
    "failed")),
}));
return [end, cards];
"""

# *Download Now* of the properties of the directory.
_DOWNLOAD: Final = """
const service = Cc["@mozilla.org/addressbook/ldap-replication-service;1"].getService(Ci.nsIAbLDAPReplicationService);
const directory = book();
directory.replicationFileName = "offline.sqlite";
const nothing = () => {};
const status = await new Promise(done => service.startReplication(directory, {
  QueryInterface: ChromeUtils.generateQI(["nsIWebProgressListener"]), onProgressChange: nothing,
  onStateChange: (_, __, flags, state) => flags & Ci.nsIWebProgressListener.STATE_STOP && done(state),
}));
return Components.isSuccessCode(status);
"""


_PASSWORD: Final = """
const { prePath, spec } = book().lDAPURL;
for (const login of await Services.logins.searchLoginsAsync({ origin: prePath }))
  await Services.logins.removeLoginAsync(login);
const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
login.init(prePath, null, spec, "", args[0], "", "");
await Services.logins.addLoginAsync(login);
"""

_TRUST: Final = """
Cc["@mozilla.org/security/x509certdb;1"].getService(Ci.nsIX509CertDB).addCertFromBase64(args[0], "CT,,");
"""


class Thunderbird:
    """A session of Marionette: messages are ``length:[0, number, command, arguments]``."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        self._read()  # its greeting
        self._call("WebDriver:NewSession", capabilities={"alwaysMatch": {"timeouts": {"script": 60_000}}})
        self._call("Marionette:SetContext", value="chrome")

    def close(self) -> None:
        self._stream.close()
        self._socket.close()

    def complete(self, typed: str) -> tuple[int, list[str]]:
        """Of nsIAutoCompleteResult (2 failure, 3 nobody, 4 found), and the addresses as they are shown."""
        code, shown = self.run(_COMPLETE, typed)
        return code, shown

    def search(self, typed: str) -> tuple[str, list[dict[str, str]]]:
        """What went wrong, and the cards in the order received."""
        fault, cards = self.run(_SEARCH, typed)
        return fault, cards

    def download(self) -> bool:
        return bool(self.run(_DOWNLOAD))

    def point(self, uri: str, name: str = "", secret: str = "") -> None:
        """Turns the address book to another server, or another identity."""
        self.run('Services.prefs.setStringPref(book().dirPrefId + ".uri", args[0]);', uri)
        self.run("book().authDn = args[0];", name)
        if name:
            self.run(_PASSWORD, secret)

    def trust(self, certificate: Path) -> None:
        """*Settings, Certificates, Import*: an authority that may identify websites."""
        lines = certificate.read_text(encoding="ascii").splitlines()
        self.run(_TRUST, "".join(line for line in lines if "-----" not in line))

    def run(self, body: str, *arguments: object) -> Any:
        """What the body of an asynchronous function returns."""
        script = f"""
            const args = [...arguments], answer = args.pop();
            (async () => {{ {_IMPORTS} {body} }})()
              .then(value => answer({{ value: value ?? null }}), fault => answer({{ fault: String(fault) }}));"""
        found = self._call("WebDriver:ExecuteAsyncScript", script=script, args=list(arguments), sandbox="system")
        assert "fault" not in found["value"], found["value"]["fault"]
        return found["value"]["value"]

    def _call(self, command: str, **arguments: object) -> Any:
        self._number += 1
        sent = json.dumps([0, self._number, command, arguments]).encode()
        self._socket.sendall(b"%d:%s" % (len(sent), sent))
        _, _, fault, result = self._read()
        assert fault is None, fault
        return result

    def _read(self) -> Any:
        size = b""
        while (octet := self._stream.read(1)) != b":":
            assert octet, "Thunderbird closed the connection"
            size += octet
        return json.loads(self._stream.read(int(size)))


@contextmanager
def thunderbird(folder: Path, preferences: str) -> Iterator[Thunderbird]:
    """One with a profile of its own in ``folder``; ``preferences`` are lines of ``user.js``."""
    profile, log = folder / "profile", folder / "thunderbird.log"
    profile.mkdir()
    lines = "".join(f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in _QUIET.items())
    (profile / "user.js").write_text(lines + preferences, encoding="utf-8")
    options = ["--headless", "--marionette", "--remote-allow-system-access", "--no-remote", "--profile", profile]
    with log.open("wb") as said:
        process = subprocess.Popen(
            [PROGRAM, *options], stdout=said, stderr=said, env=os.environ | {"HOME": str(folder)}
        )
    try:
        opened = Thunderbird(_port(profile / "MarionetteActivePort", process, log))
        yield opened
        opened.close()
    finally:
        process.kill()
        process.wait(60)


def _port(file: Path, process: subprocess.Popen[bytes], log: Path, seconds: float = 120) -> int:
    deadline = time.monotonic() + seconds
    while not (file.exists() and file.read_text()):
        assert process.poll() is None and time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.05)
    return int(file.read_text())
