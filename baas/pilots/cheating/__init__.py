"""The cheating operator, for real: with its own keys and files it changes what was; who notices, with which file?

The operator of a laboratory holds every key of every arm. On each arm it tries each attack on records that others hold
evidence of, with nothing but its own keys: it back-dates, deletes, puts in another order, rewrites, and shows two people
two histories. Untouched records go through the same examination: an alarm on one of those is a false one.

    exhibits     what is shown, to whom, and what that person kept
    looks        how each kind of evidence is looked at: files in, a contradiction out
    examining    the child process in which they are looked at: it refuses every socket
    room         starts that process, and makes trials of its answers
    second_chain, keys                     what the operator has: its chain once more, its keys under another clock
    chain, timestamp, seal, log, csv       what the operator does on each arm
    examiner     brings the operator's keys and the others' files together, arm by arm

Nothing of the running service is changed: chains, logs and authorities are copied, and it is the copies that cheat.
"""
