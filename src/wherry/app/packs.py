"""Policy packs in force: those that came with Wherry, and what operators put in their place."""

from msgspec.structs import replace

from wherry.app.engine import Engine
from wherry.model.checks import Pack, Policy
from wherry.model.errors import NotFound
from wherry.model.wire import PackList
from wherry.profiles.builtin import builtin_packs
from wherry.profiles.packs import require_sound
from wherry.store.packs import read_packs, write_pack


def list_packs(engine: Engine) -> PackList:
    """List the packs in force, by id."""
    packs = {pack.id: pack for pack in builtin_packs()}
    packs |= {pack.id: pack for pack in engine.store.read(read_packs)}
    return PackList(packs=tuple(pack for _, pack in sorted(packs.items())))


def get_pack(engine: Engine, pack_id: str) -> Pack:
    """Give one pack in force.

    Raises:
        NotFound: there is none of this id.
    """
    found = next((pack for pack in list_packs(engine).packs if pack.id == pack_id), None)
    if found is None:
        raise NotFound(what="policy pack", name=pack_id)
    return found


def put_pack(engine: Engine, pack: Pack) -> Pack:
    """Put a pack in force, for every stored guest from now on.

    Raises:
        InvalidProfile: two of its rows have one id.
    """
    require_sound(pack, source=pack.id)
    engine.store.write(lambda tx: write_pack(tx, pack))
    return pack


def in_force(engine: Engine, policy: Policy) -> Policy:
    """Give a policy with the packs in force; a pack that it brings itself goes before them."""
    own = {pack.id for pack in policy.packs}
    others = tuple(pack for pack in list_packs(engine).packs if pack.id not in own)
    return replace(policy, packs=(*policy.packs, *others)) if others else policy
