"""The consent algebra: what a person wishes, and the laws by which one act changes it; pure.

What stands and how it comes to stand:
    state     answers, objections, preferences, contact points
    laws      how far each word reaches; the only place that knows
    fold      one act applied to what stands, by these laws
    merge     two identities found to be one person: the strictest wins
What is to be said:
    join      what brings two records of one person to that, taking away only
    draft     the act that says what a person asked for, complete and checked
    prefer    the same for preferences
"""
