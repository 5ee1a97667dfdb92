"""Options of ``[wherry]`` in nova.conf."""

from oslo_config import cfg, types

GROUP = "wherry"
OPTIONS = (
    cfg.URIOpt(
        "url",
        default="http://127.0.0.1:8778",
        schemes=["http", "https"],
        help="Address of the service.",
    ),
    cfg.StrOpt("token_file", help="File that holds a token of role service; none is sent without."),
    cfg.StrOpt("cafile", help="File of certificates that the service's is held against."),
    cfg.FloatOpt(
        "timeout_s",
        default=2.0,
        min=0.05,
        max=60.0,
        help="How long the service has to take the connection, and then to answer.",
    ),
    cfg.StrOpt(
        "without_answer",
        default="pass",
        choices=[
            ("pass", "every host passes, as if the filter were not there"),
            ("refuse", "no host passes, and the migration is refused"),
        ],
        help="What becomes of a live migration while the service does not answer.",
    ),
    cfg.ListOpt(
        "accept",
        default=["ok", "warn"],
        item_type=types.String(choices=["ok", "warn", "unknown"]),
        help="Verdicts with which a host passes.",
    ),
    cfg.BoolOpt(
        "is_placement",
        default=True,
        help="Whether Nova's Placement is Wherry, which then sees that a migration holds the "
        "allocations of a guest that moves; a guest that holds its own is evacuated, and every "
        "host passes.",
    ),
    cfg.FloatOpt(
        "weight_multiplier",
        default=1.0,
        help="How much the weigher counts; below 0 turns it around.",
    ),
)


def register(conf: cfg.ConfigOpts) -> None:
    """Let a configuration have the options; again changes nothing."""
    conf.register_opts(OPTIONS, group=GROUP)


def list_opts() -> list[tuple[str, list[cfg.Opt]]]:
    """Give the options to ``oslo-config-generator``."""
    return [(GROUP, list(OPTIONS))]
