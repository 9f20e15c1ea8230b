-- Of which month end is the newest evaluation that was frozen of anybody, up to a day? None: no row.
SELECT as_of FROM evaluations WHERE as_of <= {day:Date32} ORDER BY as_of DESC LIMIT 1
