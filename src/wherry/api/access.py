"""Who comes in and what they may do, by the settings: for both doors at once.

Tokens of a file, of nobody and of Placement's tests need nothing more.  Keystone and an
operator's policy file need the libraries of the extra ``openstack``, which are imported here
and only then.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from wherry.api.auth import Identify, open_door
from wherry.api.errors import Unauthenticated
from wherry.api.placement.identity import (
    Client,
    Environ,
    IdentifyClient,
    identify_by,
    identify_noauth2,
)
from wherry.api.placement.policy import PROFILES, Policy
from wherry.api.placement.refused import Refused
from wherry.app.settings import Settings
from wherry.model.caller import Caller
from wherry.model.errors import BadConfiguration


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How callers are told apart, and what lets them do things.

    Attributes:
        identify: for Wherry's own API.
        identify_client: for the Placement API.
        policy: the rules of the Placement API.
    """

    identify: Identify
    identify_client: IdentifyClient
    policy: Policy


def open_access(settings: Settings) -> Access:
    """Set up what the settings ask for.

    Raises:
        BadConfiguration: a file cannot be taken, or the extra is not installed.
    """
    policy: Policy = PROFILES[settings.placement_policy]
    conf: Any = None
    if settings.auth == "keystone" or settings.placement_policy_file is not None:
        openstack = _openstack(settings)
        conf = openstack.read_config(settings.keystone_config)
        policy = openstack.read_policy(
            settings.placement_policy,
            conf,
            config=settings.keystone_config,
            file=settings.placement_policy_file,
        )
    if settings.auth == "keystone" and settings.keystone_config is not None:
        return _with_keystone(settings, conf, settings.keystone_config, policy)
    identify = open_door(settings)
    is_noauth2 = settings.auth == "noauth2"
    return Access(
        identify=identify,
        identify_client=identify_noauth2 if is_noauth2 else identify_by(identify),
        policy=policy,
    )


def _openstack(settings: Settings) -> ModuleType:
    asked = "auth keystone" if settings.auth == "keystone" else "placement_policy_file"
    try:
        from wherry.api import openstack  # noqa: PLC0415
    except ImportError as error:
        message = (
            f"{asked} needs the extra openstack, and {error.name} is not installed: "
            "pip install 'wherry[openstack]'"
        )
        raise BadConfiguration(message) from None
    return openstack


def _with_keystone(settings: Settings, conf: Any, file: Path, policy: Policy) -> Access:
    """Ask Keystone whose a token is, unless the file of tokens knows it."""
    keystone = _openstack(settings).Keystone(conf, file)
    if settings.tokens_file is None:
        return Access(identify=keystone.caller, identify_client=keystone.client, policy=policy)
    ours = open_door(settings)
    ours_client = identify_by(ours)

    def identify(header: str | None) -> Caller:
        with contextlib.suppress(Unauthenticated):
            return ours(header)
        caller: Caller = keystone.caller(header)
        return caller

    def identify_client(environ: Environ) -> Client:
        with contextlib.suppress(Refused):
            return ours_client(environ)
        client: Client = keystone.client(environ)
        return client

    return Access(identify=identify, identify_client=identify_client, policy=policy)
