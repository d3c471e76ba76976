"""What the outside world says of listings: their websites, and where their addresses lie.

Belongs here: asking politely, within bounds, never inside a private network, and remembering the answers. Does not belong
here: what an answer means for a listing (`prepared`).
"""
