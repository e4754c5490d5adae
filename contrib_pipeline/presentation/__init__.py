"""What people look at outside the UI: files of rows. The only package that needs pandas, imported when used."""
