"""GitHub's GraphQL API: documents, the client, its errors, and where GitHub's shape ends (``rows``).

Imports none of our other packages. Where rows go, and in which order captures happen, is not here.
"""
