-- Is a finding of a kind recorded that is not gone? No row = no.
SELECT 1 AS stands FROM kept_findings FINAL WHERE kind = {kind:String} AND gone_on IS NULL LIMIT 1
