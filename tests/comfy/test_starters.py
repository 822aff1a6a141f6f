"""The workflows that ship: there after the first start, replaced by an update, and never over an edit."""

from __future__ import annotations

import json

import pytest

from comfy import starters
from comfy.actions import save_workflow
from comfy.graphs import GraphRefused
from comfy.models import Server, Workflow

pytestmark = pytest.mark.django_db


def test_all_starter_workflows_are_there_after_loading_and_loading_again_changes_nothing():
    starters.load()
    assert set(Workflow.objects.values_list("slug", flat=True)) >= {"sd-text2img", "sd-inpaint-keep-product", "sd-inpaint-cutout", "flux-text2img", "smoke-no-model"}  # fmt: skip
    assert starters.load() == []
    assert all(workflow.versions.count() == 1 for workflow in Workflow.objects.all())


def test_what_staff_edited_is_left_as_it_is(sam):
    starters.load()
    workflow = Workflow.objects.get(slug="sd-text2img")
    graph = json.loads(json.dumps(workflow.current.graph))
    graph["7"]["inputs"]["cfg"] = 3.0
    save_workflow(slug="sd-text2img", title="Ours", graph=graph, bindings=workflow.current.bindings, by=sam)
    assert starters.load() == []
    workflow.refresh_from_db()
    assert workflow.current.number == 2 and workflow.current.author == sam and workflow.current.graph["7"]["inputs"]["cfg"] == 3.0


def test_an_update_replaces_what_nobody_edited():
    starters.load()
    Workflow.objects.filter(slug="sd-text2img").update(starter_hash="of an older release")
    workflow = Workflow.objects.get(slug="sd-text2img")
    workflow.versions.filter(pk=workflow.current_id).update(hash="of an older release")
    assert starters.load() == ["sd-text2img"]
    workflow.refresh_from_db()
    assert workflow.current.number == 2 and workflow.versions.count() == 2


def test_a_workflow_that_may_not_be_used_is_not_saved():
    with pytest.raises(GraphRefused, match=r"Export \(API\)"):
        save_workflow(slug="x", title="X", graph={"nodes": [], "links": []}, bindings={})
    assert not Workflow.objects.filter(slug="x").exists()


def test_a_custom_node_may_be_used_where_a_server_names_it():
    starters.load()
    workflow = Workflow.objects.get(slug="sd-text2img")
    graph = {**workflow.current.graph, "50": {"class_type": "FancyUpscale", "inputs": {"image": ["8", 0]}}}
    with pytest.raises(GraphRefused):
        save_workflow(slug="fancy", title="Fancy", graph=graph, bindings=workflow.current.bindings)
    Server.objects.create(name="gpu", address="http://gpu:8188", custom_nodes=["FancyUpscale"])
    save_workflow(slug="fancy", title="Fancy", graph=graph, bindings=workflow.current.bindings)
