"""Reads hosts: sysfs trees below an injected root, snapshots, libvirt XML files."""
