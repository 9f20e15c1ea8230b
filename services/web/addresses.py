"""Addresses of the pages that other pages link to. Pure."""

from urllib.parse import quote, urlencode

from services.web.page_query import View


def supplier(supplier_id: str, view: View | None = None) -> str:
    """Return the address of a supplier's page, with the day, window and buyer of a view."""
    return f"/suppliers/{quote(supplier_id)}" + _query(view)


def figure(supplier_id: str, key: str, view: View | None = None) -> str:
    """Return the address of the page that explains a figure."""
    return f"/suppliers/{quote(supplier_id)}/figures/{quote(key)}" + _query(view)


def deliveries(supplier_id: str, view: View | None = None) -> str:
    """Return the address of a supplier's page of deliveries."""
    return f"/suppliers/{quote(supplier_id)}/deliveries" + _query(view)


def line(supplier_id: str, buyer_id: str, order_no: str, line_no: str) -> str:
    """Return the address of the page that tells the story of an order line."""
    named = urlencode({"buyer": buyer_id, "order": order_no, "line": line_no})
    return f"/suppliers/{quote(supplier_id)}/line?{named}"


def _query(view: View | None) -> str:
    query = "" if view is None else view.with_changes(page=1, cluster="")
    return "" if query == "?" else query
