"""What a payload loses before it is stored."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from contrib_pipeline.events.cleaning import clean


def test_keys_named_like_secrets_go_at_any_depth_and_nothing_else_does() -> None:
    data = {
        "github_token": "x",
        "owner": "octo",
        "headers": [{"Authorization": "x", "accept": "y"}],
        "nested": {"clientSecret": "x", "PASSWORD": {"a": 1}, "apiKey": "x", "key": "kept"},
    }
    assert clean(data) == {"owner": "octo", "headers": [{"accept": "y"}], "nested": {"key": "kept"}}


@given(
    st.recursive(
        st.text() | st.integers() | st.none(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_what_is_left_has_no_character_that_postgres_cannot_hold(value: Any) -> None:
    text = json.dumps(clean(value), ensure_ascii=False)
    assert "\\u0000" not in text
    text.encode("utf-8")
