"""The command ``contrib-pipeline``: ``main`` lists the commands, one module per group of them."""
