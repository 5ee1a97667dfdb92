"""Copies all that one Placement holds into another, by the public API of both.

`world` has the values, `plan` and `compare` decide on them, `client` and `read` ask, and `copy`
puts it together.  Either end may be openstack-placement or Wherry.
"""
