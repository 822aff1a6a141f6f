"""Which engine paints what was asked for."""

from __future__ import annotations

import pytest

from painting.engine import EngineError
from painting.engines import choose, engine

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("asked", ["auto", "draft", "builtin"])
def test_auto_and_draft_paint_on_this_machine(asked):
    assert choose(asked) == "builtin"
    assert engine(choose(asked)).name == "builtin"


@pytest.mark.parametrize(("asked", "missing"), [("comfyui", "ComfyUI server"), ("openai", "OpenAI key")])
def test_an_engine_that_is_not_set_up_says_so_and_what_to_do(asked, missing):
    with pytest.raises(EngineError, match=f"No {missing} is set up. Choose Draft or auto") as error:
        choose(asked)
    assert error.value.code == "engine_not_configured" and error.value.permanent


def test_an_engine_that_nobody_knows_is_refused():
    with pytest.raises(EngineError, match="no engine called 'oracle'") as error:
        engine("oracle")
    assert error.value.code == "engine_unknown" and error.value.permanent
