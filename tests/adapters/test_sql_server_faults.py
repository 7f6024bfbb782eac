"""Whatever happens to a database server, callers see memproxy's own errors and no password."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncmy.errors
import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, make_url, text

from memproxy.domain import MemoryWrite, Scope
from memproxy.errors import BadRequest, ConfigError, Conflict, MemproxyError, StoreUnavailable
from memproxy.testing.store_contract_memory import remember
from memproxy.testing.store_contract_turns import look, texts
from memproxy.testing.store_samples import ALICE, BOB, claim, entry, fact, job, turn
from memproxy_sql import SqlStore, open_store, server
from memproxy_sql.locks import hold
from memproxy_sql.models import Stored
from memproxy_sql.mysql import Mysql
from memproxy_sql.postgresql import Postgresql
from memproxy_sql.server import Pool
from tests.conftest import running
from tests.servers.mariadb import MariaDB
from tests.servers.postgres import Postgres
from tests.servers.process import ServerProcess

SECRET = "the diagnosis is confidential"
PASSWORD = "hunter2-hunter2"
NOWHERE = "postgresql://memproxy:{}@127.0.0.1:1/memproxy", "mysql://memproxy:{}@127.0.0.1:1/memproxy"


@pytest.fixture(scope="module", params=[Postgres, MariaDB], ids=["postgresql", "mariadb"])
def machine(request: pytest.FixtureRequest) -> Iterator[ServerProcess]:
    """A server of its own: these tests stop it."""
    yield from running(request.param)


@pytest.fixture
def url(machine: Postgres | MariaDB) -> str:
    return machine.database()


@pytest.fixture
async def store(url: str, tmp_path: Path) -> AsyncIterator[SqlStore]:
    async with open_store(url=url, data_dir=tmp_path) as store:
        yield store


@contextmanager
def hasty(store: SqlStore) -> Iterator[None]:
    """Meanwhile it waits half a second for an answer."""
    usual = store._server.statement_timeout
    object.__setattr__(store._server, "statement_timeout", 0.5)
    try:
        yield
    finally:
        object.__setattr__(store._server, "statement_timeout", usual)


def opened(url: str) -> SqlStore:
    return open_store(url=url, data_dir=Path("/nowhere"))


def family(root: type[BaseException]) -> list[type[BaseException]]:
    return [root, *(kind for child in root.__subclasses__() for kind in family(child))]


@pytest.mark.parametrize(
    ("of", "root", "given"),
    [
        (Postgresql.of(make_url(NOWHERE[0])), asyncpg.PostgresError, (SECRET,)),
        (Postgresql.of(make_url(NOWHERE[0])), asyncpg.InterfaceError, (SECRET,)),
        (Mysql.of(make_url(NOWHERE[1])), asyncmy.errors.MySQLError, (1366, SECRET)),
        (Mysql.of(make_url(NOWHERE[1])), asyncmy.errors.MySQLError, (SECRET,)),
        (Mysql.of(make_url(NOWHERE[1])), OSError, (2, SECRET)),
    ],
    ids=["asyncpg", "asyncpg itself", "asyncmy", "asyncmy itself", "system"],
)
def test_every_error_of_the_drivers_is_mapped(of: Postgresql | Mysql, root: type[Exception], given: tuple) -> None:
    pool = Pool(server=of, reading=False, size=1)
    for kind in family(root):
        if kind.__module__.split(".")[0] in ("asyncpg", "asyncmy", "builtins"):
            assert issubclass(kind, pool.errors)
            error = kind.__new__(kind)
            error.args = given
            told = pool.translated(error)
            assert isinstance(told, MemproxyError)
            assert SECRET not in str(told)


@pytest.mark.parametrize("number", [2**63, 2**64])
async def test_a_number_that_no_column_holds_is_the_callers_fault(store: SqlStore, number: int) -> None:
    with pytest.raises(BadRequest):
        await store.commit([turn("a", injection=entry("a", "- tea", tokens=number))])
    assert len(await store.commit([turn("b")])) == 1


@pytest.mark.parametrize("url", NOWHERE, ids=["postgresql", "mysql"])
async def test_a_server_that_is_away_is_unavailable_and_no_password_is_told(url: str) -> None:
    store = opened(url.format(PASSWORD))
    with pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:1/memproxy cannot be reached") as refusal:
        await store.__aenter__()
    assert PASSWORD not in str(refusal.value) + repr(store) + repr(vars(store)) + repr(store._server)


@pytest.mark.parametrize("query", ["pool_size=x", "statement_timeout=-1"])
def test_a_parameter_that_is_none_is_refused_without_the_password(query: str) -> None:
    for url in NOWHERE:
        with pytest.raises(ConfigError, match=query.partition("=")[0]) as refusal:
            opened(url.format(PASSWORD) + "?" + query)
        assert PASSWORD not in str(refusal.value)


def test_a_url_that_cannot_be_read_is_refused_without_the_password() -> None:
    with pytest.raises(ConfigError) as refusal:
        opened(f"postgresql://memproxy:{PASSWORD}@host:port/memproxy")
    assert PASSWORD not in str(refusal.value)
    assert refusal.value.__cause__ is None


async def test_a_wrong_user_or_password_is_refused_by_name(url: str) -> None:
    wrong = make_url(url).set(username="stranger", password=PASSWORD).render_as_string(hide_password=False)
    with pytest.raises(ConfigError, match=r"refused the user or the password") as refusal:
        await opened(wrong).__aenter__()
    assert PASSWORD not in str(refusal.value)
    assert "stranger" not in str(refusal.value)


async def test_a_missing_database_is_refused_by_name(url: str) -> None:
    wrong = make_url(url).set(database="test_nothing").render_as_string(hide_password=False)
    with pytest.raises(ConfigError, match=r"/test_nothing .*(does not exist|does not grant)"):
        await opened(wrong).__aenter__()


async def test_a_statement_that_takes_too_long_is_given_up(url: str) -> None:
    sleep = {"postgresql": "SELECT pg_sleep(9)", "mysql": "SELECT SLEEP(9)"}

    def slow(conn: Connection) -> None:
        conn.connection.cursor().execute(sleep[conn.dialect.name])

    async with opened(f"{url}?statement_timeout=2") as store:
        with pytest.raises(StoreUnavailable, match="in time"):
            await store._writer.run(slow)
        await store.check()


async def test_who_finds_a_row_locked_for_long_is_told(store: SqlStore, url: str) -> None:
    await store.commit([turn("a")])
    held, done = asyncio.Event(), asyncio.Event()
    async with opened(url) as other, opened(f"{url}?statement_timeout=0.5") as hurried, asyncio.TaskGroup() as group:
        group.create_task(_holding(other, held, done))
        await held.wait()
        with pytest.raises(StoreUnavailable):
            await hurried.commit([turn("b")])
        assert (await look(store, "a")).session == "s1"
        await store.commit([turn("c", scope=BOB)])
        done.set()
    assert await texts(store) == ["a"]
    await store.commit([turn("b")])
    assert await texts(store) == ["a", "b"]


async def _holding(store: SqlStore, held: asyncio.Event, done: asyncio.Event) -> None:
    async with store._writer._engine.connect() as conn:
        await conn.run_sync(hold, [ALICE])
        held.set()
        await done.wait()


async def test_two_that_wait_for_each_other_both_succeed(store: SqlStore) -> None:
    await store.commit([turn("a"), turn("a", scope=BOB)])
    begun: list[int] = []

    def crosswise(conn: Connection, first: Scope, second: Scope) -> None:
        begun.append(1)
        hold(conn, [first])
        conn.execute(text("SELECT pg_sleep(0.2)" if conn.dialect.name == "postgresql" else "SELECT SLEEP(0.2)"))
        hold(conn, [second])

    patient = Pool(server=store._server, reading=False, size=2)
    await patient.open()
    await asyncio.gather(patient.run(crosswise, ALICE, BOB), patient.run(crosswise, BOB, ALICE))
    await patient.close()
    assert len(begun) > 2


async def test_a_server_that_was_killed_is_used_again_when_it_is_back(machine: ServerProcess, store: SqlStore) -> None:
    await store.commit([turn("a")])
    await asyncio.gather(*(look(store, "a") for _ in range(9)))
    machine.kill()
    for verb in (store.commit([turn("b")]), store.check(), look(store, "a")):
        with pytest.raises(StoreUnavailable):
            await verb
    await asyncio.to_thread(machine.start)
    await store.commit([turn("b")])
    await store.check()
    assert await texts(store) == ["a", "b"]


async def test_a_server_that_was_restarted_meanwhile_is_not_noticed(machine: ServerProcess, store: SqlStore) -> None:
    commits = [store.commit([turn(f"m{n}", scope=Scope("acme", f"e{n}"))]) for n in range(9)]
    await asyncio.gather(*commits)
    machine.stop()
    await asyncio.to_thread(machine.start)
    await asyncio.gather(*(store.commit([turn("again", scope=Scope("acme", f"e{n}"))]) for n in range(9)))
    assert await texts(store, scope=Scope("acme", "e8")) == ["m8", "again"]


async def test_a_server_that_hangs_keeps_nobody_for_ever(
    machine: ServerProcess, store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_GRACE", 0.1)
    await store.commit([turn("a")])
    machine.pause()
    try:
        with hasty(store), pytest.raises(StoreUnavailable, match="did not answer in time"):
            await store.commit([turn("b")])
    finally:
        machine.resume()
    await store.commit([turn("b")])
    assert await texts(store) == ["a", "b"]


async def test_a_caller_that_leaves_harms_no_commit(store: SqlStore) -> None:
    leaving = asyncio.create_task(store.commit([turn("a")]))
    await asyncio.sleep(0)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    await asyncio.wait(store._writer._running)
    assert await texts(store) == ["a"]


async def test_a_read_only_server_is_unavailable_for_writing_alone(
    machine: Postgres | MariaDB, url: str, tmp_path: Path
) -> None:
    async with opened(url) as store:
        await store.commit([turn("a")])
    name = make_url(url).database
    lock, free = (
        (f"ALTER DATABASE {name} SET default_transaction_read_only = on", f"ALTER DATABASE {name} RESET ALL")
        if isinstance(machine, Postgres)
        else ("SET GLOBAL read_only = 1", "SET GLOBAL read_only = 0")
    )
    machine.sql(lock)
    try:
        async with opened(url) as store:
            for verb in (store.commit([turn("b")]), store.check()):
                with pytest.raises(StoreUnavailable, match="read-only"):
                    await verb
            assert await texts(store) == ["a"]
    finally:
        machine.sql(free)


async def test_many_may_start_at_once_on_a_new_database(url: str) -> None:
    stores = [opened(url) for _ in range(5)]
    await asyncio.gather(*(store.__aenter__() for store in stores))
    await asyncio.gather(*(store.commit([turn(f"m{n}")]) for n, store in enumerate(stores)))
    assert sorted(await texts(stores[0])) == [f"m{n}" for n in range(5)]
    for store in stores:
        await store.__aexit__(None, None, None)


async def test_a_newer_schema_is_refused_with_a_sentence(machine: Postgres | MariaDB, url: str) -> None:
    async with opened(url):
        pass
    machine.sql("UPDATE alembic_version SET version_num = '0999'", database=make_url(url).database)
    with pytest.raises(ConfigError, match=r"schema 0999, which is newer than this memproxy knows"):
        await opened(url).__aenter__()


async def test_the_database_of_another_program_is_left_alone(machine: Postgres | MariaDB, url: str) -> None:
    for table in ("recipes", "alembic_version"):
        machine.sql(f"CREATE TABLE {table} (version_num VARCHAR(32))", database=make_url(url).database)
        with pytest.raises(ConfigError, match="another program"):
            await opened(url).__aenter__()


async def test_a_schema_that_was_broken_off_is_made_anew(mariadb: MariaDB) -> None:
    url = mariadb.database()
    async with opened(url):
        pass
    mariadb.sql("DELETE FROM alembic_version; DROP TABLE job", database=make_url(url).database)
    async with opened(url) as store:
        await store.commit([turn("a", jobs=(job(1),))])
        assert [mine.id for mine in await claim(store)] == ["job-1"]


async def test_the_schema_is_that_of_the_models(store: SqlStore) -> None:
    difference = await store._writer.run(
        lambda conn: compare_metadata(MigrationContext.configure(conn), Stored.metadata)
    )
    assert [step for step in difference if "running" not in repr(step)] == []


async def test_workers_that_claim_at_once_run_one_job_of_an_entity_each(store: SqlStore, url: str) -> None:
    await store.enqueue([job(n) for n in range(9)] + [job(100 + n, scope=Scope("acme", f"e{n}")) for n in range(9)])
    async with opened(url) as other:
        claims: list[Callable] = [lambda n=n: claim((store, other)[n % 2], worker=f"w{n}", limit=3) for n in range(12)]
        taken = [mine for claimed in await asyncio.gather(*(ask() for ask in claims)) for mine in claimed]
    assert len({mine.id for mine in taken}) == len(taken)
    assert len({mine.scope for mine in taken}) == len(taken) == 10


async def test_replicas_that_commit_and_learn_at_once_lose_nothing(url: str) -> None:
    async with opened(url) as store, opened(url) as other:
        people = [Scope("acme", f"e{n}") for n in range(4)]
        commits = [
            s.commit([turn(f"{n}{s is other}", scope=scope) for scope in (people if n % 2 else people[::-1])])
            for n in range(10)
            for s in (store, other)
        ]
        learned = [(s, fact(n, id=f"{n}{s is other}")) for n in range(5) for s in (store, other)]
        writes = [remember(s, one, scope=people[0]) for s, one in learned]
        await asyncio.gather(*commits, *writes)
        for scope in people:
            page = await store.messages(scope, "s1", cursor=None, limit=99)
            assert (page.total, len({m.text for m in page.items})) == (20, 20)
        assert [f.number for f in (await store.changes(people[0], since=0)).facts] == list(range(1, 11))


async def test_of_replicas_that_learn_the_first_of_somebody_one_is_told_of_the_other(store: SqlStore, url: str) -> None:
    async with opened(url) as other:
        writes = [s.write(ALICE, MemoryWrite((fact(n),), expected=0)) for n, s in enumerate((store, other) * 3)]
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
    assert sum(isinstance(outcome, Conflict) for outcome in outcomes) == 5
    assert len((await store.changes(ALICE, since=0)).facts) == 1
