"""What is offered now, whether its names are used alike, and the profiles in force."""

from msgspec import UNSET

from wherry.app.engine import Engine
from wherry.inventory.host_view import HostView, OfferView
from wherry.inventory.interning import Shape
from wherry.inventory.lint import lint_types
from wherry.inventory.serving import serves
from wherry.inventory.views import view_free
from wherry.model.errors import NotFound
from wherry.model.inventory import View
from wherry.model.wire import OfferList, OfferRow, ProfileList, ProfileSummary, TypeLintList


def list_offers(engine: Engine, host: str | None = None, type_name: str | None = None) -> OfferList:
    """List offers by host, provider and type: all, of one host, or those that serve a type.

    Raises:
        NotFound: there is no such host.
    """
    view = engine.view()
    hosts: list[HostView]
    if host is None:
        hosts = sorted(view, key=lambda each: each.name)
    else:
        found = view.get(host)
        if found is None:
            raise NotFound(what="host", name=host)
        hosts = [found]
    rows = [
        _row(each, offer)
        for each in hosts
        for offer in sorted(each.offers, key=lambda o: (o.provider.record.plan.name, o.index))
        if type_name is None or serves(offer.shape.value, type_name)
    ]
    return OfferList(offers=tuple(rows))


def list_lints(engine: Engine) -> TypeLintList:
    """Hold offers of a type against the first of it and of their version: a name of two meanings.

    Cost: a look at each offer, and a few comparisons for each distinct shape.
    """
    first: dict[Shape, str] = {}
    for host in sorted(engine.view(), key=lambda each: each.name):
        for provider in host.providers:
            for shape in provider.shapes:
                first.setdefault(shape, provider.record.plan.name)
    offers = ((name, shape.value) for shape, name in first.items() if shape.value.type is not None)
    return TypeLintList(lints=tuple(lint_types(offers)))


def list_profiles(engine: Engine) -> ProfileList:
    """List the profiles in force, in the order of their titles."""
    profiles = engine.profiles
    return ProfileList(
        profiles=tuple(
            ProfileSummary(
                id=profile.title,
                source=profiles.sources[profile.id],
                drivers=_as_tuple(profile.match.driver),
                description=profile.about,
            )
            for profile in profiles.all
        )
    )


def _row(host: HostView, view: OfferView) -> OfferRow:
    provider = view.provider.record
    return OfferRow(
        host=host.name,
        provider=provider.plan.uuid,
        provider_name=provider.plan.name,
        offer=view.offer,
        fits=_fits(view),
    )


def _fits(view: OfferView) -> int | None:
    """Count the instances that still fit; None where the offer counts nothing."""
    provider, offer = view.provider.record, view.offer
    if offer.type is None or not isinstance(offer.units, dict) or not offer.units:
        return None
    return view_free(provider.plan, provider.use, View(type=offer.type, units=offer.units))


def _as_tuple(one_or_more: object) -> tuple[str, ...]:
    if one_or_more is UNSET:
        return ()
    return (one_or_more,) if isinstance(one_or_more, str) else tuple(one_or_more)  # type: ignore[arg-type]
