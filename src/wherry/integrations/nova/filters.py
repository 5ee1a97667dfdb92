"""``wherry.integrations.nova.filters.WherryFilter``: hosts that a live migration may go to."""

from collections.abc import Iterable
from typing import Any

import nova.conf
from nova.scheduler import filters
from oslo_log import log as logging

from wherry.integrations.nova import options
from wherry.integrations.nova.asking import ASKER, NoAnswer, is_live_migration

CONF = nova.conf.CONF
options.register(CONF)
LOG = logging.getLogger(__name__)


class WherryFilter(filters.BaseHostFilter):  # type: ignore[misc] # Nova has no types
    """Passes the hosts that take all devices of the guest as they are now, in one question.

    What is no live migration passes as it is.
    """

    run_filter_once_per_request = True

    def filter_all(self, filter_obj_list: Iterable[Any], spec_obj: Any) -> list[Any]:
        """Give the hosts that pass."""
        hosts = list(filter_obj_list)
        if not hosts or not is_live_migration(spec_obj):
            return hosts
        try:
            answer = ASKER.ask(CONF.wherry, hosts, spec_obj)
        except NoAnswer as error:
            policy = CONF.wherry.without_answer
            LOG.warning("Wherry: %s; without_answer = %s", error, policy)
            return hosts if policy == "pass" else []
        passed = [host for host in hosts if answer.takes(host)]
        LOG.debug("Wherry: %d of %d hosts take the guest", len(passed), len(hosts))
        return passed
