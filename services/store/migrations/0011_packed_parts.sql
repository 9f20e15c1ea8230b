-- An insert writes a part into every table that a view fills, and merging rewrites it; making their
-- files is a good part of what it costs. Up to 10 MiB a part is kept as one file instead of ten. An
-- older engine can't read such a part: these tables hold nothing that `rantai rebuild` can't make
-- anew there; the ledger is kept as it was.
-- derived
ALTER TABLE order_versions $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE order_confirmations $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE order_cancellations $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE despatch_lines $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE receipt_lines $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE reversal_lines $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE return_lines $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE inspections $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE complaints $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE complaint_answers $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE complaint_closings $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE disputes $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE dispute_answers $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE partners $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE certificates $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE assessments $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE coachings $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE capacities $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE partnerships $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE partnership_ends $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE senders $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE touched $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
ALTER TABLE fold_marks $on_cluster
    MODIFY SETTING min_bytes_for_full_part_storage = 10485760;
