"""After an answer: stale hits, the best sentence, previews, saved searches, and opening the file."""
