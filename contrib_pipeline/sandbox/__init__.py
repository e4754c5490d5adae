"""A local GitHub: real HTTP, real GraphQL against a part of GitHub's schema, answered from a world in memory.

``generate`` or ``archives`` make a ``world``; ``server`` serves it; ``pace`` keeps it living; ``faults`` makes it fail.
Imports nothing else of this project.
"""
