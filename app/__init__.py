"""The application: commands, screens and the daemon over one interface, `app.api.Library`."""

__version__ = "0.1.0"
