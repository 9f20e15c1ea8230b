-- Is a finding of a kind noted that is not gone? No row: none.
SELECT 1 AS stands FROM kept_findings FINAL WHERE kind = {kind:String} AND gone_on IS NULL LIMIT 1
