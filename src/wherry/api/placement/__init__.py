"""The Placement door: OpenStack's Placement API, microversions 1.0 to 1.39.

`app` answers requests by the table of `routes`; what microversions differ in stands in
`microversions`; a handler parses, calls one use case and renders.

Source: Placement API reference; openstack-placement 16.0.0 as it answers.
"""
