"""Measures Wherry on the machine it is installed on: seeded fleets, and what work on them costs.

`fleets` makes them, `queries` is what is asked of them, `figures` is what comes out; every other
module measures one kind of work, and looks first whether it gives what it should.
"""
