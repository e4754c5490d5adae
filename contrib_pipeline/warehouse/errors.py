"""What can go wrong with the warehouse, as one line for a person."""


class WarehouseError(Exception):
    """The warehouse can't do what was asked; the message says why and what now."""


class MigrationChanged(WarehouseError):
    """A migration that was applied is no longer the file it was."""


class OtherHost(WarehouseError):
    """The database belongs to another GitHub host."""
