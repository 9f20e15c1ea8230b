"""The programme's pages show the figures of the JSON API, every supplier once, and no prices."""

import html
import json
import re
from collections import Counter
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from schemas.catalogue import Role
from services.assessment.coaching_effects import coaching_effects
from services.assessment.figure_store import Selection
from services.assessment.programme_figures import Filter, Programme
from services.store.client import ClickHouse
from services.web.programme import coaching_words
from tests.integration.groups_story import (
    ASKED,
    CLUSTER,
    COACHED,
    FELL,
    ONE,
    PRICE,
    PROGRAMME,
    ROSE,
    SUPPLIERS,
    TODAY,
    Browser,
    Site,
    open_site,
    rows,
    table,
)
from tests.integration.pages_story import text
from tests.integration.test_pages_buyer import whole

EVERYONE = Selection(TODAY, 180)
SLASHED_PATH = "/programme/clusters/gr%2Fkudus"
PAGES = (
    f"/programme?{ASKED}",
    f"/programme?{ASKED}&region=Tegal",
    f"/programme/suppliers?{ASKED}",
    f"/programme/suppliers?{ASKED}&show=coaching",
    f"/programme/clusters/{CLUSTER}?{ASKED}",
    f"{SLASHED_PATH}?{ASKED}",
    f"/programme/without-cluster?{ASKED}",
    f"/programme/coaching?{ASKED}",
    f"/programme/coaching?{ASKED}&figure=ppm&cluster=gr-bina",
)


@pytest.fixture(scope="module")
def site(own_clickhouse: ClickHouse, tmp_path_factory: pytest.TempPathFactory) -> Site:
    return open_site(own_clickhouse, tmp_path_factory.mktemp("links") / "secret")


@pytest.fixture(scope="module")
def manager(site: Site) -> Browser:
    return site.sign_in(Role.PROGRAMME, PROGRAMME)


def on_its_own_page(site: Site, cluster: str | None = "") -> list[str]:
    """Return the grade that each supplier's own page shows.

    "few" stands for insufficient data, "none" for a grade not published yet. `cluster` selects the
    suppliers of a cluster, None those without one; "" selects all.
    """
    _, everybody = site.reader.suppliers(limit=1000)
    found = []
    for one in everybody:
        if cluster in ("", one.cluster):
            selection = replace(EVERYONE, suppliers=[one.supplier_id])
            grade = json.loads(site.reader.scorecard(one.supplier_id, selection))["grade"]
            found.append("few" if grade["insufficient"] else grade["published"] or "none")
    return found


def test_grades_and_stages_are_counted_as_by_the_interface(site: Site, manager: Browser) -> None:
    summary = Programme(site.reader).summary(EVERYONE, Filter(), 5)
    response = manager.get(f"/programme?{ASKED}")
    shown = text(response)
    assert f"{summary['suppliers']} pemasok." in shown
    words = {"A": "sangat baik", "B": "baik", "C": "cukup", "D": "perlu perbaikan"}
    found = Counter(on_its_own_page(site))
    counts = ", ".join(f"{letter} ({words[letter]}): {found[letter]}" for letter in words)
    # The counts are in the text for people who don't see the bars.
    assert f"{counts}, belum bernilai: {found['none']}, belum cukup data: {found['few']}" in shown
    assert found["A"] and found["C"] and found["few"]
    (stages,) = summary["stages"]
    told = ", ".join(f"{stage}: {count}" for stage, count in stages["stages"].items())
    assert told in shown
    assert "Kemandirian menurut Dinas <i>Koperasi</i>" in shown
    assert response.text.count('class="part"') == sum(
        count > 0 for bars in (found, stages["stages"]) for count in bars.values()
    )


