"""Reads Compose files and runs the Dockerfile's steps on machines without a container engine."""
