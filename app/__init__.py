"""The application: commands, screens and the daemon over one façade, `app.api.Library`."""

__version__ = "0.1.0"