def test_who_rose_and_fell_since_the_month_end(site: Site, manager: Browser) -> None:
    moved = Programme(site.reader).summary(EVERYONE, Filter(), 5)["moved"]
    ways = {one["supplier_id"]: (one["from"], one["to"]) for one in moved["suppliers"]}
    assert ways == {ROSE: ("B", "A"), FELL: ("B", "C")}
    shown = text(manager.get(f"/programme?{ASKED}"))
    assert "Naik dan turun sejak 1 Nov 2026 Nilai naik: 1 CV Naik <Jaya> B → A" in shown
    assert "Nilai turun: 1 CV Turun <Jaya> B → C" in shown
    for show, name in (("rose", "CV Naik &lt;Jaya&gt;"), ("fell", "CV Turun &lt;Jaya&gt;")):
        assert rows(manager.get(f"/programme/suppliers?{ASKED}&show={show}").text) == [name]


def test_who_needs_coaching_and_in_what(site: Site, manager: Browser) -> None:
    response = manager.get(f"/programme/suppliers?{ASKED}&show=coaching&table=suppliers&format=csv")
    listed = table(response)
    _, everybody = site.reader.suppliers(limit=1000)
    expected = {
        member.supplier.supplier_id: member.at.weakest_pillar
        for member in Programme(site.reader).members(EVERYONE, everybody)
        if (member.at.grade and member.at.published in ("C", "D"))
        or member.supplier.supplier_id == FELL
    }
    words = {"quality": "Mutu", "delivery": "Pengiriman", "responsiveness": "Tanggapan"}
    assert FELL in expected
    assert {row["ID pemasok"]: row["Pilar terlemah"] for row in listed} == {
        supplier: words[pillar or ""] for supplier, pillar in expected.items()
    }
    shown = text(manager.get(f"/programme/suppliers?{ASKED}&show=coaching"))
    assert "CV Turun <Jaya> GR-TURUN · gr-tegal C, cukup B → C Skor: " in shown


def test_clusters_are_pooled_and_lead_on(site: Site, manager: Browser) -> None:
    found = Programme(site.reader).clusters(EVERYONE, Filter(), 5, 100, 0)["clusters"]
    listed = table(manager.get(f"/programme?{ASKED}&table=clusters&format=csv&lang=en"))
    assert [row["Cluster"] or None for row in listed] == [one["cluster"] for one in found]
    for row, one in zip(listed, found, strict=True):
        otif = one["kpis"]["otif"]
        assert row["On time and in full: numerator"] == str(otif["numerator"])
        assert row["On time and in full: denominator"] == str(otif["denominator"])
        own = Counter(on_its_own_page(site, one["cluster"]))
        assert [row[f"Grade {letter}"] for letter in "ABCD"] == [str(own[x]) for x in "ABCD"]
        assert row["Without a grade"] == str(own["none"] + own["few"])
    page = manager.get(f"/programme?{ASKED}")
    last = next(one for one in found if one["cluster"] == CLUSTER)["kpis"]["otif"]
    assert f"{last['numerator']} dari {last['denominator']} baris tepat waktu" in text(page)
    clusters = page.text[page.text.index('id="clusters"') :]
    addresses = re.findall(r'<th scope="row"><a href="([^"]*)">', clusters)
    assert len(addresses) == len(found)
    for address, one in zip(addresses, found, strict=True):
        opened = manager.get(html.unescape(address))
        assert f"Pemasok: {one['suppliers']}" in text(opened)
        assert (one["cluster"] or "Tanpa klaster") in text(opened)
    assert manager.get("/programme/clusters/nowhere").status_code == 404


def test_members_lead_to_their_pages(manager: Browser) -> None:
    response = manager.get(f"{SLASHED_PATH}?{ASKED}")
    (address,) = set(re.findall(r'href="(/suppliers/[^"]*)"', response.text))
    assert "Pesanan dari semua pembeli" in text(manager.get(html.unescape(address)))


def test_members_are_sorted_and_in_parts(manager: Browser) -> None:
    path = f"/programme/clusters/{CLUSTER}?{ASKED}&sort=score"
    listed = table(manager.get(f"{path}&order=desc&table=suppliers&format=csv&lang=en"))
    scores = [Decimal(row["Score"]) for row in listed]
    assert scores == sorted(scores, reverse=True)
    first, second = (rows(manager.get(f"{path}&order=desc&page={n}").text) for n in (1, 2))
    names = [html.unescape(name) for name in (*first[-25:], *second)]
    assert names == [row["Name"] for row in listed]
    assert 'aria-sort="descending"' in manager.get(f"{path}&order=desc").text


