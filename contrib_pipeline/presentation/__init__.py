"""What people look at: files of rows, tables and pictures for the UI, the report of a workspace.

The only package that needs pandas, Matplotlib and Jinja, imported when used. It reads and never writes the warehouse.
"""
