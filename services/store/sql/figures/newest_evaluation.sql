-- Which is the newest month end, up to a day, that is frozen for any supplier? No row = none.
SELECT as_of FROM evaluations WHERE as_of <= {day:Date32} ORDER BY as_of DESC LIMIT 1
