"""Dashboards of Grafana as code: each module returns one, `generate` writes them as JSON."""
