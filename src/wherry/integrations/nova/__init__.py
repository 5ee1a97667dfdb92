"""A filter and a weigher for Nova's scheduler that ask Wherry where a live migration can go.

Installed beside nova-scheduler, and named in nova.conf by their class paths; nothing of Nova is
changed.  These modules import nothing of Wherry that needs more than Nova has itself.

Source: Nova, "Scheduling", "Writing Your Own Filters"; docs/how-to/use-with-nova.md.
"""
