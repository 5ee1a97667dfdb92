"""``wherry.integrations.nova.weights.WherryWeigher``: prefers what Wherry prefers."""

from collections.abc import Sequence
from typing import Any

import nova.conf
from nova.scheduler import weights
from oslo_log import log as logging

from wherry.integrations.nova import options
from wherry.integrations.nova.asking import ASKER, NoAnswer, is_live_migration

CONF = nova.conf.CONF
options.register(CONF)
LOG = logging.getLogger(__name__)


class WherryWeigher(weights.BaseHostWeigher):  # type: ignore[misc] # Nova has no types
    """Weighs a live migration's hosts by the score that Wherry gives them; others all alike.

    It takes the answer that the filter had, and asks itself where the filter is not on.
    """

    def weight_multiplier(self, host_state: Any) -> float:  # noqa: ARG002, Nova's signature
        """How much the weigher counts."""
        return float(CONF.wherry.weight_multiplier)

    def weigh_objects(self, weighed_obj_list: Sequence[Any], weight_properties: Any) -> list[float]:
        """Give the scores of all hosts."""
        hosts = [weighed.obj for weighed in weighed_obj_list]
        if is_live_migration(weight_properties) and ASKER.last(weight_properties) is None:
            try:
                ASKER.ask(CONF.wherry, hosts, weight_properties)
            except NoAnswer as error:
                LOG.warning("Wherry: %s; its scores do not count", error)
        return [self._weigh_object(host, weight_properties) for host in hosts]

    def _weigh_object(self, obj: Any, weight_properties: Any) -> float:
        """Give the score of a host; 0 where nothing is known of it."""
        answer = ASKER.last(weight_properties)
        return 0.0 if answer is None else answer.score(obj)
