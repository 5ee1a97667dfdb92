"""First placement: where a new guest could go, and taking it.

`place` is the use case; `search` asks the columns, `answer` tells what was found in names and
addresses, `claim` takes the best that is still free.
"""
