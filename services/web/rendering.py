"""Renders pages: templates in the reader's language, as one document with its style sheet inside.

On a weak signal, a phone then waits for one answer instead of two. The content security policy
allows the style sheet by its digest, and no scripts at all.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from fastapi.responses import Response
from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from services.text.language import LANGUAGES, Language

_FOLDERS: Final = ("templates", "supplier", "buyer", "programme", "forms", "paper")
"""Templates are beside the modules that render them; `templates` has what pages share."""
_PERCENT: Final = re.compile(r"\(?[0-9][0-9.,]* %\)?")
STYLE: Final = (files("services.web") / "static" / "style.css").read_text()
_STYLE_DIGEST: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS: Final = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; "
    "img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    # Not `no-referrer`: a browser would then send forms with `Origin: null`, even to this site, and
    # `Forms.require_own` would refuse them.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""The headers of every page."""


def html(
    language: Language,
    template: str,
    context: Mapping[str, Any],
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return a rendered page. `context`: the variables of the template."""
    text = _ENVIRONMENTS[language.code].get_template(template).render(context)
    return Response(
        text, status, {**HEADERS, **(headers or {})}, media_type="text/html; charset=utf-8"
    )


def _environment(language: Language) -> Environment:
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("services.web", folder) for folder in _FOLDERS]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(  # type: ignore[attr-defined]
        language.translations, newstyle=True
    )
    # As Markup, so that it is not escaped: the digest in the policy is that of exactly this text.
    environment.globals.update(style=Markup(STYLE), language=language)  # noqa: S704
    environment.filters.update(
        day=language.day, number=language.number, percent=language.percent, unbroken=_unbroken
    )
    return environment


def _unbroken(text: str) -> Markup:
    """Return HTML that keeps a number and its percent sign on one line; the text is unchanged."""
    # The text is escaped before the tag is inserted.
    return Markup(_PERCENT.sub(r'<span class="nb">\g<0></span>', str(escape(text))))  # noqa: S704


_ENVIRONMENTS: Final = {code: _environment(language) for code, language in LANGUAGES.items()}
