"""The service: every account synced by its schedule, watched, and told of over HTTP and by notifications."""
