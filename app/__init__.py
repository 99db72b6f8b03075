"""The application: commands, screens and the daemon over one façade, `app.library.Library`."""

__version__ = "0.1.0"
