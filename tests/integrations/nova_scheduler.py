"""Nova's own scheduler in a process: run by the interpreter of the environment that has Nova.

``nova_scheduler.py nova.conf FOLDER`` makes Nova's database in the folder, puts a HostManager
together as nova-scheduler does, and answers one line of JSON for each line of JSON:

- ``{"hosts": [...], "spec": {...}}``: filter and weigh; the hosts that are left, the best first.
- ``{"set": {option: value}}``: change options of ``[wherry]``.
"""

import json
import sys
from pathlib import Path
from typing import Any

import nova.conf
from nova import config, context, objects
from nova.db import migration
from nova.scheduler.host_manager import HostManager, HostState
from oslo_utils import timeutils

CONF = nova.conf.CONF
CELL = "11111111-1111-4111-8111-111111111111"


def start(conf: str, folder: Path) -> HostManager:
    """Load the configuration, make the database, and load filters and weighers by it."""
    objects.register_all()
    databases = folder / "databases.conf"
    databases.write_text(f"[api_database]\nconnection = sqlite:///{folder}/api.db\n")
    files = [conf, str(databases)]
    config.parse_args(["nova-scheduler"], default_config_files=files, init_rpc=False)
    migration.db_sync(database="api")
    return HostManager()


def make_host(name: str) -> HostState:
    """A host whose nova-compute runs."""
    host = HostState(f"{name}.example.org", name, CELL)
    host.service = {"disabled": False, "host": name, "last_seen_up": timeutils.utcnow()}
    host.cpu_allocation_ratio = host.ram_allocation_ratio = host.disk_allocation_ratio = 1.0
    host.hypervisor_version = 8002000
    return host


def make_spec(said: dict[str, Any]) -> Any:
    """A RequestSpec as conductor sends it: over the wire of Nova's objects."""
    flavor = objects.Flavor(
        vcpus=1, memory_mb=64, root_gb=1, ephemeral_gb=0, swap=0, extra_specs={}
    )
    fields = {"num_instances": 1, "flavor": flavor, "force_hosts": None, "force_nodes": None}
    fields |= {"ignore_hosts": None, "requested_destination": None, "scheduler_hints": {}}
    image = objects.ImageMeta(properties=objects.ImageMetaProps())
    fields |= {"image": image, "instance_group": None, "pci_requests": None, **said}
    if "retry" in said and said["retry"] is not None:
        fields["retry"] = objects.SchedulerRetries(
            num_attempts=said["retry"], hosts=objects.ComputeNodeList(objects=[])
        )
    spec = objects.RequestSpec(**fields)
    primitive = spec.obj_to_primitive()
    return objects.RequestSpec.obj_from_primitive(primitive, context.get_admin_context())


def schedule(manager: HostManager, said: dict[str, Any]) -> list[str]:
    """Do what nova.scheduler.manager does with the hosts that Placement has left."""
    hosts = [make_host(name) for name in said["hosts"]]
    spec = make_spec(said["spec"])
    filtered = manager.get_filtered_hosts(hosts, spec, 0)
    return [weighed.obj.nodename for weighed in manager.get_weighed_hosts(filtered, spec)]


def answer(manager: HostManager, said: dict[str, Any]) -> Any:
    for option, value in said.get("set", {}).items():
        CONF.set_override(option, value, group="wherry")
    if "hosts" in said:
        return schedule(manager, said)
    return {
        "filters": [type(each).__name__ for each in manager.enabled_filters],
        "weighers": [type(each).__name__ for each in manager.weighers],
    }


def main() -> None:
    manager = start(sys.argv[1], Path(sys.argv[2]))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(answer(manager, json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
