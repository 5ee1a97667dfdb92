"""A log of a failed migration, explained: which device, which rule, what to do.

`signs` lists the lines that hypervisors and schedulers write, `explain` finds them in a log.

Source: QEMU's, libvirt's and Nova's own messages; recordings of real failures.
"""
