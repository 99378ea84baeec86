"""CardDAV (RFC 6352), to be read only: address books for clients that speak no LDAP.

``xml`` reads and writes the wire, ``books`` says what an address book holds, ``filters`` translates queries and checks
cards, ``properties`` answers PROPFIND; ``routes`` wires them to Flask.  A national address book cannot be listed whole:
it is searched, and says so (507); what a telephone can keep is a selection, of one structure, or of a profession in a
département.  Anybody's view only, whoever asks, and whatever password a client insists on sending.
"""
