-- Which parts of a family weigh most against a supplier: the latest that missed, and the biggest?
-- These are columns of figure_sums. The biggest are ordered by their amount, then the latest first.
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
