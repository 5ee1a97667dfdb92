"""Compatibility as a question that a scheduler of Placement can ask: derived traits.

`marks` says what an offer publishes, `ask` what a contract asks of it, `host` both for a host
and a guest's needs, `guest` puts a whole guest together, and `labels` makes names of it that
tell nothing.  What a query finds is judged by the rules before it is claimed.

Source: docs/reference/compat.md, section 13, "Placement: derived traits".
"""
