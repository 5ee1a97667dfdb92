"""A plan in lines for people: ``24 CUSTOM_MTTY_PORT, 19 free (mtty/mtty-1: 19, …)``."""

from wherry.inventory.views import pool_free, view_free
from wherry.model.inventory import HostPlan, PlannedProvider, Use, View


def pool_lines(plan: HostPlan) -> dict[str, tuple[str, ...]]:
    """Give, per device, a line for each pool of each of its providers, or why there is none."""
    lines: dict[str, tuple[str, ...]] = {}
    for provider in plan.providers:
        if isinstance(provider.device, str):
            lines[provider.device] = (*lines.get(provider.device, ()), *provider_lines(provider))
    return lines


def provider_lines(provider: PlannedProvider) -> tuple[str, ...]:
    """Give a line for each pool, with what each type could still take of it, and the note."""
    use = seen_use(provider)
    lines = [
        f"{inventory.total} {pool}, {pool_free(provider, use, pool)} free"
        f"{_types(provider, use, pool)}"
        for pool, inventory in sorted(provider.inventories.items())
    ]
    if isinstance(provider.note, str):
        lines.append(provider.note)
    return tuple(lines)


def seen_use(provider: PlannedProvider) -> Use:
    """Give the use of a provider as its host sees it, before anything is allocated."""
    stray: dict[str, int] = {}
    values = set()
    for instance in provider.instances:
        for pool, units in instance.units.items():
            stray[pool] = stray.get(pool, 0) + units
        values.add(instance.exclusive)
    return Use(stray=stray, exclusive=tuple(sorted((v for v in values if v is not None), key=repr)))


def _types(provider: PlannedProvider, use: Use, pool: str) -> str:
    counts = [
        f"{offer.type}: {view_free(provider, use, View(type=offer.type, units=offer.units))}"
        for offer in provider.offers
        if offer.type is not None and isinstance(offer.units, dict) and pool in offer.units
    ]
    return f" ({', '.join(counts)})" if counts else ""
