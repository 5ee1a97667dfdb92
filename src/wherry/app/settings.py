"""How the service is set up.

Every field is an option of ``wherry serve``, a ``WHERRY_…`` variable and a line below
``[serve]`` of the TOML file; docs/reference/configuration.md lists them.
"""

import ipaddress
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from wherry.app.options import Option, one_of, path, resolve, text, whole
from wherry.model.errors import BadConfiguration
from wherry.schedule.ranking import Ranking
from wherry.schedule.weighers import Weights


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How one service runs.

    Attributes:
        host: address to listen on; other than loopback only with ``auth`` set.
        port: TCP port; 0 lets the system choose, for tests.
        state_dir: folder of the embedded database and of snapshots.
        database: SQLAlchemy URL; empty means SQLite in ``state_dir``.
        workers: processes that answer; more than one needs PostgreSQL.
        threads: requests answered at once by each process, besides long-polls.
        long_polls: agents that may hold a long-poll on each process; beyond that 503.
        auth: ``none`` (everybody is admin, loopback only), ``token``, ``keystone``, or
            ``noauth2`` (Placement's for tests: headers say who asks, loopback only).
        tokens_file: TOML file of token digests and roles; needed by ``token``, and asked
            before Keystone where both are there.  Another thing than an agent's
            ``token_file``, which holds one token.
        keystone_config: file of OpenStack's options with the section
            ``[keystone_authtoken]``; needed by ``keystone``.
        placement_policy: whom Placement's rules let in; ``open`` is for tests.
        placement_policy_file: an operator's rules, which go before those.
        cors_origins: origins whose pages may use the Placement API from a browser.
        profile_dirs: folders of driver profiles that go before the built-in ones.
        roots: whether a report makes its host's root provider, or waits for a client's.
        publish_traits: whether offers publish derived traits, for schedulers that speak only
            Placement.
        lease_s: seconds until a claimed migration expires unless renewed.
        preflight_s: seconds in which both agents must answer; silence is a refusal.
        keep_migrations_days: how long a migration that has ended stays on record.
        max_body_mb: largest body that is read, in MiB.
        weights: weigher and how much it counts, for those that are not as by default.
        ranking_seed: puts hosts in order that are otherwise equal; None: 0 for targets, and
            each first placement begins at another host.
    """

    host: str = "127.0.0.1"
    port: int = 8778
    state_dir: Path = Path("wherry-state")
    database: str = ""
    workers: int = 1
    threads: int = 8
    long_polls: int = 256
    auth: Literal["none", "token", "keystone", "noauth2"] = "none"
    tokens_file: Path | None = None
    keystone_config: Path | None = None
    placement_policy: Literal["legacy", "secure", "open"] = "secure"
    placement_policy_file: Path | None = None
    cors_origins: tuple[str, ...] = ()
    profile_dirs: tuple[Path, ...] = ()
    roots: Literal["own", "external"] = "own"
    publish_traits: Literal["no", "yes"] = "no"
    lease_s: int = 300
    preflight_s: int = 10
    keep_migrations_days: int = 90
    max_body_mb: int = 16
    weights: tuple[tuple[str, float], ...] = ()
    ranking_seed: int | None = None

    @property
    def ranking(self) -> Ranking:
        """How hosts that take a guest are put in order."""
        return Ranking(weights=Weights(**dict(self.weights)), seed=self.ranking_seed or 0)

    @property
    def database_url(self) -> str:
        """The database as a URL, whichever way it was said."""
        return self.database or f"sqlite:///{self.state_dir / 'wherry.sqlite3'}"

    @property
    def believes_all(self) -> bool:
        """Whether nobody has to prove who they are."""
        return self.auth in {"none", "noauth2"}

    @property
    def is_embedded(self) -> bool:
        """Whether the database is a file that this service alone owns."""
        return self.database_url.startswith("sqlite")


def default_state_dir(environ: Mapping[str, str]) -> Path:
    """Where state is kept unless said otherwise: below ``$XDG_STATE_HOME`` or the home folder."""
    base = environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path("~/.local/state").expanduser()) / "wherry"


def _database(raw: Any) -> str:
    url = text(raw)
    if urlsplit(url).scheme.partition("+")[0] not in {"sqlite", "postgresql"}:
        raise ValueError("must be a URL such as postgresql://user@host/wherry or sqlite:////path")
    return url


def _weight(raw: Any) -> tuple[str, float]:
    name, _, number = text(raw).partition("=")
    known = Weights.__struct_fields__
    if name not in known:
        raise ValueError(f"must be one of {', '.join(known)}, with = and a number")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"must be a number after {name}=")
    return name, value


TABLE: tuple[Option, ...] = (
    Option(
        name="host",
        parse=text,
        default="127.0.0.1",
        metavar="ADDRESS",
        help="Address to listen on; other than loopback only with --auth token or keystone.",
    ),
    Option(
        name="port",
        parse=whole(0, 65535),
        default=8778,
        metavar="PORT",
        help="TCP port; 0 lets the system choose.",
    ),
    Option(
        name="state_dir",
        parse=path,
        default=None,
        metavar="DIR",
        help="Folder of the embedded database (default: ~/.local/state/wherry).",
    ),
    Option(
        name="database",
        parse=_database,
        default="",
        metavar="URL",
        help="Database (default: SQLite in the state folder); PostgreSQL for several processes.",
    ),
    Option(
        name="workers",
        parse=whole(1, 64),
        default=1,
        metavar="N",
        help="Processes that answer; more than one needs PostgreSQL.",
    ),
    Option(
        name="threads",
        parse=whole(1, 64),
        default=8,
        metavar="N",
        help="Requests that each process answers at once, besides long-polls.",
    ),
    Option(
        name="long_polls",
        parse=whole(1, 4096),
        default=256,
        metavar="N",
        help="Agents that may wait for work on each process; beyond that 503.",
    ),
    Option(
        name="auth",
        parse=one_of("none", "token", "keystone", "noauth2"),
        default="none",
        metavar="none|token|keystone|noauth2",
        help="How callers prove who they are; none and noauth2 believe all, on loopback only.",
    ),
    Option(
        name="tokens_file",
        parse=path,
        default=None,
        metavar="FILE",
        help="TOML file of token digests with role and project, for --auth token.",
    ),
    Option(
        name="keystone_config",
        parse=path,
        default=None,
        metavar="FILE",
        help="File of OpenStack's options with [keystone_authtoken], for --auth keystone.",
    ),
    Option(
        name="placement_policy",
        parse=one_of("legacy", "secure", "open"),
        default="secure",
        metavar="legacy|secure|open",
        help="Whom the rules of the Placement API let in; open is for tests.",
    ),
    Option(
        name="placement_policy_file",
        parse=path,
        default=None,
        metavar="FILE",
        help="Policy file of rules that go before those of the Placement API.",
    ),
    Option(
        name="cors_origins",
        parse=text,
        default=(),
        metavar="ORIGIN",
        many=True,
        separator=" ",
        help="Origin whose pages may use the Placement API; may be repeated.",
    ),
    Option(
        name="profile_dirs",
        parse=path,
        default=(),
        metavar="DIR",
        many=True,
        help="Folder of driver profiles that go before the built-in ones; may be repeated.",
    ),
    Option(
        name="roots",
        parse=one_of("own", "external"),
        default="own",
        metavar="own|external",
        help="Who makes the root providers of hosts: this service, or Nova.",
    ),
    Option(
        name="publish_traits",
        parse=one_of("no", "yes"),
        default="no",
        metavar="no|yes",
        help="Whether derived traits with salted labels are on providers, for `wherry query`.",
    ),
    Option(
        name="lease_s",
        parse=whole(1, 86_400),
        default=300,
        metavar="SECONDS",
        help="How long a claimed migration stands unless it is renewed.",
    ),
    Option(
        name="preflight_s",
        parse=whole(1, 600),
        default=10,
        metavar="SECONDS",
        help="How long both agents have to answer a pre-flight; silence is a refusal.",
    ),
    Option(
        name="keep_migrations_days",
        parse=whole(1, 36_500),
        default=90,
        metavar="DAYS",
        help="How long a migration that has ended stays on record, with its history.",
    ),
    Option(
        name="max_body_mb",
        parse=whole(1, 1024),
        default=16,
        metavar="MIB",
        help="Largest body that is read.",
    ),
    Option(
        name="weights",
        parse=_weight,
        default=(),
        metavar="NAME=NUMBER",
        many=True,
        separator=" ",
        help="How much a weigher counts in the order of targets; may be repeated.",
    ),
    Option(
        name="ranking_seed",
        parse=whole(0, 0xFFFFFFFF),
        default=None,
        metavar="NUMBER",
        help="Puts hosts in order that are otherwise equal, for answers that can be repeated.",
    ),
)


def load_settings(
    given: Mapping[str, Any],
    *,
    environ: Mapping[str, str] = os.environ,
    file: Path | None = None,
) -> Settings:
    """Read the settings from command line, environment and file.

    Raises:
        BadConfiguration: a value cannot be used; the message names where it was said.
    """
    values = resolve(TABLE, section="serve", given=given, environ=environ, file=file)
    if values["state_dir"] is None:
        values["state_dir"] = default_state_dir(environ)
    settings = Settings(**values)
    require_consistent(settings)
    return settings


def require_consistent(settings: Settings) -> None:
    """Refuse settings that exclude each other.

    Raises:
        BadConfiguration: with what to change.
    """
    if settings.workers > 1 and settings.is_embedded:
        message = (
            f"workers is {settings.workers}, but SQLite has one owning process: "
            "set workers to 1, or database to a PostgreSQL URL"
        )
        raise BadConfiguration(message)
    if settings.believes_all and not is_loopback(settings.host):
        message = (
            f"host {settings.host} is not loopback, and auth is {settings.auth}: "
            "set auth to token or keystone, or host to 127.0.0.1"
        )
        raise BadConfiguration(message)
    if settings.auth == "token" and settings.tokens_file is None:
        raise BadConfiguration("auth is token: name the file of tokens with tokens_file")
    if settings.auth == "keystone" and settings.keystone_config is None:
        message = (
            "auth is keystone: name the file that holds [keystone_authtoken], such as "
            "placement.conf, with keystone_config"
        )
        raise BadConfiguration(message)


@lru_cache(maxsize=256)
def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
