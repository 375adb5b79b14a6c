"""What can go wrong before anything runs. Each message is one line that a person can act on.

ConfigError
├── SettingError        a key is unknown, or its value is not one of the allowed
├── FileError           a configuration file cannot be read, or is no TOML
├── DataFolderError     the data folder cannot be made or used
└── MigrationError      the database has another shape than this version can use
"""


class ConfigError(Exception):
    """Root of everything that `config` raises on purpose."""


class SettingError(ConfigError):
    """A key is unknown or has a bad value; the message names key, value, origin and what is allowed."""


class FileError(ConfigError):
    """A configuration file cannot be read or is not valid TOML."""


class DataFolderError(ConfigError):
    """The data folder cannot be created, entered or written."""


class MigrationError(ConfigError):
    """The database cannot be brought to the shape that this version needs."""
