"""The addresses of what a page points to. Pure."""

from urllib.parse import quote, urlencode

from services.web.page_query import View


def supplier(supplier_id: str, view: View | None = None) -> str:
    """Return the address of a supplier's page, as of the day and for the buyer that are shown."""
    return f"/suppliers/{quote(supplier_id)}" + _asked(view)


def figure(supplier_id: str, key: str, view: View | None = None) -> str:
    """Return the address of what is behind a figure."""
    return f"/suppliers/{quote(supplier_id)}/figures/{quote(key)}" + _asked(view)


def deliveries(supplier_id: str, view: View | None = None) -> str:
    """Return the address of a supplier's deliveries."""
    return f"/suppliers/{quote(supplier_id)}/deliveries" + _asked(view)


def line(supplier_id: str, buyer_id: str, order_no: str, line_no: str) -> str:
    """Return the address of the story of an order line."""
    named = urlencode({"buyer": buyer_id, "order": order_no, "line": line_no})
    return f"/suppliers/{quote(supplier_id)}/line?{named}"


def _asked(view: View | None) -> str:
    asked = "" if view is None else view.but(page=1, cluster="")
    return "" if asked == "?" else asked
