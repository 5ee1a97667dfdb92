"""What a bad query is told: one table of messages, as clients of Placement know them.

Clients match on parts of these texts, so they stay as they are.  The code goes on the wire
from microversion 1.23 on.

Source: Placement 16.0.0 as it answers, probed; its API reference, "Error codes".
"""

from collections.abc import Mapping
from enum import Enum

from wherry.model.errors import InvalidRequest

UNDEFINED = "placement.undefined_code"
DUPLICATE_KEY = "placement.query.duplicate_key"
BAD_VALUE = "placement.query.bad_value"
MISSING_VALUE = "placement.query.missing_value"

_PARAMETERS = "Invalid query string parameters: "
_RESOURCES = (
    "Badly formed resources parameter. Expected resources query string parameter in form: "
    "?resources=VCPU:2,MEMORY_MB:1024. Got: "
)
_REQUIRED = _PARAMETERS + "Expected 'required' parameter value of the form: "
_ANY = _PARAMETERS + "The format 'in:HW_CPU_X86_VMX,CUSTOM_MAGIC' "


class Message(Enum):
    """Every complaint, with what it names in braces."""

    SCHEMA = _PARAMETERS + "{error}"
    RESOURCES_EMPTY = _RESOURCES + "empty string."
    RESOURCES_FORM = _RESOURCES + "{got}."
    AMOUNT_FORM = "Requested resource {name} expected positive integer amount. Got: {got}."
    AMOUNT_SMALL = "Requested resource {name} requires amount >= 1. Got: {got}."
    TRAIT_EMPTY = _REQUIRED + "{form}. Got an empty trait in: {got}"
    TRAIT_FORBIDDEN_TOO_EARLY = _REQUIRED + "HW_CPU_X86_VMX,CUSTOM_MAGIC. Got: {got}"
    ANY_TOO_EARLY = _ANY + "only supported since microversion 1.39. Got: {got}"
    ANY_EMPTY = _REQUIRED + "in:HW_CPU_X86_VMX,CUSTOM_MAGIC. Got an empty trait in: {got}"
    ANY_FORBIDDEN = _ANY + "does not support forbidden traits. Got: {got}"
    TRAIT_CONFLICT = (
        "Conflicting required and forbidden traits found in the following traits keys: {keys}"
    )
    MEMBER_OF_REPEATED = "Multiple member_of{suffix} parameters are not supported"
    MEMBER_OF_FORBIDDEN = (
        "Forbidden member_of{suffix} parameters are not supported in the specified microversion"
    )
    MEMBER_OF_FORM = (
        "Multiple values for 'member_of' must be prefixed with the 'in:' or '!in:' keyword "
        "using the valid microversion. Got: {got}"
    )
    MEMBER_OF_UUID = (
        _PARAMETERS + "Expected 'member_of' parameter to contain valid UUID(s). Got: {got}"
    )
    IN_TREE_UUID = _PARAMETERS + "Expected 'in_tree' parameter to be a format of uuid. Got: {got}"
    ROOT_REQUIRED_REPEATED = "Query parameter 'root_required' may be specified only once."
    ROOT_REQUIRED_CONFLICT = (
        "Conflicting required and forbidden traits found in root_required: {traits}"
    )
    SUBTREE_EMPTY = "Empty string (unsuffixed group) can not be specified in `same_subtree` "
    SUBTREE_UNKNOWN = (
        "Real suffixes should be specified in `same_subtree`: {bad} not found in {suffixes}."
    )
    NO_RESOURCES = "There must be at least one resources or resources[$S] parameter."
    RESOURCELESS = (
        "Resourceless suffixed group request should be specified in `same_subtree` query "
        "param: bad group(s) - {bad}."
    )
    ORPHANED_TRAITS = (
        "All traits parameters must be associated with resources.  Found the following "
        "orphaned traits keys: {keys}"
    )
    ORPHANED_MEMBER_OF = (
        "All member_of parameters must be associated with resources. Found the following "
        "orphaned member_of keys: {keys}"
    )
    GROUP_WITHOUT_RESOURCES = "All request groups must specify resources."
    NO_GROUP = "At least one request group (`resources` or `resources{{$S}}`) is required."
    GROUP_POLICY_MISSING = (
        'The "group_policy" parameter is required when specifying more than one '
        '"resources{{N}}" parameter.'
    )
    UNKNOWN_CLASS = "Invalid resource class in resources parameter: No such resource class {name}."
    UNKNOWN_TRAIT = "No such trait(s): {name}."


CODES: Mapping[Message, str] = {
    Message.ROOT_REQUIRED_REPEATED: DUPLICATE_KEY,
    Message.ROOT_REQUIRED_CONFLICT: BAD_VALUE,
    Message.SUBTREE_EMPTY: BAD_VALUE,
    Message.SUBTREE_UNKNOWN: BAD_VALUE,
    Message.RESOURCELESS: BAD_VALUE,
    Message.NO_RESOURCES: MISSING_VALUE,
}
"""Codes of the messages that have one of their own; all others are `UNDEFINED`."""


class BadQuery(InvalidRequest):
    """The query asks for something that cannot be asked: correct it and send it again.

    Attributes:
        complaint: which message of the table it is.
        placement_code: what Placement's errors carry as ``code``.
    """

    def __init__(self, message: Message, **named: object) -> None:
        super().__init__(message.value.format(**named))
        self.complaint = message
        self.placement_code = CODES.get(message, UNDEFINED)
