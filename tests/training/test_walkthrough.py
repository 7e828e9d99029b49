"""The walkthrough notebook runs as it is written, on pictures drawn by our own code."""

from __future__ import annotations

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    notebook = nbformat.read(ROOT / "training" / "walkthrough.ipynb", as_version=4)
    client = NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(ROOT)}}
    )
    client.execute()
    return notebook


def said(notebook: nbformat.NotebookNode) -> str:
    return "".join(
        output.get("text", "")
        for cell in notebook.cells
        if cell.cell_type == "code"
        for output in cell.outputs
    )


@pytest.mark.timeout(900)
def test_the_walkthrough_ends_with_a_named_picture(executed: nbformat.NotebookNode) -> None:
    shown = [
        output.data
        for cell in executed.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.output_type == "execute_result"
    ]

    assert any(kind.startswith("image/") for data in shown for kind in data)
    assert "group.png" in said(executed)


@pytest.mark.timeout(900)
def test_the_walkthrough_trains_both_networks_and_builds_a_pack(
    executed: nbformat.NotebookNode,
) -> None:
    text = said(executed)

    assert "embedder.onnx" in text
    assert "detector.onnx" in text
    assert "walkthrough: Trained by the walkthrough" in text
