"""Why a request of a Placement client is refused: one class for each thing it can do about it.

The texts are those that clients of Placement know and match on; how they stand in an answer
is the door's business.

Source: Placement 16.0.0 as it answers, probed.
"""

from collections.abc import Iterable

from wherry.model.errors import NotFound, WherryError


class NoSuchProvider(NotFound):
    """There is no such resource provider: create it first."""

    def __init__(self, uuid: str) -> None:
        super().__init__(what="resource provider with uuid", name=uuid)
        self.provider = uuid

    def __str__(self) -> str:
        return f"No resource provider with uuid {self.provider} found"


class NoSuchClass(NotFound):
    """There is no such resource class: create it first."""

    def __init__(self, name: str) -> None:
        super().__init__(what="resource class", name=name)

    def __str__(self) -> str:
        return f"No such resource class {self.name}."


class NoSuchTrait(NotFound):
    """There is no such trait: create it first."""

    def __init__(self, names: Iterable[str]) -> None:
        super().__init__(what="trait", name=", ".join(sorted(names)))

    def __str__(self) -> str:
        return f"No such trait(s): {self.name}."


class NoSuchInventory(NotFound):
    """The provider has no inventory of the class: list what it has."""

    def __init__(self, name: str) -> None:
        super().__init__(what="inventory of class", name=name)

    def __str__(self) -> str:
        return f"No inventory of class {self.name} found."


class NothingHeld(NotFound):
    """The consumer holds nothing: there is nothing to delete."""

    def __init__(self, consumer: str) -> None:
        super().__init__(what="allocations for consumer", name=consumer)

    def __str__(self) -> str:
        return f"No allocations for consumer '{self.name}'"


class Refusal(WherryError):
    """What was asked cannot be done as things stand: the message says why."""

    code = "placement.refused"


class ProviderTaken(Refusal):
    """The name or uuid is another provider's: choose another."""

    code = "placement.duplicate_name"


class BadTree(Refusal):
    """A provider cannot stand there in a tree: choose another parent."""

    code = "placement.bad_tree"

    def __init__(self, action: str, reason: str) -> None:
        super().__init__(f"Object action {action} failed because: {reason}")


class GenerationConflict(Refusal):
    """The provider changed after it was read: read again, decide again."""

    code = "placement.concurrent_update"

    def __init__(self, *, uuid: str, expected: int, found: int) -> None:
        super().__init__(
            f"resource provider {uuid} is no longer at generation {expected}, but at {found}"
        )
        self.provider = uuid
        self.expected = expected
        self.found = found


class ConsumerConflict(Refusal):
    """The consumer changed after it was read: read again, decide again."""

    code = "placement.concurrent_update"

    def __init__(self, *, expected: int | None, got: int | None) -> None:
        words = "null" if expected is None else str(expected)
        super().__init__(f"consumer generation conflict - expected {words} but got {got}")


class ProviderHeld(Refusal):
    """Something is held on the provider: delete the allocations first."""

    code = "placement.resource_provider.inuse"

    def __init__(self) -> None:
        super().__init__("Resource provider has allocations.")


class ProviderHasChildren(Refusal):
    """Other providers stand below the provider: delete them first."""

    code = "placement.resource_provider.cannot_delete_parent"

    def __init__(self) -> None:
        super().__init__("It has child resource providers.")


class Managed(Refusal):
    """The provider comes from a host's report: the host changes it, and nobody else."""

    code = "wherry.managed"

    def __init__(self, uuid: str) -> None:
        super().__init__(
            f"resource provider {uuid} is managed by the report of its host: "
            "change the host or its configuration"
        )


class ComposedHolder(Refusal):
    """The consumer is a composition, which is dissolved as a whole."""

    code = "wherry.managed"

    def __init__(self, consumer: str) -> None:
        super().__init__(
            f"consumer {consumer} is a composition: dissolve it with `wherry compositions dissolve`"
        )


class InventoryHeld(Refusal):
    """Something is held of the class: delete the allocations first."""

    code = "placement.inventory.inuse"

    def __init__(self, classes: Iterable[str], provider: str) -> None:
        names = ", ".join(classes)
        super().__init__(f"Inventory for '{names}' on resource provider '{provider}' in use.")


class InventoryExists(Refusal):
    """The provider has an inventory of the class already: change that."""

    code = "placement.concurrent_update"

    def __init__(self, name: str, provider: str) -> None:
        super().__init__(f"Inventory of class {name} on {provider} exists already.")


class BadCapacity(Refusal):
    """More is reserved than there is: reserve less."""

    code = "placement.bad_capacity"

    def __init__(self, name: str, provider: str, *, may_equal: bool) -> None:
        than = "greater than" if may_equal else "greater than or equal to"
        super().__init__(
            f"Invalid inventory for '{name}' on resource provider '{provider}'. "
            f"The reserved value is {than} total."
        )


class NameTaken(Refusal):
    """There is a class of this name already."""

    code = "placement.name_taken"

    def __init__(self, name: str) -> None:
        super().__init__(name)


class StandardName(Refusal):
    """Standard names stay as they are."""

    code = "placement.standard_name"

    def __init__(self, what: str, name: str) -> None:
        super().__init__(f"Cannot delete standard {what} {name}.")
        self.name = name


class NameUsed(Refusal):
    """A provider has it: take it away from the providers first."""

    code = "placement.name_used"


class UnknownProviderInAllocation(Refusal):
    """An allocation names a provider that does not exist: ask for candidates again."""

    code = "placement.allocation_provider"

    def __init__(self, uuid: str) -> None:
        super().__init__(f"Allocation for resource provider '{uuid}' that does not exist.")


class AllocationRefused(Refusal):
    """The allocations do not fit: try the next candidate."""

    code = "placement.allocation_refused"


class InventoryMissing(AllocationRefused):
    """A provider has no inventory of an allocation's class."""

    def __init__(self, classes: Iterable[str], providers: Iterable[str]) -> None:
        super().__init__(
            f"Inventory for '{', '.join(classes)}' on "
            f"resource provider '{', '.join(providers)}' invalid."
        )


class DoesNotFit(AllocationRefused):
    """A provider has less than asked, or does not give such amounts."""

    def __init__(self, name: str, provider: str, *, why: str) -> None:
        super().__init__(
            f"Unable to create allocation for '{name}' on resource provider '{provider}'. "
            f"The requested amount would {why}."
        )


EXCEEDS = "exceed the capacity"
VIOLATES = "violate inventory constraints"
UNTOLD = "be of a type that nobody can tell: ask for the class of one"
