"""Tokens and rules as OpenStack's services know them, by the libraries those use.

All that needs the extra ``wherry[openstack]`` stands here, and is imported only where the
settings ask for it.
"""

from wherry.api.openstack.config import read_config
from wherry.api.openstack.keystone import Keystone
from wherry.api.openstack.rules import read_policy

__all__ = ["Keystone", "read_config", "read_policy"]
