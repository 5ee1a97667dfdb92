"""Step 1: text of sysfs, libvirt XML and netlink tools to device facts."""
