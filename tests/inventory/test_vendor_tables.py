"""What the vendor's own manager says of each board, against what the profile makes of it."""

import re
from collections import defaultdict
from pathlib import Path

from host_facts import PF, a_pf, a_plan, a_vgpu_vf, the_provider
from wherry.inventory.views import view_free
from wherry.model.inventory import Use

BOARDS = {
    "A100": "20f1", "A100D": "20b5", "A100DX": "20b2", "A100X": "20b0", "A30": "20b7",
    "A10": "2236", "A16": "25b6", "A2": "25b6", "A40": "2235", "RTXA5000": "2231",
    "RTXA5500": "2233", "RTXA6000": "2230", "L2": "27b6", "L4": "27b8", "L20": "26ba",
    "L40": "26b5", "L40S": "26b9", "RTX5000-Ada": "26b2", "RTX6000-Ada": "26b1",
    "H100": "2331", "H100L": "2321", "H100XM": "2330", "H200": "233b", "H200X": "2335",
}  # fmt: skip
ROUNDED = {
    "H100L-1-24C": 3, "H200-3-71C": 1, "H200X-3-71C": 1, "H200-8C": 17, "H200X-8C": 17,
}  # fmt: skip
"""Types whose name rounds the framebuffer, so that the count from names is another one."""


def counts_in(file: Path) -> dict[str, dict[str, int]]:
    """Board to type to how many one board makes."""
    found: dict[str, dict[str, int]] = defaultdict(dict)
    for name, count in re.findall(
        r'^ +"?([\w.-]+)"?: (\d+)$', file.read_text("utf-8"), re.MULTILINE
    ):
        board = re.split(r"-\d", name)[0]
        found[board][name] = int(count)
    return found


def test_a_board_makes_as_many_of_each_type_as_its_vendor_says(shared: Path) -> None:
    said = counts_in(shared / "data/recorded/vgpu-device-manager/config-example.yaml")
    checked = 0
    for board, device in BOARDS.items():
        lines = {number: f"NVIDIA {name}" for number, name in enumerate(said[board], 1)}
        pf = a_pf(vfs=32, driver="nvidia", vendor="10de", device=device, class_="030200")
        vfs = [a_vgpu_vf(vf, lines, device=device) for vf in range(32)]

        provider = the_provider(a_plan(pf, *vfs), PF)

        made = {
            view.type.removeprefix("nvidia/"): view_free(provider, Use(), view)
            for view in provider.views.values()
        }
        assert made == said[board] | {n: c for n, c in ROUNDED.items() if n in said[board]}
        checked += len(made)
    assert checked > 300
