"""Collecting what people said, each word with how it came.

    mapping   the mapping file: which column of a file says what
    table     a CSV file, checked as a whole, then read row by row
    rows      a mapping made ready for one file: what one row says of one person
    said      what rows say apart from who they are about, found once for all alike
    fits      whether a mapping fits the brand and the file
    drafts    what is new in a row, given what stands: the event to append, if any
    taking    rows put to the journal, many in one transaction
    imports   a file of people, taken in: what takes away first

    reported   what other systems report, read strictly, event by event
    collector  of what is reported, what a yes to looking stands for
    joining    two people found to be one: both brought to the strictest wishes

    fair_choice   what keeps an opt-in prompt that is not fair from being published

Nothing that is collected here can say more than its source did.
"""
