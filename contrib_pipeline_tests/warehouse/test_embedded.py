"""The life of the embedded server as its users meet it: real processes, killed for real."""

import contextlib
import os
import signal
import stat
import subprocess
from pathlib import Path

import pytest
import sqlalchemy

from contrib_pipeline.warehouse.connection import connect, dagster_url
from contrib_pipeline.warehouse.embedded import EmbeddedServer
from contrib_pipeline.warehouse.embedded_place import settle
from contrib_pipeline.warehouse.embedded_watcher import is_server
from contrib_pipeline.warehouse.errors import WarehouseError
from contrib_pipeline_tests.warehouse.processes import (
    another_user,
    children_of,
    remember,
    remembered,
    server_of,
    until,
    url_of,
    watchers_of,
)

pytestmark = pytest.mark.skipif(not Path("/proc/self").exists(), reason="looks at processes through /proc")


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
        assert b"a-secret" not in Path(f"/proc/{server_of(home)}/environ").read_bytes()


def test_a_home_with_unusual_letters_works(new_home: Path) -> None:
    home = new_home / """Ünï, "q" $(x) 'y' `z`"""
    with EmbeddedServer(home) as url, connect(url) as connection:
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}
    settle(home).socket.rmdir()


# Starting over what was left behind


@pytest.mark.parametrize("who", ["the postmaster", "a child", "everyone"])
def test_data_survive_kill_9_of(home: Path, who: str) -> None:
    server = EmbeddedServer(home)
    url = server.start()
    remember(url)
    postmaster = server_of(home)
    children = children_of(postmaster)
    victims = {"the postmaster": [postmaster], "a child": children[:1], "everyone": [postmaster, *children]}[who]
    for pid in victims:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not is_server(victims[0], home / "postgres" / "data"))
    assert remembered(server.start()) == 10000
    server.release()


def _left_by_a_dead_server(home: Path) -> Path:
    """Start a server, write, kill all of it; its pid file."""
    with another_user(home) as user:
        remember(url_of(user))
        postmaster = server_of(home)
        for pid in [postmaster, *children_of(postmaster)]:
            os.kill(pid, signal.SIGKILL)
        until(lambda: server_of(home) is None)
    return home / "postgres" / "data" / "postmaster.pid"


def test_lock_files_whose_process_id_is_somebody_elses_now_do_not_block(home: Path) -> None:
    pid_file = _left_by_a_dead_server(home)
    with subprocess.Popen(["sleep", "60"], user=pid_file.stat().st_uid if os.geteuid() == 0 else None) as stranger:
        for lock_file in (pid_file, home / "postgres" / "socket" / ".s.PGSQL.5432.lock"):
            _, _, rest = lock_file.read_text().partition("\n")
            lock_file.write_text(f"{stranger.pid}\n{rest}")
        with EmbeddedServer(home) as url:
            assert remembered(url) == 10000
        assert stranger.poll() is None
        stranger.kill()


def test_a_broken_pid_file_does_not_block(home: Path) -> None:
    pid_file = _left_by_a_dead_server(home)
    for content in ("", "\n", "no number\n"):
        pid_file.write_text(content)
        with EmbeddedServer(home) as url:
            assert remembered(url) == 10000


def test_data_are_never_opened_while_a_process_of_a_killed_server_still_has_them(home: Path) -> None:
    server = EmbeddedServer(home)
    with connect(server.start()) as connection:
        survivor = connection.info.backend_pid
        postmaster = server_of(home)
        os.kill(survivor, signal.SIGSTOP)  # it can't notice the end of its postmaster
        os.kill(postmaster, signal.SIGKILL)
        until(lambda: server_of(home) is None)
        with another_user(home) as other:
            until(lambda: "pre-existing shared memory block" in (home / "postgres" / "server.log").read_text())
            assert server_of(home) is None
            os.kill(survivor, signal.SIGCONT)
            assert url_of(other)
            assert server_of(home) not in (None, postmaster)
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
        users = [stack.enter_context(another_user(new_home)) for _ in range(8)]
        urls = {url_of(user) for user in users}
        assert len(urls) == 1
        assert len(watchers_of(new_home)) == 1
        starts = (new_home / "postgres" / "server.log").read_text().count("ready to accept connections")
        assert starts == 1
        for user in users[:7]:
            assert user.communicate() == ("", "")
        with connect(urls.pop()) as connection:
            assert connection.execute("select 1 as one").fetchone() == {"one": 1}
        postmaster = server_of(new_home)
        assert users[7].communicate() == ("", "")
        until(lambda: not is_server(postmaster, new_home / "postgres" / "data"))
    until(lambda: not watchers_of(new_home))


def test_the_last_to_release_stops_the_server_before_it_returns(home: Path) -> None:
    first, second = EmbeddedServer(home), EmbeddedServer(home)
    assert first.start() == second.start()
    postmaster = server_of(home)
    first.release()
    first.release()
    assert server_of(home) == postmaster
    second.release()
    assert server_of(home) is None


def test_a_server_whose_only_user_was_killed_ends_and_leaves_no_process(home: Path) -> None:
    with another_user(home) as user:
        url_of(user)
        postmaster = server_of(home)
        children = children_of(postmaster)
        user.kill()
        until(lambda: server_of(home) is None and not watchers_of(home))
    assert not [pid for pid in (postmaster, *children) if Path(f"/proc/{pid}/cwd").exists()]


def test_a_killed_user_takes_nothing_from_the_others(home: Path) -> None:
    with EmbeddedServer(home) as url, connect(url) as connection:
        with another_user(home) as user:
            assert url_of(user) == url
            user.kill()
        assert connection.execute("select 1 as one").fetchone() == {"one": 1}
        assert len(watchers_of(home)) == 1
    assert server_of(home) is None


def test_an_orphan_whose_watcher_was_killed_too_is_taken_over_and_stopped(home: Path) -> None:
    with another_user(home) as user:
        url_of(user)
        orphan = server_of(home)
        for watcher in watchers_of(home):
            os.kill(watcher, signal.SIGKILL)
        user.kill()
    assert server_of(home) == orphan
    with EmbeddedServer(home):
        assert server_of(home) == orphan
        assert len(watchers_of(home)) == 1
    assert server_of(home) is None


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
    until(lambda: not watchers_of(home))


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
