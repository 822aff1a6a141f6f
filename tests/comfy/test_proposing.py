"""Bindings for a graph that comes without any."""

from __future__ import annotations

import pytest

from comfy.binding import audit, fill
from comfy.graphs import GraphRefused
from comfy.proposing import propose
from tests.comfy.test_binding import NAMES, values, workflow


@pytest.mark.parametrize("name", NAMES)
def test_what_is_proposed_for_each_of_our_workflows_passes_the_audit_and_is_what_a_person_bound(name):
    graph, by_hand = workflow(name)
    proposed = propose(graph)
    audit(graph, proposed)
    # That a small scaled picture is for testing only is known to nobody but the person.
    assert proposed["kind"] == ("upscale" if name == "smoke-upload" else by_hand["kind"])
    assert proposed["output"] == by_hand["output"]
    assert proposed["progress_nodes"] == ([] if name == "upscale-model" else by_hand["progress_nodes"])
    # A person may see more: the steps of the second pass alone, a colour in the place of a seed, both sizes of a mask.
    for parameter in ("prompt", "negative", "checkpoint", "diffusion_model", "vae", "reference_image", "filename_prefix", "cfg", "sampler"):
        assert _pairs(proposed, parameter) == _pairs(by_hand, parameter), parameter
    for side in ("width", "height"):
        assert _pairs(proposed, side) >= _pairs(by_hand, side)


def _pairs(bindings, parameter):
    return {(target["node"], target["input"]) for target in bindings["bind"].get(parameter) or []}


def test_a_proposal_can_be_filled_with_the_sizes_and_steps_of_the_graph_itself():
    graph, _ = workflow("sd-text2img")
    told = {name: value for name, value in values("sd-text2img").items() if name not in ("steps", "width", "height")}
    filled = fill(graph, propose(graph), told, family="own")
    assert filled.size == (512, 512) and filled.steps == 25


def test_a_mask_is_known_by_its_class_or_by_its_title():
    graph, _ = workflow("sd-inpaint-keep-product")
    assert _pairs(propose(graph), "mask") == {("30", "image")}
    graph["20"]["_meta"]["title"] = "Product MASK"
    assert ("20", "image") in _pairs(propose(graph), "mask")


def test_a_graph_without_a_finished_picture_is_refused():
    graph, _ = workflow("sd-text2img")
    del graph["9"]
    with pytest.raises(GraphRefused, match="0 SaveImage"):
        propose(graph)
