"""What Linux says of a CPU tells whether bfloat16 is worth it."""

from __future__ import annotations

import pytest

from inference.cores import bfloat16_is_fast_on

FLAGS = "fpu sse2 avx512f avx512_vnni avx512_bf16"


def cpuinfo(vendor: str, flags: str, *, cores: int = 2) -> str:
    fields = f"vendor_id\t: {vendor}\nmodel name\t: CPU: 2.0GHz\npower management:\nflags\t\t: {flags}"
    return "\n\n".join(f"processor\t: {core}\n{fields}" for core in range(cores))


@pytest.mark.parametrize(
    ("text", "fast"),
    [
        (cpuinfo("GenuineIntel", f"{FLAGS} amx_tile amx_bf16 amx_int8"), True),
        (cpuinfo("GenuineIntel", FLAGS), False),
        (cpuinfo("GenuineIntel", f"{FLAGS} amx_tile amx_int8"), False),
        (cpuinfo("AuthenticAMD", FLAGS), True),
        ("processor\t: 0\nBogoMIPS\t: 243.75\nFeatures\t: fp asimd bf16\nCPU implementer\t: 0x41\n", True),
        ("vendor_id\t: GenuineIntel\n", False),
        ("", True),
    ],
    ids=["matrix units", "Intel without them", "in integers only", "AMD", "ARM", "no flags", "nothing said"],
)
def test_bfloat16_is_fast_with_matrix_units_and_where_intel_did_not_make_it(text: str, fast: bool) -> None:
    assert bfloat16_is_fast_on(text) is fast
