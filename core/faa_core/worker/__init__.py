"""The worker process: protocol, server and client."""
