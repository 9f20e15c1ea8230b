"""The programme's pages: clusters, their members, and what coaching did."""
