"""The file of options that OpenStack's services read, such as ``placement.conf``.

Source: oslo.config, "The configuration files"; nothing is read that is not named.
"""

from pathlib import Path

from oslo_config import cfg

from wherry.model.errors import BadConfiguration


def read_config(file: Path | None) -> cfg.ConfigOpts:
    """Read a file of options; without one every option has its default.

    Raises:
        BadConfiguration: it cannot be read, or is not of that format.
    """
    conf = cfg.ConfigOpts()
    files = [] if file is None else [str(file)]
    try:
        conf([], project="wherry", default_config_files=files, default_config_dirs=[])
    except cfg.Error as error:
        message = f"{file}: {' '.join(str(error).split())}"
        raise BadConfiguration(message) from None
    return conf
