"""First placement: a question in plain words, asked of the fleet's columns.

`flavor` and `devices` read what is asked, `question` makes queries of the Placement API of it,
`rank` puts in order what `wherry.schedule.search` finds for these, `words` says why there is
nothing; `nova_conf` reads device requests from Nova's own file.
"""
