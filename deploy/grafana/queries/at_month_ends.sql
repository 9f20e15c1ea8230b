-- At which month ends of the period, each with the usual window before it?
    spans = (
        SELECT groupArray((toDate32(addMonths(toStartOfMonth(@since), number + 1)), toInt32(180)))
        FROM numbers(toUInt64(dateDiff('month', @since, @as_of))))
