"""Whom the sandbox's products know: nobody who exists. Numbers with right check letters, no names.

residents   documents of persons who are registered in a municipality
powers      powers of attorney, in every state that one can be in

The same on every machine: there is no chance in them.
"""
