"""Events: from a name and a payload, over HTTP or from elsewhere, to a row in the inbox, to runs.

``catalogue`` says what every event means, ``inbox`` and ``queue`` keep the rows, ``dispatch`` makes batches of them,
``receiver`` is the HTTP side. What the runs then do is not here.
"""