def test_regions_and_sectors_narrow(manager: Browser) -> None:
    shown = text(manager.get(f"/programme?{ASKED}&region=Tegal"))
    assert "20 pemasok. Hanya: Tegal." in shown
    assert "20 pemasok." in text(manager.get(f"/programme?{ASKED}&region=Jawa+Tengah"))
    assert "10 pemasok." in text(manager.get(f"/programme?{ASKED}&sector=plastik"))
    assert "Tidak ada pemasok di sana" in text(manager.get(f"/programme?{ASKED}&region=Papua"))
    both = manager.get(f"/programme/suppliers?{ASKED}&sector=plastik&cluster=gr/kudus")
    assert rows(both.text) == ["CV S29 &lt;Jaya&gt;"]


def test_what_coaching_did_beside_the_uncoached(site: Site, manager: Browser) -> None:
    effects = coaching_effects(site.reader.store, date(2025, 11, 22), TODAY)
    assert {one.supplier_id for one in effects} == {COACHED, SUPPLIERS[0]}
    shown = text(manager.get(f"/programme/coaching?{ASKED}&cluster=gr-bina"))
    assert "CV Bina <Jaya> 15 Jul 2026 · produksi · Ibu Sari" in shown
    assert "Yang dibina, sebelum: 0 dari 12 (0 %), antara 0 % dan 24 %" in shown
    assert "Yang dibina, sesudah: 12 dari 12 (100 %), antara 76 % dan 100 %" in shown
    assert "Yang dibina, perubahan: +100 poin persen (antara +66 dan +100)" in shown
    assert "Tidak dibina, sebelum: 12 dari 12 (100 %)" in shown
    assert "Tidak dibina, perubahan: 0 poin persen (antara −24 dan +24)" in shown
    assert "naiknya lebih dari yang tidak dibina 1 pemasok tidak dibina" in shown
    # Three lines are too few for a comparison; their numbers are shown all the same.
    few = text(manager.get(f"/programme/coaching?{ASKED}"))
    assert "belum cukup kasus" in few
    assert "kasusnya terlalu sedikit untuk dibandingkan" in few
    late = text(manager.get(f"/programme/coaching?{ASKED}&cluster=gr-bina&figure=mean_days_late"))
    assert "rata-rata 3 hari, dari 1.200 yang dipesan" in late
    assert "Yang dibina, perubahan: −3 hari" in late
    assert manager.get("/programme/coaching?figure=price").status_code == 400


def test_coaching_as_a_file_has_every_numerator(site: Site, manager: Browser) -> None:
    effects = coaching_effects(site.reader.store, date(2025, 11, 22), TODAY)
    listed = table(manager.get(f"/programme/coaching?{ASKED}&table=coaching&format=csv&lang=en"))
    assert len(listed) == len(effects) * len(coaching_words.SHOWN)
    told = iter(listed)
    for effect in effects:
        for key in coaching_words.SHOWN:
            row, change = next(told), effect.figures[key]
            assert Fraction(row["Numerator, after"]) == change.after.numerator
            denominator = change.uncoached_before.denominator
            assert Fraction(row["Denominator, not coached, before"]) == denominator


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["id", "en"])
def test_every_page_is_whole_and_without_prices(manager: Browser, path: str, language: str) -> None:
    response = manager.get(f"{path}&lang={language}")
    whole(response, language)
    assert PRICE not in re.sub(r"[.,]", "", response.text)
    for key in ("suppliers", "clusters", "coaching"):
        file = manager.get(f"{path}&table={key}&format=csv")
        assert PRICE not in file.text


def test_only_the_programme_comes_here(site: Site) -> None:
    for role, partner in ((Role.SUPPLIER, SUPPLIERS[0]), (Role.BUYER, ONE)):
        browser = site.sign_in(role, partner)
        for path in PAGES:
            assert browser.get(path).status_code == 403
