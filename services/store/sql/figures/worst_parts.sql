-- Which parts of a family weigh most against a supplier: those that missed, and the biggest of them?
-- Columns of figure_sums: of those that missed the latest, of the biggest how much, then the latest.
    groupArraySortedIf($cases)(
        (-toInt32(part_day), buyer_id, kind, number, line_no, part_label),
        part_b = 0 AND part_family IN (
            'due', 'requested', 'inspected', 'asked', 'answered', 'receipt', 'step')) AS missed,
    groupArraySortedIf($cases)(
        (
            -if(part_family = 'due', part_e + part_f * toInt32(as_of) - part_g, part_a)
                / $factor_of(part_label),
            -toInt32(part_day), buyer_id, kind, number, line_no, part_label
        ),
        part_family IN ('due', 'inspected', 'complained')) AS most
