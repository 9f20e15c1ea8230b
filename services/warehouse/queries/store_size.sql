-- How large is the store on disk, in bytes?
SELECT sum(bytes_on_disk) AS bytes
FROM system.parts
WHERE active AND database = {database:String}
