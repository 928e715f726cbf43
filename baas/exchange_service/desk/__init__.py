"""Where messages are answered.

answering   a message in, a message out, in the order in which things are checked
senders     who sent it: WS-Security or mutual TLS, and whose the certificate is
headings    what can be said of a message that is not taken: its IdPeticion, product and modality
elements    one element of an accepted request: its product's answer, with signed evidence and PDF
queue       the asynchronous requests, which a thread answers
turns       who is next at the database
"""
