"""What instances on one provider must agree in, as a contract has it.

Source: docs/reference/compat.md, R52 and section 10.
"""

from wherry.model.device import Contract, ParamValue


def value_by(contract: Contract, by: str) -> ParamValue:
    """The contract's type or parameter; None where it has none or it could not be read."""
    if by == "type":
        return contract.type
    return (contract.params or {}).get(by)
