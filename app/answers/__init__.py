"""What happens to an answer: stale hits, the best sentence, previews, saved searches, opening a file."""
