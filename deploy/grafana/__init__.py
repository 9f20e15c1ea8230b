"""Grafana's dashboards as code: a module builds each of them, `generate` writes them as JSON."""
