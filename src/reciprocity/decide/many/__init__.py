"""Many: everybody at once. A file of what stands for each person, and one query for all messages.

layout     what a row of the file keeps, and how long it stays good
snapshot   the file: made, brought up to an instant, read
speech     messages' rules as SQL over its columns
count      the query run part by part: what each message would meet, and whom it is chosen for
"""
