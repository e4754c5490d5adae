"""What every change needs: the records by id and by name, new numbers, the instant of a change."""

import threading
from collections import Counter
from typing import Any, TypeVar

from contrib_pipeline.sandbox import instants
from contrib_pipeline.sandbox.ids import node_id, stable_number
from contrib_pipeline.sandbox.records import Account, DiscussionCategory, Label, Language, Repository

_ACCOUNT_PREFIXES = {
    "User": "U",
    "Bot": "BOT",
    "Mannequin": "M",
    "Organization": "O",
    "EnterpriseUserAccount": "EUA",
}
_LAST_NUMBERS = {
    # Where GitHub's own numbers stand: of those that outgrew 32 bits, and of those that did not.
    "PR": 2_810_000_000,
    "IC": 3_190_000_000,
    "PRR": 3_060_000_000,
    "PRRC": 2_240_000_000,
    "RFRE": 18_600_000_000,
    "D": 8_300_000,
    "DC": 13_400_000,
}
_COLORS = ("0e8a16", "1d76db", "d73a4a", "5319e7", "fbca04", "c5def5")
_CATEGORIES = {"Q&A": (":pray:", True), "Ideas": (":bulb:", False), "General": (":speech_balloon:", False)}

Record = TypeVar("Record")


class Registry:
    """The records, and the accounts and repositories among them by name."""

    def __init__(self, now: str | None = None) -> None:
        self.now = now or instants.now()
        """The instant of the last change."""
        self.lock = threading.RLock()
        self.nodes: dict[str, Any] = {}
        """Every record by node id."""
        self.repositories: dict[int, Repository] = {}
        """The repositories by their number, in the order in which they came."""
        self._names: dict[str, Repository] = {}
        self._redirects: dict[str, Repository] = {}
        self._accounts: dict[str, Account] = {}
        self._account_numbers: set[int] = set()
        self._last_numbers = Counter(_LAST_NUMBERS)

    def account(self, login: str, kind: str = "User", **fields: Any) -> Account:
        """The account with that login; made, with ``fields``, if there is none yet. Its number belongs to its login."""
        with self.lock:
            if found := self.find_account(login):
                return found
            number = fields.pop("database_id", None) or stable_number(login.lower(), 1_000_000, 200_000_000)
            while number in self._account_numbers:
                number += 1
            self._account_numbers.add(number)
            defaults = {"name": None, "created_at": "2015-03-01T12:00:00Z"}
            identity = node_id(_ACCOUNT_PREFIXES[kind], number)
            account = Account(id=identity, database_id=number, login=login, kind=kind, **{**defaults, **fields})
            self._accounts[login.lower()] = account
            return self._register(account)

    def find_account(self, login: str) -> Account | None:
        """The account with that login, if there is one."""
        return self._accounts.get(login.lower())

    def _forget_account(self, account: Account) -> None:
        self._accounts.pop(account.login.lower())
        self.nodes.pop(account.id)

    def add_repository(self, name_with_owner: str, **fields: Any) -> Repository:
        """A new repository. A name that led to a renamed one is this one's from now on."""
        owner, _, name = name_with_owner.partition("/")
        with self.lock:
            number = fields.pop("database_id", None) or stable_number(name_with_owner, 200_000_000, 1_100_000_000)
            while number in self.repositories:
                number += 1
            defaults = {"created_at": self.now, "updated_at": self.now, "pushed_at": self.now}
            repository = Repository(
                id=node_id("R", number),
                database_id=number,
                owner=self.account(owner, "Organization"),
                name=name,
                **{**defaults, **fields},
            )
            self.repositories[number] = repository
            self._name(repository)
            for category, (emoji, is_answerable) in _CATEGORIES.items():
                self.add_category(repository, category, emoji, is_answerable=is_answerable)
            return self._register(repository)

    def find_repository(self, name_with_owner: str, *, follow_renames: bool = True) -> Repository | None:
        """The repository of that name, or once of that name."""
        key = name_with_owner.lower()
        found = self._names.get(key) or (self._redirects.get(key) if follow_renames else None)
        return found if found and not found.is_hidden else None

    def find_node(self, identity: str) -> Any:
        """The record with that node id, unless there is none or its repository is hidden."""
        record = self.nodes.get(identity)
        repository = record if isinstance(record, Repository) else getattr(record, "repository", None)
        return None if repository and repository.is_hidden else record

    def rename_repository(self, repository: Repository, name_with_owner: str) -> None:
        """Rename or transfer it. The old name leads to it until another repository takes that name."""
        with self.lock:
            old = repository.name_with_owner.lower()
            owner, _, repository.name = name_with_owner.partition("/")
            repository.owner = self.account(owner, "Organization")
            self._redirects[old] = self._names.pop(old)
            self._name(repository)

    def _forget_repository(self, repository: Repository) -> None:
        del self.repositories[repository.database_id]
        del self._names[repository.name_with_owner.lower()]
        self._redirects = {name: kept for name, kept in self._redirects.items() if kept is not repository}
        self.nodes.pop(repository.id)

    def label(self, repository: Repository, name: str) -> Label:
        """The repository's label of that name; made if there is none yet."""
        with self.lock:
            if name not in repository.labels:
                number = stable_number(name, 1_000_000_000, 7_000_000_000)
                identity = node_id("LA", repository.database_id, number)
                repository.labels[name] = self._register(Label(identity, name, _COLORS[number % len(_COLORS)]))
            return repository.labels[name]

    def add_category(self, repository: Repository, name: str, emoji: str, *, is_answerable: bool) -> DiscussionCategory:
        """A category of discussions; only in an answerable one an answer can be chosen."""
        identity = node_id("DIC", repository.database_id, stable_number(name, 30_000_000, 44_000_000))
        category = repository.categories[name] = DiscussionCategory(identity, name, emoji, is_answerable)
        return self._register(category)

    @staticmethod
    def language(name: str) -> Language:
        """A programming language."""
        number = stable_number(name, 100, 900)
        return Language(node_id("LANG", number), name, f"#{_COLORS[number % len(_COLORS)]}")

    def _moment(self, at: str | None) -> str:
        """``at``, or a second after the last change."""
        self.now = max(self.now, at) if at else instants.later(self.now, 1)
        return at or self.now

    @staticmethod
    def _touch(record: Any, at: str) -> None:
        """Its ``updated_at`` becomes ``at``, unless it is later already."""
        record.updated_at = max(record.updated_at, at)

    def _register(self, record: Record) -> Record:
        self.nodes[record.id] = record  # type: ignore[attr-defined]
        return record

    def _identity(self, prefix: str, repository: Repository, fields: dict[str, Any]) -> dict[str, Any]:
        """The ids of a new record: those in ``fields``, else the next free ones."""
        number = fields.pop("database_id", None)
        if number is None:
            self._last_numbers[prefix] += 7
            number = self._last_numbers[prefix]
        return {
            "id": fields.pop("id", None) or node_id(prefix, repository.database_id, number),
            "database_id": number,
        }

    @staticmethod
    def _number(repository: Repository, fields: dict[str, Any]) -> int:
        """The number of a new pull request or discussion: the one in ``fields``, else the next free one."""
        number: int = fields.pop("number", None) or repository.last_number + 1
        repository.last_number = max(repository.last_number, number)
        return number

    def _name(self, repository: Repository) -> None:
        self._names[repository.name_with_owner.lower()] = repository
        self._redirects.pop(repository.name_with_owner.lower(), None)
