"""The process that keeps the index level with the disk, and how others speak to it."""
