"""The programme's tables as files: suppliers and clusters with their figures."""

from collections import Counter
from collections.abc import Mapping, Sequence

from services.assessment.programme_figures import Member
from services.readiness.policy_parts import LETTERS
from services.web.kpi_words import ratio_cells, ratio_columns
from services.web.page_query import View
from services.web.programme import programme_words
from services.web.site import Visit
from services.web.table_files import Kind, Table, TableColumn, TableRow

Groups = Mapping[str | None, Sequence[Member]]


def members(visit: Visit, view: View, some: Sequence[Member], _groups: Groups) -> Table:
    """Return a table with a row for each supplier, in the given order."""
    language = visit.language
    columns = [
        TableColumn(language.text("Supplier's id")),
        TableColumn(language.text("Name")),
        TableColumn(language.text("Cluster")),
        TableColumn(language.text("Regency")),
        TableColumn(language.text("Sector")),
        TableColumn(language.text("Grade")),
        TableColumn(language.text("Grade at the last month end")),
        TableColumn(language.text("Score"), Kind.NUMBER),
        TableColumn(language.text("Provisional")),
        TableColumn(language.text("Weakest pillar")),
        TableColumn(language.text("Lines overdue"), Kind.COUNT),
        *ratio_columns(language),
    ]
    rows: list[TableRow] = [
        [
            one.supplier.supplier_id,
            one.supplier.name,
            one.supplier.cluster,
            one.supplier.regency,
            one.supplier.sector,
            programme_words.displayed_grade(one.at),
            programme_words.displayed_grade(one.before),
            one.at.score,
            language.text("yes") if one.at.grade is None else language.text("no"),
            programme_words.pillar(language, one.at.weakest_pillar) or None,
            one.at.counts["overdue_lines"],
            *ratio_cells(programme_words.figures([one])),
        ]
        for one in some
    ]
    title = language.text("Suppliers")
    return Table("suppliers", title, columns, rows, visit.visitor.partner, view.as_of)


def clusters(visit: Visit, view: View, _some: Sequence[Member], groups: Groups) -> Table:
    """Return a table with a row for each cluster, and one for suppliers without a cluster."""
    language = visit.language
    letters = [
        TableColumn(language.text("Grade %(letter)s", letter=letter), Kind.COUNT)
        for letter in LETTERS
    ]
    columns = [
        TableColumn(language.text("Cluster")),
        TableColumn(language.text("Suppliers"), Kind.COUNT),
        *letters,
        TableColumn(language.text("Without a grade"), Kind.COUNT),
        TableColumn(language.text("Grade rose"), Kind.COUNT),
        TableColumn(language.text("Grade fell"), Kind.COUNT),
        TableColumn(language.text("Need coaching"), Kind.COUNT),
        *ratio_columns(language),
    ]
    rows: list[TableRow] = []
    for name, of in groups.items():
        grades = Counter(programme_words.displayed_grade(one.at) for one in of)
        moves = Counter(programme_words.grade_direction(one) for one in of)
        rows.append(
            [
                name,
                len(of),
                *(grades[letter] for letter in LETTERS),
                grades[None],
                moves["up"],
                moves["down"],
                sum(programme_words.needs_coaching(one) for one in of),
                *ratio_cells(programme_words.figures(of)),
            ]
        )
    title = language.text("Clusters")
    return Table("clusters", title, columns, rows, visit.visitor.partner, view.as_of)
