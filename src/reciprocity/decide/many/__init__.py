"""Many: everybody at once. A file of what stands for each person, and one query for all messages.

layout     what a row of the file keeps, and how long it stays good
parquet    the files of one part; `parts` makes one, here or in a process of its own
snapshot   all parts: made, brought up to an instant, read
unpack     a row as columns, in SQL; `speech` the rules over them, `choice` the best of each
count      the query run by DuckDB: what each message would meet, and whom it is chosen for
tally      what a count that was stopped had found
spark      the same by Spark; `dialect` has what the two spell differently
views      what one purpose may see; `standing_views` puts that into the brand's own database
           (`named_views`: how they are called there, and go)
question   what an analyst may ask of a purpose, read by a grammar; `pieces` its parts
"""
