"""Schema events: the inbox. Rows are written by the event receiver, not by a run; the asset is where lineage begins."""

from contrib_pipeline.defs.assets.specs import table_spec

inbox = table_spec("events.inbox", kinds={"http"})
